"""The pages of reversals and policies: what they show before anything is done, and who does it."""

from datetime import timedelta

from tests.cast import staff
from tests.channels.console.room import Room

from changedesk import flow
from changedesk.base import clock
from changedesk.base.actor import Actor, Role
from changedesk.base.ids import SubjectId
from changedesk.flow import policies
from changedesk.rules import access
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
        assert batches.rows(store, made.id) == []  # the page asked for nothing itself
    page = f"reversals/{made.id}"
    assert answer["Location"].endswith(page)
    assert "0 of 1 parts asked for" in room.get("Ines", page).content.decode()
    assert flow.reverse_on(room.desk.client, at=clock.now()) == 1
    with look(room.desk.client) as store:
        (row,) = batches.rows(store, made.id)
    told = room.get("Ines", page).content.decode()
    assert "1 of 1 parts asked for" in told
    assert row.ref in told
    assert page in room.get("Ines", f"batches/{made.id}").content.decode()
    assert room.get("Ines", f"{page}?first=2").status_code == 200
    assert room.get("Ben", page).status_code == 403
    assert room.get("Ines", f"reversals/{subject}").status_code == 404
    assert str(made.id) in room.get("Ines", "reversals").content.decode()
    assert room.post("Ines", "reversals", **{**form, "since": "yesterday"}, do="plan").status_code == 422
    assert room.get("Ben", "reversals").status_code == 403
    assert "/reversals" not in room.get("Ben", "queue").content.decode()
    assert room.get("Ines", "policies").status_code == 403


def recorded(room: Room, subject: SubjectId, tier: str | None, *, days: int, who: Actor | None = None) -> None:
    item = flow.RecordedChange(subject=subject, changes=[flow.FieldChange(path="loyalty.tier", new=tier)])
    flow.record_changes([item], actor=who or room.desk.crm, at=clock.now() - timedelta(days=days)).one()


def test_a_record_goes_back_to_a_version_after_a_look(room: Room) -> None:
    subject = room.customer()
    for days, tier in ((3, "silver"), (2, "gold"), (1, "platinum")):
        recorded(room, subject, tier, days=days)
    page = f"history/{subject}/restore/2"
    assert f"/c/aurora/{page}" in room.get("Ines", f"customers/{subject}").content.decode()
    assert "/restore/4" not in room.get("Ines", f"customers/{subject}").content.decode()
    assert "/restore/" not in room.get("Ben", f"customers/{subject}").content.decode()
    assert "Loyalty" in room.get("Ines", page).content.decode()
    assert room.get("Ben", page).status_code == 403
    form = {"choice__loyalty.tier": "force", "reason": "reversal", "channel": "phone"}
    assert room.post("Ines", page, **{**form, "reason": "no such"}).status_code == 422
    answer = room.post("Ines", page, **form, submission="one")
    assert answer.status_code == 303
    again = room.post("Ines", page, **form, submission="one")
    assert again["Location"] == answer["Location"]
    assert "/changes/" in answer["Location"]
    assert "silver" in room.as_("Ines").get(answer["Location"]).content.decode().lower()
    for wrong in ("4", "99"):
        assert room.get("Ines", f"history/{subject}/restore/{wrong}").status_code == 422
    # Asked for once: the field is taken until that request has ended.
    assert room.post("Ines", page, **form, submission="two").status_code == 422


def test_what_is_typed_into_an_undoing_is_ticked_as_checked_with_the_customer(room: Room) -> None:
    subject = room.customer()
    item = flow.RecordedChange(
        subject=subject, changes=[flow.FieldChange(path="contact.email", new="dana@second.example")]
    )
    made = flow.record_changes([item], actor=room.desk.crm, at=clock.now() - timedelta(days=2)).one()
    typed = {"choice__contact.email": "custom", "custom__contact.email": "dana@gmial.com"}
    form = {**typed, "reason": "reversal", "channel": "phone"}
    for page in (f"history/{made.change}/revert", f"history/{subject}/restore/1"):
        assert 'name="acknowledged"' not in room.get("Ines", page).content.decode()
        refused = room.post("Ines", page, **form)
        assert refused.status_code == 422
        told = refused.content.decode()
        assert 'value="domain_typo"' in told
        assert "one letter away from gmail.com" in told
    assert room.post("Ines", page, **form, acknowledged="domain_typo").status_code == 303


