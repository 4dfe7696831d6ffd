"""The pages of hooks: the secret is shown once, deliveries say what became of events, and only some may set them."""

import re
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from pytest_django.fixtures import Settings
from tests.cast import staff
from tests.channels.api.test_hooks import send
from tests.channels.console.room import Room
from tests.outbound.hooked import Receiver
from tests.outbound.test_hooks import signed_by

from changedesk.base.actor import Role
from changedesk.base.clock import now
from changedesk.flow import hooks

URL = "https://hooks.example.com/in?key=1"


def text(answer: object) -> str:
    return answer.content.decode()  # type: ignore[attr-defined,no-any-return]  # Django's


def added(room: Room, url: str = URL, **more: str) -> tuple[str, str]:
    """The path of a new hook's page, and the secret on it."""
    answer = room.post("Ada", "hooks", url=url, submission="one", **more)
    assert answer.status_code == 200, text(answer)
    secret = re.search(r"data-secret[^>]*>(whsec_[^<]+)<", text(answer))
    link = re.search(r'href="/c/aurora/(hooks/[0-9a-f-]{36})"', text(room.get("Ada", "hooks")))
    assert secret
    assert link
    return link[1], secret[1]


def test_a_hook_is_added_and_its_secret_is_on_no_other_page(room: Room) -> None:
    path, secret = added(room)
    assert secret not in text(room.get("Ada", path)) + text(room.get("Ada", "hooks"))
    again = text(room.post("Ada", "hooks", url=URL, submission="one"))
    assert secret in again  # the same form sent twice is one hook
    assert text(room.get("Ada", "hooks")).count("hooks.example.com") == 1
    rotated = text(room.post("Ada", path, do="rotate", submission="two"))
    assert secret not in rotated
    assert "The old secret signs until" in rotated


def test_a_test_is_seen_and_sent_again(room: Room, settings: Settings) -> None:
    settings.CHANGEDESK_HOOKS_INSIDE = True
    with Receiver() as receiver:
        path, secret = added(room, receiver.url, kinds="contact_details")
        receiver.status = 503
        assert room.post("Ada", path, do="test").status_code == 303
        send(room.desk)
        page = text(room.get("Ada", path))
        assert "It answered with an error." in page
        assert "503" in page
        delivery = re.search(r'name="delivery" value="([0-9a-f-]{36})"', page)
        assert delivery
        receiver.status = 200
        assert room.post("Ada", path, do="resend", delivery=delivery[1]).status_code == 303
        send(room.desk)
        assert ">Sent<" in text(room.get("Ada", f"{path}?state=sent")).replace("</svg>Sent", ">Sent")
        assert all(signed_by(one, secret) for one in receiver.got)
        assert len(receiver.got) == 2


def test_a_hook_is_changed_paused_resumed_and_removed_on_its_page(room: Room) -> None:
    path, _ = added(room)
    changed = room.post("Ada", path, do="change", url="https://other.example.com/", events="change.applied")
    assert changed.status_code == 303
    page = text(room.get("Ada", path))
    assert "other.example.com" in page
    assert room.post("Ada", path, do="pause").status_code == 303
    assert 'value="test"' not in text(room.get("Ada", path))
    stopped = room.post("Ada", path, do="test")
    assert stopped.status_code == 409
    assert "paused or disabled" in text(stopped)
    assert room.post("Ada", path, do="resume").status_code == 303
    removed = room.post("Ada", path, do="remove")
    assert urlsplit(removed["Location"]).path == "/c/aurora/hooks"
    assert room.get("Ada", path).status_code == 404


def test_values_in_clear_wait_on_the_page_until_another_person_approves_them(room: Room) -> None:
    path, _ = added(room, full_values="on")
    own, looked = text(room.get("Ada", path)), text(room.get("Otto", path))
    assert "Waits for a second person" in own
    assert "Waits for a second person" in text(room.get("Ada", "hooks"))
    assert "key=1" not in looked
    for page in (own, looked):
        assert 'value="approve"' not in page
        assert 'value="test"' not in page
    draft = waiting(own)
    assert room.post("Ada", path, do="approve", draft=draft).status_code == 403
    assert room.post("Otto", path, do="drop", draft=draft).status_code == 403
    assert 'value="drop"' not in looked
    key, cora = UUID(path.removeprefix("hooks/")), staff(room.desk.client, 99, Role.COMPLIANCE)
    hooks.approve_hook(key, UUID(draft), actor=cora, at=now())
    page = text(room.get("Ada", path))
    assert "Waits for a second person" not in page
    assert 'value="test"' in page
    assert room.post("Ada", path, do="change", url="https://other.example.com/", full_values="on").status_code == 303
    page = text(room.get("Ada", path))
    assert "Kept as a draft" in page
    assert "other.example.com" in page
    assert room.post("Ada", path, do="drop", draft=waiting(page)).status_code == 303
    assert "other.example.com" not in text(room.get("Ada", path))


