"""Every page, looked at in light and dark, right to left and narrow: nothing that axe or the browser complains of.

``CHANGEDESK_PICTURES=yes`` leaves a picture of each look of each page in ``tests/browser/out``.
"""

import os
import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Page, ViewportSize
from tests.browser.stage import LOOKS, OUT, WIDE, Stage, Watched, ago
from tests.browser.test_story import REQUEST, find, prove, verify_by_app

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.rules import access
from changedesk.store import evidence, requests
from changedesk.store.begin import begin

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("CHANGEDESK_PICTURES") == "yes"
NARROW: ViewportSize = {"width": 320, "height": 720}


def furnish(stage: Stage) -> tuple[str, str]:
    """A desk in the middle of a day, with requests in several states; returns two of its customers."""
    desk, at = stage.desk, ago(minutes=30)
    dana = desk.customer(at=ago(days=400), pref__marketing_email=True, contact__postal_address={
        "country": "US", "lines": "12 Elm Street", "city": "Springfield", "region": "IL", "postal_code": "62701",
    }, service__contract="two_year")  # fmt: skip
    others = [
        desk.customer(at=ago(days=200), personal__name=name, contact__email=mail, contact__phone_mobile=phone)
        for name, mail, phone in (
            ("Mateus Figueiredo", "mateus@mail.example", "+351 912 345 678"),
            ("سلمى الحداد", "salma@mail.example", "+971 50 123 4567"),
            ("Jørgen Ås", "jorgen@mail.example", "+47 912 34 567"),
        )
    ]
    wishes = [
        ("contact_details", {"contact.phone_home": "+1 202 555 0177"}, Channel.PHONE),
        ("marketing_preferences", {"pref.marketing_email": "yes"}, Channel.EMAIL),
        ("personal_details", {"personal.name": "Jørgen Aas"}, Channel.POSTAL),
    ]
    for person, (kind, values, channel) in zip(others, wishes, strict=True):
        wish = flow.Wish(subject=person, kind=kind, values=values, reason="customer_request", channel=channel)
        flow.submit([wish], actor=desk.sofia, at=at).one()
    return str(dana), str(others[0])


def look(seen: Watched, name: str, look_name: str) -> list[str]:
    if PICTURES:
        seen.page.screenshot(path=OUT / f"{name}.{look_name}.png", full_page=True)
        if look_name == "light":
            seen.page.screenshot(path=OUT / f"{name}.top.png")
    lines = [f"{name} [{look_name}] {line}" for line in seen.complaints(look_name)]
    seen.said.clear()
    return lines


def dress(page: Page, look_name: str) -> None:
    page.emulate_media(color_scheme="dark" if look_name == "dark" else "light")
    page.set_viewport_size(NARROW if look_name == "narrow" else WIDE)


def set_up(page: Page, stage: Stage, language: str) -> None:
    page.goto(stage.to("profile"))
    page.locator("select[name=language]").select_option(language)
    page.locator("main form button").click()


