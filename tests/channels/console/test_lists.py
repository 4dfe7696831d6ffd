"""The pages of disputes and imports: who is offered what, and what a form there does."""

from datetime import timedelta
from uuid import uuid4

from tests.channels.console.room import Room

from changedesk import flow
from changedesk.base import clock
from changedesk.rules import access
from changedesk.store import evidence
from changedesk.store.begin import begin


def disputed(room: Room, asked: flow.Receipt) -> str:
    at = clock.now()
    link = evidence.Dispute(
        id=uuid4(),
        subject_id=asked.subject,
        request_id=asked.request,
        issued_at=at,
        expires_at=at + timedelta(days=30),
    )
    with begin(room.desk.ben) as tx:
        evidence.issue_dispute_link(tx, link, asked.ref)
    flow.open_dispute(room.desk.client, asked.ref, at=at)
    return str(link.id)


def test_a_dispute_is_closed_by_who_may_and_moves_to_the_other_tab(room: Room) -> None:
    asked = room.asked()
    dispute = disputed(room, asked)
    page = room.get("Ben", "disputes").content.decode()
    assert asked.ref in page
    assert "Novak" not in page
    assert "Close it and lift the freeze" not in page
    assert room.post("Ben", "disputes", dispute=dispute, resolution="fraud").status_code == 403
    assert "Close it and lift the freeze" in room.get("Ines", "disputes").content.decode()
    for form, status in (
        ({"dispute": dispute, "resolution": "maybe"}, 422),
        ({"dispute": "none", "resolution": "fraud"}, 404),
        ({"dispute": str(uuid4()), "resolution": "fraud"}, 404),
    ):
        assert room.post("Ines", "disputes", **form).status_code == status
    assert asked.ref in room.get("Ines", "disputes").content.decode()
    assert room.post("Ines", "disputes", dispute=dispute, resolution="fraud").status_code == 303
    assert asked.ref not in room.get("Ines", "disputes").content.decode()
    cleared = room.get("Ines", "disputes?state=resolved").content.decode()
    assert asked.ref in cleared
    assert "It was not the customer" in cleared


def test_undoing_is_offered_for_what_was_applied_to_who_may_revert(room: Room) -> None:
    waiting = room.waiting()
    applied = flow.approve({waiting.ref: waiting.digest}, actor=room.actor("Ines"), at=clock.now()).one()
    disputed(room, waiting)
    assert f"/history/{applied.change}/revert" in room.get("Ines", "disputes").content.decode()
    assert "/revert" not in room.get("Ben", "disputes").content.decode()


def test_an_import_says_what_became_of_its_rows_to_who_imports_or_audits(room: Room) -> None:
    actor, at = access.terminal(room.desk.client), clock.now()
    counts = {"rows": 31, "taken": 29, "refused": 2, "ended_early": 1, "reason email_at contact.email": 2}
    whole, ended = (flow.note_import("crm-list", bytes([n] * 32), actor=actor, at=at) for n in (1, 2))
    flow.finish_import(ended, counts, actor=actor, at=at)
    assert "/imports" not in room.get("Ben", "queue").content.decode()
    for path in ("imports", f"imports/{ended}"):
        assert room.get("Ben", path).status_code == 403
    for name in ("Ines", "Otto"):
        assert "/c/aurora/imports" in room.get(name, "queue").content.decode()
        listed = room.get(name, "imports").content.decode()
        assert "Not finished" in listed
        assert "The file ended early" in listed
    page = room.get("Ines", f"imports/{ended}").content.decode()
    assert "email at" in page
    assert ">29<" in page
    assert "goes on still" in room.get("Ines", f"imports/{whole}").content.decode()
    assert room.get("Ines", f"imports/{uuid4()}").status_code == 404
