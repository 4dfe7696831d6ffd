"""Who looked, reveals and broken glass on the pages, also without JavaScript and in every language."""

import re
from datetime import timedelta
from typing import Any

import pytest
from tests.cast import Desk
from tests.channels.console.room import Room

from changedesk import flow
from changedesk.base import clock
from changedesk.base.actor import Role
from changedesk.base.ids import SubjectId
from changedesk.reading import seen
from changedesk.rules import access
from changedesk.store import settings_read
from changedesk.store.seen import NEWEST, Seen, of_subject
from changedesk.store.tx import look


def privacy(desk: Desk, email: str) -> None:
    """Let a member of staff answer for data protection."""
    found = settings_read.person_by_email(email)
    assert found
    actor = access.terminal(desk.client)
    flow.configure.set_membership(found.id, [Role.PRIVACY], team="two", actor=actor, at=clock.now())


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_a_value_is_revealed_by_a_plain_form_and_masked_when_its_minute_is_over(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    dana = room.customer()
    page = room.get("Ben", f"customers/{dana}")
    assert b"dana@" not in page.content
    link = f"/c/aurora/customers/{dana}/reveal?field=contact.email"
    assert link in page.content.decode()
    form = room.as_("Ben").get(link)
    assert b"dana@" not in form.content
    assert room.post("Ben", f"customers/{dana}/reveal", field="contact.email", reason="fraud_review").status_code == 422
    done = room.post("Ben", f"customers/{dana}/reveal", field="contact.email", reason="reach_customer", note="Cut off.")
    assert done.status_code == 303
    shown = room.as_("Ben").get(done["Location"])
    assert "dana@old.example" in text(shown)
    assert int(shown["Refresh"]) in range(55, 62)
    assert "no-store" in shown["Cache-Control"]
    assert room.as_("Sofia").get(done["Location"]).status_code == 404
    later = clock.now() + timedelta(seconds=61)
    monkeypatch.setattr(clock, "now", lambda: later)
    late = room.as_("Ben").get(done["Location"])
    assert b"dana@" not in late.content
    assert "masked again" in text(late)
    assert "Refresh" not in late


def test_what_money_hangs_on_is_revealed_after_a_fresh_sign_in_only(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = {"bank_code": "011000015", "account": "123456789", "country": "US"}
    dana = room.desk.customer(at=clock.now() - timedelta(days=10), payment__bank_account=account)
    room.as_("Ben")
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(minutes=6))
    wish = {"field": "payment.bank_account", "reason": "reach_customer"}
    asked = room.post("Ben", f"customers/{dana}/reveal", **wish)
    assert asked["Location"].startswith("/accounts/reauthenticate/?next=%2Fc%2Faurora%2Fcustomers")
    assert room.post("Ben", f"customers/{dana}/reveal", **{**wish, "field": "contact.email"}).status_code == 303
    monkeypatch.undo()
    done = room.post("Ben", f"customers/{dana}/reveal", **wish)
    assert "123456789" in text(room.as_("Ben").get(done["Location"]))
    (line,) = [one for one in looked(room, dana) if one.facts["shown"] == ["payment.bank_account"]]
    assert line.facts["signed_in_anew"] is True


def looked(room: Room, dana: SubjectId) -> list[Seen]:
    with look(room.desk.client) as tx:
        return of_subject(tx, dana, since=NEWEST[0] - timedelta(days=400_000), until=NEWEST[0], limit=50)


def test_who_may_not_reveal_sees_no_button_and_is_told_who_may(room: Room) -> None:
    dana = room.customer()
    assert b"/reveal?field" not in room.get("Otto", f"customers/{dana}").content
    assert "Ask an agent, a supervisor" in text(room.get("Otto", f"customers/{dana}/reveal?field=contact.email"))
    refused = room.post("Otto", f"customers/{dana}/reveal", field="contact.email", reason="reach_customer")
    assert refused.status_code == 403
    assert room.get("Ben", f"customers/{dana}/reveal?field=no.such").status_code == 422


def test_every_page_that_opens_a_record_is_on_record_and_found(room: Room) -> None:
    dana = room.customer()
    asked = room.asked()
    for path in (f"customers/{dana}", f"customers/{dana}/as-of", f"customers/{dana}/changes/new"):
        assert room.get("Sofia", path).status_code == 200
    assert room.get("Sofia", f"changes/{asked.ref}").status_code == 200
    room.post("Sofia", "search", terms="Dana Novak")
    page = text(room.get("Otto", f"audit/access?subject={dana}"))
    assert "Sofia" in page
    assert "Everybody who looked in the last 60 days" in page
    lines = seen.who_looked(actor=room.actor("Otto"), language="en", who=room.actor("Sofia").id).items
    assert sorted(one.kind for one in lines) == ["record.searched", "record.searched", "record.viewed", "record.viewed"]
    assert {one.subject for one in lines if one.kind == "record.viewed"} == {dana, asked.subject}


def test_who_looked_is_narrowed_and_what_cannot_be_read_is_said(room: Room) -> None:
    dana = room.customer()
    room.get("Ben", f"customers/{dana}")
    for query, status in (
        ("actor=s999", 200), ("since=2020-01-01T00:00&until=2020-01-02T00:00", 200), ("subject=Dana", 422),
        ("actor=Ben Smith", 422), ("since=yesterday", 422),
    ):  # fmt: skip
        answer = room.get("Otto", f"audit/access?{query}")
        assert answer.status_code == status, query
        assert "Serving customers" not in text(answer)
    assert "Serving customers" in text(room.get("Otto", "audit/access"))
    assert room.get("Ben", "audit/access").status_code == 403


def test_the_glass_is_broken_marked_and_reviewed_on_pages(room: Room) -> None:
    dana = room.customer()
    privacy(room.desk, room.signs["Sofia"].email)
    assert room.get("Ben", "break-glass").status_code == 403
    wish = {"reason": "emergency", "reference": "INC-1", "minutes": "30", "submission": "a"}
    assert room.post("Ines", "break-glass", **{**wish, "reference": ""}).status_code == 422
    assert room.post("Ines", "break-glass", **{**wish, "minutes": "600"}).status_code == 422
    for _ in range(2):  # sent twice, it is one
        assert room.post("Ines", "break-glass", **wish).status_code == 303
    assert "You see values in clear" in text(room.get("Ines", "break-glass"))
    assert "dana@old.example" in text(room.get("Ines", f"customers/{dana}"))
    assert "wider sight waits" in text(room.get("Otto", "audit/access"))
    assert "Broken glass" in text(room.get("Otto", f"audit/access?subject={dana}"))
    (line,) = seen.broken_glass(actor=room.actor("Sofia"), at=clock.now(), language="en", waiting=True)
    assert b'name="verdict"' not in room.get("Ines", "break-glass").content
    assert b'name="verdict"' not in room.get("Otto", "break-glass").content
    assert b'name="verdict"' in room.get("Sofia", "break-glass").content
    review = {"do": "review", "glass": str(line.id), "verdict": "justified"}
    assert room.post("Ines", "break-glass", **review).status_code == 403
    assert room.post("Sofia", "break-glass", **{**review, "glass": "x"}).status_code == 422
    assert room.post("Sofia", "break-glass", **review).status_code == 303
    assert "Justified" in text(room.get("Otto", "break-glass"))
    assert flow.caller_level(dana, actor=room.actor("Ines"), at=clock.now()).level == 0


@pytest.mark.parametrize(("language", "word"), [("de", "Wer wen angesehen hat"), ("ar", "من اطّلع على من")])
def test_the_pages_speak_the_persons_language(room: Room, language: str, word: str) -> None:
    flow.configure.change_own({"language": language}, actor=room.actor("Otto"), at=clock.now())
    room.get("Ben", f"customers/{room.customer()}")
    assert word in text(room.get("Otto", "audit/access"))
    assert room.get("Otto", "break-glass").status_code == 200


def test_readers_of_a_period_are_shown_and_certified_by_another(room: Room) -> None:
    dana = room.customer()
    assert room.get("Sofia", f"customers/{dana}").status_code == 200
    # What was looked at today is certified once the day is over: here the desk's clock says so.
    today = clock.now().date().isoformat()
    assert room.get("Sofia", f"audit/readers?since={today}&until={today}").status_code == 403
    page = text(room.get("Otto", f"audit/readers?since={today}&until={today}"))
    assert "Sofia" in page
    assert "Certify" not in page  # the day is not over
    held = page[page.index("Who had which role in this time") :]
    assert ("Petra" in held, "Supervisor" in held, "stands" in held) == (True, True, True)
    sofia = room.actor("Sofia").id
    form = {"since": today, "until": today, f"verdict.{sofia}": "kept", "submission": "one"}
    early = room.post("Otto", "audit/readers", **form)
    assert (early.status_code, "92 days at most" in text(early)) == (422, True)
    assert room.get("Otto", "audit/readers?since=soon").status_code == 422
    assert room.get("Otto", "audit/readers?since=2026-01-01&until=2026-06-30").status_code == 422


def test_a_certification_of_a_period_that_is_over_stands_on_the_page(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    dana, now = room.customer(), clock.now()
    assert room.get("Sofia", f"customers/{dana}").status_code == 200
    sofia, day = room.actor("Sofia").id, now.date().isoformat()
    room.as_("Otto")
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=1, minutes=1))
    path = f"audit/readers?since={day}&until={day}"
    assert "Certify" in text(room.get("Otto", path))
    form = {"since": day, "until": day, "submission": "one"}
    assert room.post("Otto", "audit/readers", **form).status_code == 422
    answer = room.post("Otto", "audit/readers", **form, **{f"verdict.{sofia}": "flagged"})
    assert answer.status_code == 303
    page = text(room.get("Otto", path))
    assert "What was certified" in page
    assert page.count("Flagged") >= 2
