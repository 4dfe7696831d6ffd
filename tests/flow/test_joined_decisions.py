"""Consents and approvals that are given together: each stands or falls by itself, as if it had come alone."""

from dataclasses import replace
from datetime import datetime
from functools import partial

import pytest
from tests.cast import Desk, soon
from tests.flow.race import together
from tests.flow.test_status import of
from tests.flow.walk import LATER, POST, ask, kinds, ready, request_of, stands, vouch

from changedesk import flow
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Refusal
from changedesk.flow import combine
from changedesk.store import evidence
from changedesk.store.tx import look


@pytest.fixture(autouse=True)
def _at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combine, "now", lambda: AT)


AT: datetime = soon(LATER, 5)


def _waiting(d: Desk, count: int) -> list[flow.Receipt]:
    people = [d.customer(contact__email=f"eve{number}@old.example") for number in range(count)]
    return [ready(d, one, values=POST) for one in people]


def _approval(asked: flow.Receipt, **more: object) -> flow.Approval:
    return replace(flow.Approval(ref=asked.ref, digest=asked.digest), **more)  # type: ignore[arg-type]  # drawn


def _codes(found: list[object]) -> list[str]:
    return [one.code if isinstance(one, Refusal) else one.state for one in found]  # type: ignore[attr-defined]


def test_one_refused_approval_among_several_leaves_the_rest(d: Desk) -> None:
    asked = _waiting(d, 4)
    items = [
        _approval(asked[0], note="seen by me"),
        _approval(asked[1], digest="no digest"),
        _approval(asked[2], seen_version=asked[2].version - 1),
        _approval(asked[3]),
    ]
    found = together([partial(flow.approve_joined, item, actor=d.ines, at=AT) for item in items])
    assert _codes(found) == ["applied", "different-content", "moved", "applied"]
    assert [kinds(d, one.subject).count("request.approved") for one in asked] == [1, 0, 0, 1]
    with look(d.client) as seen:
        rows = seen.together(evidence.decisions_on([one.request for one in asked]))[0]
        notes = {row.request_id: row.note_ct for row in rows}
        assert notes.keys() == {asked[0].request, asked[3].request}
        key = stands(d, asked[0].subject).key
        assert evidence.open_text(seen, key, asked[0].request, notes[asked[0].request]) == "seen by me"
        assert notes[asked[3].request] is None


def test_of_two_approvals_of_one_request_at_once_one_comes_too_late(d: Desk) -> None:
    for one in _waiting(d, 3):
        found = together(
            [partial(flow.approve_joined, _approval(one), actor=actor, at=AT) for actor in (d.ines, d.omar)]
        )
        assert sorted(_codes(found)) == ["applied", "too-late"]
        assert kinds(d, one.subject).count("change.applied") == 1


def test_one_key_at_once_is_one_approval_and_one_consent(d: Desk, dana: SubjectId) -> None:
    vouch(d, dana, LATER)
    asked = ask(d, dana, POST, at=LATER)
    agreed = flow.Agreement(
        ref=asked.ref, statement="change_of_record", version=1, language="en", way="read_aloud",
        key=flow.Once("agree", b"x"),
    )  # fmt: skip
    found = together([partial(flow.record_consent_joined, agreed, actor=d.ben, at=AT)] * 3)
    assert _codes(found) == ["awaiting_approval"] * 3
    once = _approval(asked, key=flow.Once("approve", b"x"))
    found = together([partial(flow.approve_joined, once, actor=d.ines, at=AT)] * 3)
    assert _codes(found) == ["applied"] * 3
    assert (kinds(d, dana).count("consent.recorded"), kinds(d, dana).count("request.approved")) == (1, 1)


def test_consents_by_several_agents_at_once_are_given_once_each_and_a_wrong_one_hurts_nobody(d: Desk) -> None:
    people = [d.customer(contact__email=f"eve{number}@old.example") for number in range(4)]
    for one in people:
        vouch(d, one, LATER)
    asked = [ask(d, one, POST, at=LATER) for one in people]
    said = [
        flow.Agreement(ref=one.ref, statement="change_of_record", version=1, language="en", way="read_aloud")
        for one in asked
    ]
    said[2] = replace(said[2], digest="00" * 32)
    said[3] = replace(said[3], evidence_text="recording 17")
    agents = (d.ben, d.sofia)
    found = together([partial(flow.record_consent_joined, item, actor=a, at=AT) for a in agents for item in said])
    assert _codes(found) == ["awaiting_approval", "awaiting_approval", "different-content", "awaiting_approval"] * 2
    assert [kinds(d, one).count("consent.recorded") for one in people] == [1, 1, 0, 1]
    assert request_of(d, asked[2].ref).state == "awaiting_consent"


def test_of_two_requests_of_one_record_the_second_meets_what_the_first_left(d: Desk, dana: SubjectId) -> None:
    waiting = ready(d, dana, values=POST)
    stop = of(d, dana, "deactivate", reason="inactivity", at=soon(LATER, 4))
    found = flow.approve_each([_approval(stop), _approval(waiting)], actor=d.ines, at=AT)
    assert [one.state for one in found.done] == ["applied", "on_hold"]
    assert stands(d, dana).status == "deactivated"
