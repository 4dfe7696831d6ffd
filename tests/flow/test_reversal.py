"""Everything undone that one actor did, and a record back to one of its versions: what came later is not run over."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from tests.cast import Desk, desk, key, soon, staff
from tests.flow.walk import LATER, URL, done, holds, kinds, record, request_of, stands, vouch

from changedesk import flow
from changedesk.base.actor import Actor, Channel, Role
from changedesk.base.ids import SubjectId, uuid7
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.flow import reversal as at_scale
from changedesk.flow.asking import ReasonUnknown
from changedesk.flow.reversal import BadPeriod, ReversalTooLarge
from changedesk.flow.revert import Conflicts, NothingToRevert, NotRevertible
from changedesk.reading import reversals as reading
from changedesk.reading.timeline import BadCursor
from changedesk.rules.approval import SameHand
from changedesk.store import batches, reversals
from changedesk.store.batches import Batch
from changedesk.store.once import OtherBody
from changedesk.store.tx import look

END = LATER + timedelta(hours=2)
AGO = LATER + timedelta(days=2)
FAX = {"contact.fax": "+1 202 555 0177"}
TIER = {"loyalty.tier": "gold"}


def by(d: Desk, who: Actor, subject: SubjectId, values: Mapping[str, object], minutes: float) -> flow.Recorded:
    changes = [flow.FieldChange(path=path, new=value) for path, value in values.items()]
    item = flow.RecordedChange(subject=subject, changes=changes)
    return flow.record_changes([item], actor=who, at=soon(LATER, minutes)).one()


@pytest.fixture
def bad(d: Desk) -> Actor:
    """A key that another system holds, which went wrong."""
    return key(d.client, "changes:record", number=66)


def plan(d: Desk, **more: Any) -> flow.ReversalPlan:
    given = {"whose": "k66", "since": LATER, "until": END, "actor": d.ines, "at": AGO, **more}
    return flow.plan_reversal(given.pop("whose"), **given)


def start(d: Desk, **more: Any) -> reversals.Reversal:
    given: dict[str, Any] = {
        "whose": "k66", "since": LATER, "until": END, "reason": "correction_of_error", "actor": d.ines, "at": AGO,
        "key": flow.Once("one", b"one"), **more,
    }  # fmt: skip
    return flow.start_reversal(given.pop("whose"), **given)


def run(d: Desk, **more: Any) -> Batch:
    return flow.run_reversal(start(d, **more).id, actor=d.ines, at=AGO)


def rows_of(d: Desk, batch: Batch) -> list[batches.Row]:
    with look(d.client) as seen:
        return batches.rows(seen, batch.id)


def test_all_that_a_key_did_in_a_time_is_found_with_what_stands_against_it(
    d: Desk, dana: SubjectId, bad: Actor
) -> None:
    other = d.customer()
    first = by(d, bad, dana, URL, 1)
    second = by(d, bad, other, {"contact.url": "https://bad.example/"}, 2)
    later = by(d, d.crm, other, {"contact.url": "https://later.example/"}, 3)
    third = by(d, bad, dana, FAX, 4)
    by(d, d.crm, dana, {"contact.fax": None}, 5)
    by(d, bad, dana, TIER, 180)  # after the time
    made = plan(d)
    assert [(one.change, one.finding) for one in made.changes] == [
        (first.change, "revertible"), (second.change, "conflict"), (third.change, "already"),
    ]  # fmt: skip
    assert made.changes[1].fields[0].later == (later.change,)
    assert made.rows == 2
    assert holds(d, dana, "contact.url") == URL["contact.url"]


def test_changes_over_each_other_come_back_to_what_stood_before_the_first(d: Desk, dana: SubjectId, bad: Actor) -> None:
    by(d, d.crm, dana, {"loyalty.tier": "silver"}, 0.1)
    for minute, tier in enumerate(("gold", "platinum", "gold"), 1):
        by(d, bad, dana, {"loyalty.tier": tier}, minute)
    assert [one.finding for one in plan(d).changes] == ["revertible"] * 3
    batch = run(d)
    (row,) = rows_of(d, batch)
    assert (row.outcome, row.reasons) == ("requested", ())
    assert request_of(d, row.ref).proposal.values == {"loyalty.tier": "silver"}  # type: ignore[union-attr]


def test_what_others_set_in_between_is_not_overruled(d: Desk, dana: SubjectId, bad: Actor) -> None:
    by(d, bad, dana, {"loyalty.tier": "silver"}, 1)
    mid = by(d, d.crm, dana, {"loyalty.tier": "gold"}, 2)
    by(d, bad, dana, {"loyalty.tier": "platinum"}, 3)
    old, new = plan(d).changes
    assert (old.finding, old.fields[0].later, new.finding) == ("conflict", (mid.change,), "revertible")
    over, row = rows_of(d, run(d))
    assert (over.outcome, over.reasons) == ("refused", (("revert-conflicts", "loyalty.tier"),))
    assert request_of(d, row.ref).proposal.values == {"loyalty.tier": "gold"}  # type: ignore[union-attr]


def test_a_reversal_is_a_batch_that_a_second_person_approves(d: Desk, bad: Actor) -> None:
    members = [d.customer() for _ in range(3)]
    for place, member in enumerate(members):
        by(d, bad, member, TIER, place)
    batch = run(d)
    assert batch.digest is not None
    waiting = [row for row in rows_of(d, batch) if row.state == "awaiting_approval"]
    with pytest.raises(SameHand):
        flow.approve_batch(batch.id, digest=batch.digest.hex(), actor=d.ines, at=AGO)
    approved = flow.approve_batch(batch.id, digest=batch.digest.hex(), actor=d.omar, at=soon(AGO))
    assert not approved.refused
    assert approved.states == {"applied": 3}
    assert len(waiting) == len(members)
    for member in members:
        assert (holds(d, member, "loyalty.tier"), kinds(d, member)[-1]) == (None, "change.reverted")


def test_a_reversal_that_was_ended_goes_on_and_asks_for_nothing_twice(
    d: Desk, bad: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [d.customer() for _ in range(4)]
    for place, member in enumerate(members):
        by(d, bad, member, TIER, place)
    made = start(d)
    monkeypatch.setattr(at_scale, "TOGETHER", 2)
    real, calls = batches.record, []

    def ended(tx: Any, batch: Any, rows: Any) -> None:
        calls.append(len(rows))
        if len(calls) == 2:
            raise ConnectionError
        real(tx, batch, rows)

    monkeypatch.setattr(batches, "record", ended)
    with pytest.raises(ConnectionError):
        flow.run_reversal(made.id, actor=d.ines, at=AGO)
    monkeypatch.setattr(batches, "record", real)
    assert start(d) == made
    batch = flow.run_reversal(made.id, actor=d.ines, at=soon(AGO))
    assert [row.outcome for row in rows_of(d, batch)] == ["requested"] * 4
    assert [kinds(d, member).count("request.submitted") for member in members] == [1] * 4
    assert flow.run_reversal(made.id, actor=d.ines, at=soon(AGO, 2)) == batch


def test_force_puts_the_old_value_over_a_later_one_and_takes_one_more_approval(
    d: Desk, dana: SubjectId, bad: Actor
) -> None:
    by(d, bad, dana, {"loyalty.tier": "gold"}, 1)
    by(d, d.crm, dana, {"loyalty.tier": "platinum"}, 2)
    (left,) = rows_of(d, run(d))
    assert (left.outcome, left.reasons) == ("refused", (("revert-conflicts", "loyalty.tier"),))
    plain = flow.preview(
        flow.Wish(subject=dana, kind="loyalty", values={"loyalty.tier": None}, reason="correction_of_error",
                  channel=Channel.SYSTEM, initiated_by="business"), actor=d.ines, at=AGO,
    )  # fmt: skip
    (row,) = rows_of(d, run(d, force=True, key=flow.Once("two", b"two")))
    asked = request_of(d, row.ref)
    assert asked.needs_approvals == plain.route.approvals + 1
    assert ["FLOOR-FORCED", 1] in asked.route["rules"]
    assert asked.route["forced"] is True


def test_what_an_agent_entered_counts_as_the_agents_whoever_approved_it(d: Desk, dana: SubjectId) -> None:
    applied = done(d, dana)
    found = plan(d, whose=d.ben.id)
    assert [one.change for one in found.changes] == [applied.change]
    assert plan(d, whose=d.ines.id).changes == ()


def test_creations_are_named_and_not_undone(d: Desk) -> None:
    subject = d.customer(at=LATER)
    found = plan(d, whose=d.crm.id)
    assert [(one.subject, one.finding) for one in found.changes] == [(subject, "not_revertible")]
    (row,) = rows_of(d, run(d, whose=d.crm.id))
    assert (row.outcome, row.reasons) == ("refused", (("not-revertible", ""),))


def test_a_reversal_is_refused_by_name(d: Desk, bad: Actor, dana: SubjectId, monkeypatch: pytest.MonkeyPatch) -> None:
    for since, until in ((END, LATER), (LATER, AGO + timedelta(days=1))):
        with pytest.raises(BadPeriod):
            plan(d, since=since, until=until)
    with pytest.raises(NothingToRevert):
        start(d)
    by(d, bad, dana, URL, 1)
    by(d, bad, dana, FAX, 2)
    with pytest.raises(ReasonUnknown):
        start(d, reason="because")
    start(d)
    with pytest.raises(OtherBody):
        start(d, force=True)
    with pytest.raises(NotFound):
        flow.run_reversal(uuid4(), actor=d.ines, at=AGO)
    with pytest.raises(NotFound):
        flow.of_import(uuid4(), actor=d.ines, at=AGO)
    for verb in (plan, start):
        with pytest.raises(Forbidden):
            verb(d, actor=d.ben)
    monkeypatch.setattr(at_scale, "MOST", 1)
    with pytest.raises(ReversalTooLarge):
        plan(d)


def test_an_import_is_undone_as_a_whole(d: Desk, dana: SubjectId) -> None:
    run_id = flow.note_import("a-map", b"f" * 32, actor=d.crm, at=LATER)
    record(d, dana, URL, at=soon(LATER))
    flow.finish_import(run_id, {"rows": 1}, actor=d.crm, at=soon(LATER, 2))
    whose, since, until = flow.of_import(run_id, actor=d.ines, at=AGO)
    found = plan(d, whose=whose, since=since, until=until)
    assert [one.finding for one in found.changes] == ["revertible"]


def test_a_record_goes_back_to_a_version_by_a_request_for_each_kind(d: Desk, dana: SubjectId) -> None:
    record(d, dana, URL, at=LATER)
    version = stands(d, dana).ver
    record(d, dana, {"contact.url": "https://x.example/", **TIER}, at=soon(LATER))
    record(d, dana, {"contact.url": "https://y.example/"}, at=soon(LATER, 2))
    shown = flow.plan_restore(dana, version, actor=d.ines, at=AGO)
    assert {kind: [one.finding for one in fields] for kind, fields in shown.kinds.items()} == {
        "contact_details": ["restore"], "loyalty": ["restore"],
    }  # fmt: skip
    vouch(d, dana, AGO, agent=d.ines)
    how = flow.How(reason="correction_of_error", channel=Channel.PHONE, once=flow.Once("back", b""))
    first = flow.restore(dana, version, how, choices={}, actor=d.ines, at=soon(AGO))
    assert (len(first.done), first.refused) == (2, {})
    assert holds(d, dana, "contact.url") == URL["contact.url"]
    again = flow.restore(dana, version, how, choices={}, actor=d.ines, at=soon(AGO, 2))
    assert {one.ref for one in again.done} == {one.ref for one in first.done}
    assert all(one.replayed for one in again.done)


def test_going_back_asks_about_what_is_to_come_and_refuses_what_cannot_be(d: Desk, dana: SubjectId) -> None:
    how = flow.How(reason="correction_of_error", channel=Channel.PHONE)
    change = flow.FieldChange(path="contact.url", new="https://soon.example/", valid_from=AGO + timedelta(days=9))
    flow.record_changes([flow.RecordedChange(subject=dana, changes=[change])], actor=d.crm, at=LATER).one()
    with pytest.raises(Conflicts) as refused:
        flow.restore(dana, 1, how, choices={}, actor=d.ines, at=AGO)
    assert refused.value.data == {"paths": ["contact.url"]}
    with pytest.raises(NothingToRevert):
        flow.restore(dana, 1, how, choices={"contact.url": "keep"}, actor=d.ines, at=AGO)
    for version in (0, 2, 99):
        with pytest.raises(NotRevertible):
            flow.plan_restore(dana, version, actor=d.ines, at=AGO)
    with pytest.raises(NotFound):
        flow.plan_restore(SubjectId(uuid7()), 1, actor=d.ines, at=AGO)
    with pytest.raises(Forbidden):
        flow.plan_restore(dana, 1, actor=d.ben, at=AGO)


def test_a_value_that_would_not_be_taken_today_comes_back_as_it_stood(d: Desk, dana: SubjectId) -> None:
    item = flow.RecordedChange(subject=dana, changes=[flow.FieldChange(path="contact.url", new="ftp//odd")],
                               verbatim=True)  # fmt: skip
    flow.record_changes([item], actor=d.crm, at=LATER).one()
    over = record(d, dana, URL, at=soon(LATER))
    assert over.change is not None
    vouch(d, dana, AGO, agent=d.ines)
    undone = flow.revert(
        over.change, flow.How(reason="correction_of_error", channel=Channel.PHONE), choices={}, actor=d.ines, at=AGO
    )
    assert (undone.state, holds(d, dana, "contact.url")) == ("applied", "ftp//odd")


def test_a_fraud_officer_undoes(d: Desk, dana: SubjectId, bad: Actor) -> None:
    by(d, bad, dana, TIER, 1)
    fraud = staff(d.client, 12, Role.FRAUD)
    made = start(d, actor=fraud)
    assert flow.run_reversal(made.id, actor=fraud, at=AGO).digest is not None


def test_another_client_sees_none_of_it(d: Desk, dana: SubjectId, bad: Actor) -> None:
    by(d, bad, dana, TIER, 1)
    made = start(d)
    mine = reading.reversal(made.id, actor=d.omar)
    assert (mine.line.whose.id, [row.subject for row in mine.rows]) == ("k66", [dana])
    assert [one.id for one in reading.past(actor=d.omar).items] == [made.id]
    other = desk("borealis")
    assert plan(d, actor=other.ines).changes == ()
    assert reading.past(actor=other.omar).items == ()
    with pytest.raises(NotFound):
        reading.reversal(made.id, actor=other.omar)
    with pytest.raises(NotFound):
        flow.run_reversal(made.id, actor=other.ines, at=AGO)
    with pytest.raises(Forbidden):
        reading.reversal(made.id, actor=d.ben)
    with pytest.raises(BadCursor):
        reading.past(actor=d.omar, before="nowhere")