def test_no_page_has_anything_to_complain_of(stage: Stage) -> None:
    dana, mateus = furnish(stage)
    ines, ben = stage.at_work("Ines"), stage.at_work("Ben")
    find(ben.page, "Nov")
    verify_by_app(ben.page)
    ben.page.goto(stage.to(f"customers/{dana}/changes/new?kind=contact_details"))
    ben.page.get_by_role("textbox", name="E-mail").fill("dana@new.example")
    ben.page.get_by_role("button", name=re.compile("^Submit")).click()
    ben.page.wait_for_url(REQUEST)
    ref = ben.page.url.rsplit("/", 1)[1]
    found: list[str] = []
    early = {
        "verify-change": f"customers/{dana}/verify?change={ref}",
        "consent": f"changes/{ref}/consent",
    }
    pictures(stage, "Ben", early, found)
    prove(ben.page, ines.page, stage)
    middle = {
        "queue": "queue",
        "queue-empty": "queue?tab=returned",
        "search": "search",
        "customer": f"customers/{dana}",
        "as-of": f"customers/{dana}/as-of?known_at=2026-01-02T00:00",
        "change-pick": f"customers/{dana}/changes/new",
        "change-new": f"customers/{dana}/changes/new?kind=contact_details",
        "change-new-billing": f"customers/{dana}/changes/new?kind=billing_payment",
        "change-new-status": f"customers/{dana}/changes/new?kind=account_status",
        "duplicates": f"customers/{dana}/duplicates",
        "merge-into": f"customers/{dana}/merge-into/{mateus}",
        "verify": f"customers/{dana}/verify",
        "change-waiting": f"changes/{ref}",
        "revise": f"changes/{ref}/revise",
        "profile": "profile",
        "missing": "changes/AAAAA-AAAAA-A",
    }
    pictures(stage, "Ben", middle, found)
    pictures(stage, "Ines", {"approvals": "approvals", "decide": f"changes/{ref}/decide", "files": "files"}, found)
    approve = stage.at_work("Ines").page
    approve.goto(stage.to(f"changes/{ref}/decide"))
    approve.locator("main form button").click()
    approve.wait_for_url(stage.to("approvals"))
    stage.tell()
    approve.goto(stage.to(f"changes/{ref}"))
    undo = approve.locator("a[href*='/revert']").get_attribute("href")
    assert undo
    late = {
        "change": f"changes/{ref}",
        "revert": undo.split("/c/aurora/")[1],
        "outbox": "outbox",
        "notices": "notices",
        "approvals-empty": "approvals",
        "trends": "trends",
        "customer-after": f"customers/{dana}",
    }
    pictures(stage, "Ben", {name: late.pop(name) for name in ("change", "customer-after")}, found)
    pictures(stage, "Ines", late, found)
    run = imported(stage)
    object_to(stage, ref)
    pictures(
        stage,
        "Ines",
        {
            "disputes": "disputes",
            "disputes-empty": "disputes?state=resolved",
            "imports": "imports",
            "import": f"imports/{run}",
            "change-disputed": f"changes/{ref}",
            "merges": "merges",
            "erasures": "erasures",
            "reversals": "reversals",
        },
        found,
    )
    pictures(stage, "Ada", {"system-keys": "system/keys", "hooks": "hooks"}, found)
    assert found == []


def imported(stage: Stage) -> UUID:
    """A file that was taken in but for some rows, and one that goes on; returns the first."""
    actor, at = access.terminal(stage.desk.client), ago(minutes=40)
    done, _ = (flow.note_import("crm-customers", bytes([n] * 32), actor=actor, at=at) for n in (1, 2))
    counts = {"rows": 20124, "taken": 20067, "unchanged": 0, "warned": 112, "refused": 57, "changes": 0}
    reasons = {
        "reason email_at contact.email": 96,
        "reason field-empty personal.name": 57,
        "reason email_ip contact.email": 16,
    }
    flow.finish_import(done, counts | reasons, actor=actor, at=ago(minutes=38))
    return done


def object_to(stage: Stage, ref: str) -> None:
    """The customer says of an applied change that it wasn't them."""
    at = ago(minutes=1)
    with begin(stage.desk.ben) as tx:
        asked = requests.by_ref(tx, ref)
        assert asked is not None
        link = evidence.Dispute(
            id=uuid4(), subject_id=asked.person_id, request_id=asked.id, issued_at=at, expires_at=at + timedelta(days=9)
        )
        evidence.issue_dispute_link(tx, link, ref)
    flow.open_dispute(stage.desk.client, ref, at=at)


def pictures(stage: Stage, name: str, pages: dict[str, str], found: list[str]) -> None:
    """Look at pages in every way: what is drawn another way is not asked for again, what is written another way is."""
    seen = stage.at_work(name)
    for language, looks in {"en": ("light", "dark", "narrow"), "ar": ("rtl",)}.items():
        if language != "en":
            set_up(seen.page, stage, language)
        for page_name, path in pages.items():
            dress(seen.page, looks[0])
            seen.said.clear()
            seen.page.goto(stage.to(path))
            if page_name == "missing":
                seen.said.clear()  # the browser tells of every 404
            for look_name in looks:
                dress(seen.page, look_name)
                found += look(seen, page_name, look_name)
    set_up(seen.page, stage, "en")
    stage.leave(seen)


def test_no_page_of_the_way_in_has_anything_to_complain_of(stage: Stage) -> None:
    found: list[str] = []
    for look_name in LOOKS:
        # Nobody is signed in: the browser's language counts.
        seen = stage.open(locale="ar" if look_name == "rtl" else "en")
        dress(seen.page, look_name)
        for name, path in {
            "sign-in": "/accounts/login/",
            "reset": "/accounts/password/reset/",
            "unknown-link": "/p/aurora/wasnt-me/not-a-link",
        }.items():
            seen.page.goto(f"{stage.url}{path}")
            if name == "unknown-link":
                seen.said.clear()  # the browser tells of every 404
            found += look(seen, name, look_name)
    assert found == []
