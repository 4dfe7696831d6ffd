"""Statements whose answer nobody waits for travel with the next one: in their order, within their transaction."""

import psycopg
import pytest
from msgspec.structs import replace
from tests.cast import START, Desk, soon
from tests.flow.walk import ask, kinds, request_of

from changedesk.base.ids import SubjectId
from changedesk.flow import progress
from changedesk.rules.lifecycle import RequestState
from changedesk.store import evidence, requests
from changedesk.store.begin import begin
from changedesk.store.tx import Astray


def test_a_request_that_nobody_locked_does_not_move_unseen(d: Desk, dana: SubjectId) -> None:
    asked = request_of(d, ask(d, dana, at=START).ref)
    with begin(d.ben) as tx:
        assert requests.move(tx, [asked.id], "withdraw", at=soon(START))
    before = kinds(d, dana)
    with pytest.raises(Astray), begin(d.ben) as tx:
        progress.advance(tx, [replace(asked, state=RequestState.SUBMITTED)], actor=d.ben, at=soon(START))
    assert request_of(d, asked.ref).state is RequestState.WITHDRAWN
    assert kinds(d, dana) == before


def test_what_was_sent_last_is_written_with_the_transaction_and_taken_back_with_it(d: Desk, dana: SubjectId) -> None:
    asked = request_of(d, ask(d, dana, at=START).ref)
    given = evidence.Decision(
        request_id=asked.id, digest=asked.digest, actor="s9", team="", verdict="reject", reason_code=None, note_ct=None,
        at=START,
    )  # fmt: skip
    with pytest.raises(psycopg.errors.UniqueViolation), begin(d.ben) as tx:  # noqa: PT012 - both are run at the end
        evidence.record_decisions(tx, [given])
        requests.insert(tx, [asked], [b""])
    for found in ([], ["s9"]):
        with begin(d.ben) as tx:
            rows = tx.together(evidence.decisions_on([asked.id]))[0]
            assert [one.actor for one in evidence.opened_decisions(rows)] == found
            evidence.record_decisions(tx, [given] if not found else [])
