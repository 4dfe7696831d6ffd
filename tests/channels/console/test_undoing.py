"""The pages of reversals and policies: what they show before anything is done, and who does it."""

from datetime import timedelta

from tests.cast import staff
from tests.channels.console.room import Room

from changedesk import flow
from changedesk.base import clock
from changedesk.base.actor import Role
from changedesk.flow import policies
from changedesk.store import batches, reversals
from changedesk.store.tx import look


def test_a_reversal_is_seen_before_it_is_asked_for_and_becomes_a_batch(room: Room) -> None:
    subject, at = room.customer(), clock.now()
    change = flow.FieldChange(path="loyalty.tier", new="gold")
    item = flow.RecordedChange(subject=subject, changes=[change])
    flow.record_changes([item], actor=room.desk.crm, at=at - timedelta(minutes=30)).one()
    form = {
        "whose": room.desk.crm.id,
        "since": f"{at - timedelta(hours=1):%Y-%m-%dT%H:%M}",
        "until": f"{at - timedelta(minutes=1):%Y-%m-%dT%H:%M}",
        "reason": "reversal",
        "submission": "one",
    }
    seen = room.post("Ines", "reversals", **form, do="plan").content.decode()
    assert "loyalty.tier" in seen
    assert "Can be undone" in seen
    with look(room.desk.client) as store:
        assert reversals.of_client(store, limit=9) == []
    answer = room.post("Ines", "reversals", **form, do="ask")
    assert answer.status_code == 303
    with look(room.desk.client) as store:
        ((made, _),) = reversals.of_client(store, limit=9)
        (row,) = batches.rows(store, made.id)
    assert answer["Location"].endswith(f"/batches/{made.id}")
    assert row.ref
    assert str(made.id) in room.get("Ines", "reversals").content.decode()
    assert room.post("Ines", "reversals", **{**form, "since": "yesterday"}, do="plan").status_code == 422
    assert room.get("Ben", "reversals").status_code == 403
    assert "/reversals" not in room.get("Ben", "queue").content.decode()
    assert room.get("Ines", "policies").status_code == 403


def test_a_policy_is_written_by_one_and_published_by_another(room: Room) -> None:
    room.asked()
    rule = '[[rule]]\r\nid = "OURS"\r\ncitation = "4.2"\r\nscope = { categories = ["contact.email"] }\r\n'
    form = {"packs": "telecom", "jurisdictions": "US", "industries": "telecom"}
    sound = rule + "oblige = [{ approve = { count = 2 } }]\r\n"
    loose = room.post("Ada", "policies", **form, source=sound.replace("OURS", "FLOOR-REACH"))
    assert loose.status_code == 422
    assert "FLOOR-REACH · its scope differs" in loose.content.decode()
    answer = room.post("Ada", "policies", **form, source=sound)
    assert answer.status_code == 303
    assert room.post("Ada", "policies/1").status_code == 403
    text = room.get("Ada", "policies/1").content.decode()
    assert "Would have needed more" in text
    assert "OURS" in text
    assert ">Publish<" not in text
    assert room.post("Otto", "policies/1").status_code == 403
    cora = staff(room.desk.client, 99, Role.COMPLIANCE)
    policies.publish_policy(1, actor=cora, at=clock.now())
    assert "In force" in room.get("Otto", "policies").content.decode()
    assert "OURS" in room.get("Ada", "policies").content.decode()
    assert room.get("Ada", "policies/9").status_code == 404
