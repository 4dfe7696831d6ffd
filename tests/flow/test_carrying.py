"""What waits for a record when it is merged is asked anew of the survivor, or ends with the reason; never silently."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from tests.cast import SECRET, START, Desk, soon
from tests.flow.join import applied, merged_now, merging, state_of
from tests.flow.test_transfer import themselves
from tests.flow.walk import LATER, ask, history, holds, record, request_of
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import Actor, ActorType, Channel
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Forbidden
from changedesk.kinds.merge import survivorship
from changedesk.kinds.unmerge import NotMerged
from changedesk.rules.approval import SameHand
from changedesk.store import requests, subjects
from changedesk.store.tx import look

SITE = {"contact.url": "https://dora.example/"}
FAX = {"contact.fax": "+1 202 555 0177"}
AFTER = LATER + timedelta(days=3)


@pytest.fixture
def dora(d: Desk) -> SubjectId:
    """Dana again, with an account."""
    values = {
        "personal.name": "Dora Novak", "contact.email": "dora@old.example", "contact.phone_mobile": "+1 202 555 0155",
    }  # fmt: skip
    new = flow.NewCustomer(values=values, accounts=[flow.NewAccount("A-1")])
    made = flow.create_customers([new], actor=d.crm, at=START).one()
    flow.bind_factor(made.subject, SECRET, actor=d.crm, at=START)
    return made.subject


@pytest.fixture
def account(d: Desk, dora: SubjectId) -> SubjectId:
    with look(d.client) as seen:
        return subjects.accounts_of(seen, dora)[0].account


def foreseen(d: Desk, dora: SubjectId, dana: SubjectId, *close: str) -> dict[str, str]:
    plan = flow.preview_merge(
        dora,
        dana,
        flow.How(reason="duplicate_account", channel=Channel.PHONE),
        close=close,
        actor=d.ben,
        at=soon(LATER),
    )
    return {one.request.ref: one.why for one in plan.pending}


def told(d: Desk, merge: flow.Receipt) -> dict[str, str]:
    """The same, as whoever decides on the merge is told it."""
    return {one.request.ref: one.why for one in flow.foresee_merge(merge.ref, actor=d.ines, at=soon(LATER, 9))}


def test_who_decides_on_a_merge_is_told_what_becomes_of_what_waits(d: Desk, dana: SubjectId, dora: SubjectId) -> None:
    site, fax = ask(d, dora, SITE, at=LATER), ask(d, dora, FAX, at=LATER)
    asked = merging(d, dora, dana, close=[fax.ref])
    assert told(d, asked) == {site.ref: "", fax.ref: "chosen"}
    taken = ask(d, dana, SITE, at=soon(LATER, 6))  # the survivor's own change of that field
    assert told(d, asked) == {site.ref: "field-taken", fax.ref: "chosen"}
    with pytest.raises(NotMerged):
        told(d, taken)
    with pytest.raises(Forbidden):
        flow.foresee_merge(asked.ref, actor=themselves(d, dora), at=LATER)
    assert applied(d, asked, LATER).state == "applied"
    assert told(d, asked) == {}


def became(d: Desk, asked: flow.Receipt) -> dict[str, object]:
    """What the last word on a request says of it."""
    assert state_of(d, asked).state == "cancelled"
    facts = [one.facts for one in history(d, asked.subject) if one.kind.value == "request.cancelled"]
    return dict(next(one for one in facts if one["ref"] == asked.ref))


def anew(d: Desk, asked: flow.Receipt) -> requests.Request:
    return request_of(d, str(became(d, asked)["carried_to"]))


def test_what_waits_is_asked_anew_of_the_survivor_and_has_to_be_proved_anew(
    d: Desk, dana: SubjectId, dora: SubjectId
) -> None:
    waiting = ask(d, dora, {**SITE, **FAX}, at=LATER, note="on the phone", interaction="call-7")
    was = request_of(d, waiting.ref)
    assert foreseen(d, dora, dana) == {waiting.ref: ""}
    merged_now(d, dora, dana, soon(LATER, 5))
    new = anew(d, waiting)
    assert (new.subject_id, new.person_id, new.state.value) == (dana, dana, "awaiting_verification")
    assert new.proposal is not None
    assert was.proposal is not None
    assert (new.proposal.values, new.proposal.note) == (was.proposal.values, "on the phone")
    assert (new.entered_by, new.received_at, new.interaction) == (d.ben.id, was.received_at, "call-7")
    assert new.digest != was.digest
    told = next(one for one in history(d, dana) if one.facts.get("ref") == new.ref)
    assert (told.kind.value, told.facts["carried_from"]) == ("request.submitted", waiting.ref)
    # Who is verified on the survivor has it done; nothing of the old proof counts.
    assert flow.approve({new.ref: new.digest.hex()}, actor=d.ines, at=AFTER).refused


def test_what_is_asked_of_an_account_is_asked_for_its_new_holder(
    d: Desk, dana: SubjectId, dora: SubjectId, account: SubjectId
) -> None:
    waiting = ask(d, account, {}, kind="account_status", operation="deactivate", at=LATER)
    assert foreseen(d, dora, dana) == {waiting.ref: ""}
    merged_now(d, dora, dana, soon(LATER, 5))
    new = anew(d, waiting)
    assert (new.subject_id, new.person_id, new.operation) == (account, dana, "deactivate")


def test_whoever_made_it_before_approves_it_as_little_once_it_is_asked_anew(
    d: Desk, dana: SubjectId, dora: SubjectId
) -> None:
    waiting = ask(d, dora, FAX, at=LATER, agent=d.ines)
    other = {"contact.fax": "+1 202 555 0188"}
    flow.revise(waiting.ref, other, seen_version=waiting.version, actor=d.ben, at=soon(LATER))
    merged_now(d, dora, dana, soon(LATER, 5))
    new = anew(d, waiting)
    assert (new.entered_by, new.earlier_makers) == (d.ben.id, (d.ines.id,))
    refused = flow.approve({new.ref: new.digest.hex()}, actor=d.ines, at=AFTER).refused
    assert type(refused[new.ref]) is SameHand


def test_who_asked_online_has_asked_for_the_survivor(d: Desk, dana: SubjectId, dora: SubjectId) -> None:
    herself = Actor(d.client, ActorType.CUSTOMER, "c", Channel.WEB_PORTAL, "test", subject=dora)
    waiting = ask(d, dora, FAX, at=LATER, agent=herself, channel=Channel.WEB_PORTAL)
    assert foreseen(d, dora, dana) == {waiting.ref: ""}
    merged_now(d, dora, dana, soon(LATER, 5))
    assert (anew(d, waiting).person_id, anew(d, waiting).entered_by) == (dana, "c")


def _taken(d: Desk, dana: SubjectId, dora: SubjectId, _: SubjectId, __: Database) -> flow.Receipt:
    ask(d, dana, FAX, at=LATER, agent=d.sofia)
    return ask(d, dora, {**FAX, **SITE}, at=LATER)


def _held_already(d: Desk, dana: SubjectId, dora: SubjectId, _: SubjectId, __: Database) -> flow.Receipt:
    record(d, dana, SITE, at=LATER)
    return ask(d, dora, SITE, at=soon(LATER, 0.1))


def _standing(d: Desk, _: SubjectId, dora: SubjectId, __: SubjectId, ___: Database) -> flow.Receipt:
    values = {"inactivation.until": "2026-03-31"}
    return ask(d, dora, values, kind="inactivation", operation="inactivate", at=LATER)


def _undoing(d: Desk, _: SubjectId, dora: SubjectId, __: SubjectId, ___: Database) -> flow.Receipt:
    change = record(d, dora, SITE, at=soon(START)).change
    assert change is not None
    return flow.revert(
        change, flow.How(reason="correction_of_error", channel=Channel.PHONE), choices={}, actor=d.ines, at=LATER
    )


def _lost(d: Desk, _: SubjectId, __: SubjectId, account: SubjectId, database: Database) -> flow.Receipt:
    asked = ask(d, account, {}, kind="account_status", operation="deactivate", at=LATER)
    with psycopg.connect(database.admin_url) as admin:
        admin.execute("SET LOCAL session_replication_role = replica")
        admin.execute("UPDATE desk.request SET proposal_ct = NULL WHERE id = %s", [asked.request])
    return asked


def _minor(d: Desk, dana: SubjectId, dora: SubjectId, _: SubjectId, __: Database) -> flow.Receipt:
    born = (LATER - timedelta(days=15 * 365)).date().isoformat()
    return ask(d, dora, {"personal.birth_date": born}, kind="personal_details", acknowledged=["minor"], at=LATER)


@pytest.mark.parametrize(
    ("asking", "why"),
    [(_taken, "field-taken"), (_held_already, "no-change"), (_standing, "stands"), (_undoing, "undoes"),
     (_lost, "erased"), (_minor, "")],
)  # fmt: skip
def test_what_cannot_go_over_ends_with_the_reason_that_the_preview_gave(
    d: Desk, dana: SubjectId, dora: SubjectId, account: SubjectId, database: Database, asking: Any, why: str
) -> None:
    waiting = asking(d, dana, dora, account, database)
    assert foreseen(d, dora, dana) == {waiting.ref: why}
    merged_now(d, dora, dana, soon(LATER, 5))
    assert became(d, waiting).get("not_carried", "") == why


def test_whoever_merges_may_let_it_end_and_that_stays_so_when_records_are_read_again(
    d: Desk, dana: SubjectId, dora: SubjectId
) -> None:
    waiting = ask(d, dora, SITE, at=LATER)
    assert foreseen(d, dora, dana, waiting.ref) == {waiting.ref: "chosen"}
    asked = merging(d, dora, dana, soon(LATER, 5), close=(waiting.ref,))
    record(d, dana, FAX, at=soon(LATER, 9))
    assert applied(d, asked, LATER).state == "stale"
    again = flow.refresh_merge(asked.ref, seen_version=None, actor=d.ben, at=AFTER)
    proposal = request_of(d, again.ref).proposal
    assert proposal is not None
    assert survivorship(proposal.values).close == (waiting.ref,)


def test_what_was_chosen_to_end_ends(d: Desk, dana: SubjectId, dora: SubjectId) -> None:
    waiting = ask(d, dora, SITE, at=LATER)
    merged_now(d, dora, dana, soon(LATER, 5), close=(waiting.ref,))
    assert became(d, waiting)["not_carried"] == "chosen"
    assert holds(d, dana, "contact.url") is None
