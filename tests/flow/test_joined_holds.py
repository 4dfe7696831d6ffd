"""What must be kept is kept through a merge and its undoing: no way in or out of a record leads out of a hold."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.cast import Desk, soon
from tests.flow.join import merged_now, unmerged_now
from tests.flow.test_family import again
from tests.flow.test_forget import _legal, asked, erased
from tests.flow.test_retention import due, years
from tests.flow.walk import LATER, record, request_of, stands
from tests.outbound.logs import forget, sequence

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.flow.family import MergedHeld
from changedesk.reading import audit
from changedesk.rules.status import StatusForbids
from changedesk.store import evidence
from changedesk.store.begin import begin
from changedesk.store.tx import look

JOINED = LATER + timedelta(days=2)
APART = LATER + timedelta(days=6)
LEGAL = "status.legal_hold"


@pytest.fixture(autouse=True)
def journal(settings: Any, tmp_path: Path) -> None:
    settings.CHANGEDESK_ERASURE_JOURNAL = tmp_path / "erasures.jsonl"
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"
    forget()


def placed(d: Desk, subject: SubjectId, at: datetime, *blocks: str) -> evidence.Hold:
    hold = evidence.Hold(
        id=uuid4(), subject_id=subject, request_id=None, blocks=blocks or ("payout",), rule="check", release="fraud",
        placed_by=d.ines.id, starts_at=at, ends_at=None,
    )  # fmt: skip
    with begin(d.ines) as tx:
        evidence.place_holds(tx, [hold])
    return hold


def standing(d: Desk, subject: SubjectId, at: datetime) -> list[tuple[str, ...]]:
    with look(d.client) as seen:
        return [one.blocks for one in evidence.active_holds(seen, [subject], now=at)]


def test_a_record_under_legal_hold_may_be_merged_and_keeps_both(d: Desk, dana: SubjectId) -> None:
    one = again(d, 1)
    _legal(d, one, "legal_hold", LATER)
    done = merged_now(d, one, dana, soon(LATER, 60))
    with pytest.raises(MergedHeld):
        flow.preview_erasure(dana, actor=d.ben, at=JOINED)
    record(d, dana, {"status.state": "closed"}, at=JOINED)
    assert due(d, years(JOINED, 9)) == []
    record(d, dana, {"status.state": "active"}, at=soon(JOINED))
    unmerged_now(d, done.change, one, APART)
    over = APART + timedelta(days=3)
    assert (stands(d, one).values()[LEGAL], LEGAL in stands(d, dana).values()) == (True, False)
    with pytest.raises(StatusForbids):
        flow.request_erasure(one, flow.How(reason="data_subject_request", channel=Channel.PHONE), actor=d.ben, at=over)
    erased(d, dana, over)
    assert (stands(d, dana).key, stands(d, one).key is not None) == (None, True)


def test_a_legal_hold_of_the_time_together_stands_on_both_afterwards(d: Desk, dana: SubjectId) -> None:
    one = again(d, 1)
    done = merged_now(d, one, dana)
    _legal(d, dana, "legal_hold", JOINED)
    unmerged_now(d, done.change, one, APART)
    assert [stands(d, who).values()[LEGAL] for who in (dana, one)] == [True, True]
    sequence(d.client)
    assert audit.audit(actor=d.crm, at=APART + timedelta(days=2)).findings == ()
    at = APART + timedelta(days=3)
    _legal(d, one, "legal_release", at)
    assert [stands(d, who).values().get(LEGAL) for who in (dana, one)] == [True, None]


@pytest.mark.parametrize("whose", ["survivor", "both", "lifted"])
def test_a_legal_hold_that_needs_no_handing_over_stays_where_it_is(d: Desk, dana: SubjectId, whose: str) -> None:
    one = again(d, 1)
    _legal(d, dana, "legal_hold", LATER)
    if whose == "both":
        _legal(d, one, "legal_hold", LATER)
    done = merged_now(d, one, dana, soon(LATER, 60))
    if whose == "lifted":
        _legal(d, dana, "legal_release", JOINED)
    if whose == "both":
        _legal(d, dana, "legal_release", JOINED)
        _legal(d, dana, "legal_hold", soon(JOINED, 20))
    unmerged_now(d, done.change, one, APART)
    both = [stands(d, who).values().get(LEGAL) for who in (dana, one)]
    assert both == {"survivor": [True, None], "both": [True, True], "lifted": [None, None]}[whose]


def test_a_hold_that_came_with_a_merge_goes_back_when_it_is_undone(d: Desk, dana: SubjectId) -> None:
    one = again(d, 1)
    placed(d, one, LATER)
    placed(d, dana, LATER, "port_out")
    done = merged_now(d, one, dana)
    assert standing(d, dana, JOINED) == [("port_out",), ("payout",)]
    placed(d, dana, JOINED, "reissue")
    unmerged_now(d, done.change, one, APART)
    at = APART + timedelta(days=3)
    assert standing(d, dana, at) == [("port_out",), ("reissue",)]
    assert standing(d, one, at) == [("payout",), ("reissue",)]


def test_a_hold_is_lifted_with_its_copies(d: Desk, dana: SubjectId) -> None:
    one, two = again(d, 1), again(d, 2)
    hold = placed(d, two, LATER)
    merged_now(d, two, one)
    merged_now(d, one, dana, LATER + timedelta(days=3))
    assert standing(d, dana, APART) == [("payout",)]
    with begin(d.ines) as tx:
        evidence.release_hold(tx, hold.id, by=d.ines.id, at=APART)
    assert [standing(d, who, APART) for who in (dana, one, two)] == [[], [], []]


@pytest.mark.parametrize("blocks", ["erase", "*"])
def test_a_hold_placed_on_a_merged_record_keeps_its_survivor_from_being_erased(
    d: Desk, dana: SubjectId, blocks: str
) -> None:
    one = again(d, 1)
    merged_now(d, one, dana)
    placed(d, one, JOINED, "payout")
    assert flow.preview_erasure(dana, actor=d.ben, at=JOINED).merged
    placed(d, one, JOINED, blocks)
    with pytest.raises(MergedHeld) as refused:
        flow.preview_erasure(dana, actor=d.ben, at=JOINED)
    assert (refused.value.data["record"], refused.value.data["blocked_by"]) == (str(one), "hold")


def test_a_hold_placed_on_a_merged_record_stops_an_erasure_that_was_approved(d: Desk, dana: SubjectId) -> None:
    one = again(d, 1)
    merged_now(d, one, dana)
    waiting = asked(d, dana, JOINED)
    flow.approve({waiting.ref: waiting.digest}, actor=d.ines, at=soon(JOINED))
    placed(d, one, soon(JOINED, 5), "erase")
    flow.apply_due(d.client, at=JOINED + timedelta(days=8))
    assert request_of(d, waiting.ref).state == "on_hold"
    assert stands(d, one).key is not None
