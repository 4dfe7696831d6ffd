"""Hooks in the browser: added, tried, seen to fail and sent again; and looked at in every way."""

import ssl
from uuid import UUID

import pytest
from tests.browser.stage import Stage
from tests.browser.test_pages import pictures
from tests.cast import staff
from tests.outbound.hooked import Receiver
from tests.outbound.test_hooks import SECONDS, signed_by
from tests.outbound.test_hooks_line import vouched

from changedesk.base import clock
from changedesk.base.actor import Role
from changedesk.channels.clock.hooks import bodies
from changedesk.flow import hooks
from changedesk.outbound.hooks import Line, Sender
from changedesk.rules.egress import ANYWHERE

__all__ = ["vouched"]
pytestmark = pytest.mark.browser


def send(stage: Stage, trust: ssl.SSLContext) -> None:
    """Do what the worker does: the name leads to the receiver here, which proves to be it."""
    stage.tell()
    sender = Sender(Line(reach=ANYWHERE, resolve=lambda *_: ["127.0.0.1"], trust=trust), bodies)
    while sender.run(stage.desk.client):
        assert sender.wait(SECONDS)
    sender.close()


def test_an_administrator_adds_a_hook_tries_it_and_sends_again_what_failed(
    stage: Stage, vouched: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    server, trust = vouched
    with Receiver() as receiver:
        receiver.tls(server)
        seen = stage.at_work("Ada")
        page = seen.page
        page.goto(stage.to("hooks"))
        page.get_by_role("textbox", name="Address").fill(f"https://hooks.example.com:{receiver.port}/in")
        page.get_by_text("Of these events alone").first.click()
        page.get_by_label("Customer created").check()
        page.get_by_role("button", name="Add the hook").click()
        secret = page.locator("[data-secret]").inner_text()
        complaints = seen.complaints()
        receiver.status = 500
        page.get_by_role("button", name="Send a test").click()
        page.get_by_text("A test event goes out").wait_for()
        send(stage, trust)
        page.reload()
        row = page.get_by_role("row", name="hook.test")
        row.get_by_text("It answered with an error.").wait_for()
        receiver.status = 200
        row.get_by_role("button", name="Send again").click()
        page.get_by_text("It goes out again.").wait_for()
        stage.desk.customer()
        send(stage, trust)
        page.goto(page.url + "?state=sent")
        page.get_by_role("row", name="hook.test").get_by_text("Sent", exact=True).wait_for()
        page.get_by_role("link", name="All").click()
        assert page.locator("[data-secret]").count() == 0
        bea = staff(stage.desk.client, 99, Role.ADMINISTRATOR)
        key = UUID(page.url.split("?")[0].rsplit("/", 1)[1])
        hooks.change_hook(key, hooks.HookChange(full_values=True), actor=bea, at=clock.now())
    assert [one.event["type"] for one in receiver.got] == ["hook.test", "hook.test"]
    assert all(signed_by(one, secret) for one in receiver.got)
    here = page.url.removeprefix(stage.to(""))
    pictures(stage, "Ada", {"hooks": "hooks", "hook": here}, complaints)
    assert complaints == []
    again = stage.at_work("Ada").page
    again.goto(stage.to(here))
    again.get_by_role("button", name="Approve").click()
    again.get_by_text("Approved. It is so from now on.").wait_for()
    again.get_by_text("Send again what failed").click()
    again.get_by_role("button", name="Send again").first.click()
    again.get_by_text("0 events go out again.").wait_for()