def test_a_field_that_speaks_of_a_time_to_come_asks_for_a_choice(room: Room) -> None:
    subject = room.customer()
    recorded(room, subject, "silver", days=3)
    ahead = flow.FieldChange(path="loyalty.tier", new="gold", valid_from=clock.now() + timedelta(days=30))
    item = flow.RecordedChange(subject=subject, changes=[ahead])
    flow.record_changes([item], actor=room.desk.crm, at=clock.now() - timedelta(days=1)).one()
    answer = room.post("Ines", f"history/{subject}/restore/2", reason="reversal")
    assert answer.status_code == 409
    assert 'href="#id_choice.loyalty.tier"' in answer.content.decode()


def test_what_an_import_changed_is_undone_from_its_page(room: Room) -> None:
    subject, terminal = room.customer(), access.terminal(room.desk.client)
    at = clock.now() - timedelta(hours=1)
    run = flow.note_import("crm-list", bytes(32), actor=terminal, at=at)
    change = flow.FieldChange(path="loyalty.tier", new="gold")
    flow.record_changes(
        [flow.RecordedChange(subject=subject, changes=[change])], actor=terminal, at=at + timedelta(minutes=1)
    ).one()
    flow.finish_import(run, {"rows": 1}, actor=terminal, at=at + timedelta(minutes=2))
    page = f"imports/{run}/undo"
    assert f"/c/aurora/{page}" in room.get("Ines", f"imports/{run}").content.decode()
    assert "/undo" not in room.get("Otto", f"imports/{run}").content.decode()
    assert "loyalty.tier" in room.get("Ines", page).content.decode()
    assert room.get("Otto", page).status_code == 403
    assert room.post("Ines", page, reason="no such", submission="one").status_code == 422
    answer = room.post("Ines", page, reason="reversal", submission="one")
    assert answer.status_code == 303
    assert "/reversals/" in answer["Location"]
    assert flow.reverse_on(room.desk.client, at=clock.now()) == 1
    assert "1 of 1 parts" in room.as_("Ines").get(answer["Location"]).content.decode()
    empty = flow.note_import("crm-list", bytes([1] * 32), actor=terminal, at=clock.now() - timedelta(minutes=1))
    flow.finish_import(empty, {"rows": 0}, actor=terminal, at=clock.now() - timedelta(seconds=30))
    assert "Nothing to undo" in room.get("Ines", f"imports/{empty}/undo").content.decode()


def test_a_policy_is_written_by_one_and_published_by_another(room: Room) -> None:
    room.asked()
    rule = '[[rule]]\r\nid = "OURS"\r\ncitation = "4.2"\r\nscope = { categories = ["contact.email"] }\r\n'
    form = {"packs": "telecom", "jurisdictions": "US", "industries": "telecom"}
    sound = rule + "oblige = [{ approve = { count = 2 } }]\r\n"
    loose = room.post("Ada", "policies", **form, source=sound.replace("OURS", "FLOOR-REACH"))
    assert loose.status_code == 422
    assert "FLOOR-REACH · its scope differs" in loose.content.decode()
    for wrong in ("61", "many"):
        unfit = room.post("Ada", "policies", **form, source=sound, glass_minutes=wrong)
        assert unfit.status_code == 422
        assert "Minutes of broken glass · From 1 to 60" in unfit.content.decode()
    answer = room.post("Ada", "policies", **form, source=sound, reveals_an_hour="20")
    assert answer.status_code == 303
    assert room.post("Ada", "policies/1").status_code == 403
    text = room.get("Ada", "policies/1").content.decode()
    assert "Would have needed more" in text
    assert "OURS" in text
    assert "<del>30</del> → <ins>20</ins>" in text
    assert ">Publish<" not in text
    assert room.post("Otto", "policies/1").status_code == 403
    cora = staff(room.desk.client, 99, Role.COMPLIANCE)
    policies.publish_policy(1, actor=cora, at=clock.now())
    assert "In force" in room.get("Otto", "policies").content.decode()
    assert "OURS" in room.get("Ada", "policies").content.decode()
    assert room.get("Ada", "policies/9").status_code == 404