def test_what_somebody_else_wrote_is_approved_on_its_page_exactly_as_it_was_read(room: Room) -> None:
    bea = staff(room.desk.client, 99, Role.ADMINISTRATOR)
    made = hooks.register_hook(hooks.NewHook(url=URL, full_values=True), actor=bea, at=now())
    path = f"hooks/{made.id}"
    read = waiting(text(room.get("Ada", path)))
    hooks.change_hook(made.id, hooks.HookChange(url="https://other.example.com/"), actor=bea, at=now())
    outdated = room.post("Ada", path, do="approve", draft=read)
    assert outdated.status_code == 412
    assert "other.example.com" in text(outdated)
    assert room.post("Ada", path, do="approve", draft=waiting(text(outdated))).status_code == 303
    assert "Approved. It is so from now on." in text(room.get("Ada", path))


def waiting(page: str) -> str:
    """The draft that a page offers to approve or drop."""
    found = re.search(r'name="draft" value="([0-9a-f-]{36})"', page)
    assert found
    return found[1]


def test_what_failed_in_a_time_goes_out_again_by_a_button(room: Room, settings: Settings) -> None:
    settings.CHANGEDESK_HOOKS_INSIDE = True
    with Receiver() as receiver:
        path, _ = added(room, receiver.url, events="customer.created")
        receiver.status = 503
        room.desk.customer(at=now())
        send(room.desk)
        page = text(room.get("Ada", path))
        since, until = (re.search(rf'name="{name}"[^>]* value="([^"]+)"', page) for name in ("since", "until"))
        assert since
        assert until
        form = {"do": "resend_range", "since": since[1], "until": until[1], "submission": "again"}
        for which, said in ((form, "1 event goes out again"), (form, "1 event goes out again"),
                            ({**form, "submission": "more"}, "0 events go out again")):  # fmt: skip
            assert room.post("Ada", path, **which).status_code == 303
            assert said in text(room.get("Ada", path))
        for wrong in ({**form, "since": "soon"}, {**form, "since": until[1], "until": since[1]}):
            assert room.post("Ada", path, **{**wrong, "submission": "wrong"}).status_code == 422


@pytest.mark.parametrize("url", ["http://hooks.example.com/", "https://169.254.169.254/", "https://a:b@x.example/"])
def test_an_unfit_address_is_said_beside_its_field(room: Room, url: str) -> None:
    refused = room.post("Ada", "hooks", url=url, submission="one")
    assert refused.status_code == 422
    assert 'href="#id_url"' in text(refused)
    path, _ = added(room)
    refused = room.post("Ada", path, do="change", url=url)
    assert refused.status_code == 422
    assert 'href="#id_url"' in text(refused)


def test_who_only_reads_settings_sees_no_address_and_no_form(room: Room) -> None:
    path, _ = added(room)
    page = text(room.get("Otto", path))
    assert "hooks.example.com" in page
    assert "key=1" not in page
    assert 'name="do"' not in page
    assert room.post("Otto", path, do="pause").status_code == 403
    assert room.post("Otto", "hooks", url=URL).status_code == 403
    assert room.get("Ben", "hooks").status_code == 403


def test_what_is_not_there_is_said_so(room: Room) -> None:
    path, _ = added(room)
    for form in ({"do": "nothing"}, {"do": "resend", "delivery": "no-id"}):
        assert room.post("Ada", path, **form).status_code == 404
    assert room.get("Ada", f"{path}?after=no-id").status_code == 404
    assert room.get("Ada", "hooks/00000000-0000-7000-8000-000000000000").status_code == 404
