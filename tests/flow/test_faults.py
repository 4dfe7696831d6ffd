"""Whatever statement a verb dies at, nothing is half done, and a retry with the same key has one effect."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
import pytest
from tests.cast import Desk, soon
from tests.flow.test_races import _is_whole
from tests.flow.walk import LATER, POST, agree, ask, code_to, holds, kinds, ready, record, request_of, vouch, wish

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Refusal
from changedesk.flow.revert import NothingToRevert
from changedesk.store import keys, pool, tx, wire
from changedesk.store.tx import CommitUnknown


class DiedError(Exception):
    """The process was gone at this point."""


class Dying:
    """Counts what is sent to the server, and dies at the n-th: before it, after it, or as the connection drops."""

    def __init__(self, at: int, how: str) -> None:
        self.at, self.how, self.sent = at, how, 0

    def __call__(self, on: Any, run: Callable[[], Any]) -> Any:
        self.sent += 1
        if self.sent != self.at:
            return run()
        if self.how == "before":
            raise DiedError
        if self.how == "drop":
            on.finish()
            raise psycopg.OperationalError("the connection is gone")
        run()
        on.finish()
        raise psycopg.OperationalError("the answer never came")


@contextmanager
def dying(monkeypatch: pytest.MonkeyPatch, dies: Dying) -> Iterator[None]:
    exchange = wire.Wire.exchange
    commit = tx._commit

    def exchanging(self: Any, on: Any, calls: Any) -> Any:
        return dies(on, lambda: exchange(self, on, calls))

    def committing(connection: Any) -> Any:
        # The end of a transaction is where a caller cannot know.
        return dies(connection.pgconn, lambda: commit(connection))

    with monkeypatch.context() as patch:
        patch.setattr(wire.Wire, "exchange", exchanging)
        patch.setattr(tx, "_commit", committing)
        yield


def _everywhere(monkeypatch: pytest.MonkeyPatch, how: str, do: Callable[[], object], whole: Callable[[], None]) -> int:
    """Let a verb die at its first statement, its second, and so on, until it lives; return how many it has."""
    for at in range(1, 200):
        dies = Dying(at, how)
        try:
            with dying(monkeypatch, dies):
                do()
        except (DiedError, psycopg.Error, CommitUnknown):
            whole()
        else:
            if dies.sent < at:
                assert dies.sent > 1
                return dies.sent
            whole()
    raise AssertionError("it never ends")


HOWS = ["before", "drop", "after"]


@pytest.mark.parametrize("how", HOWS)
def test_a_submission_that_dies_anywhere(d: Desk, dana: SubjectId, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    asked = wish(dana, once=flow.Once("k", b"x"))

    def whole() -> None:
        made = kinds(d, dana).count("request.submitted")
        assert made <= 1
        _is_whole(d, dana)

    _everywhere(monkeypatch, how, lambda: flow.submit([asked], actor=d.ben, at=LATER).one(), whole)
    again = flow.submit([asked], actor=d.ben, at=LATER).one()
    assert again.replayed
    assert kinds(d, dana).count("request.submitted") == 1
    assert request_of(d, again.ref).state.value == "awaiting_verification"


@pytest.mark.parametrize("how", HOWS)
def test_an_approval_that_dies_anywhere(d: Desk, dana: SubjectId, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    asked = ready(d, dana, values=POST)
    key = flow.Once("k", b"x")

    def approve() -> flow.Receipt:
        item = flow.Approval(ref=asked.ref, digest=asked.digest, key=key)
        return flow.approve_each([item], actor=d.ines, at=soon(LATER, 5)).one()

    def whole() -> None:
        applied = kinds(d, dana).count("change.applied")
        assert applied == (request_of(d, asked.ref).state.value == "applied")
        assert applied == (holds(d, dana, "contact.postal_address") is not None)
        assert applied == kinds(d, dana).count("request.approved")
        _is_whole(d, dana)

    _everywhere(monkeypatch, how, approve, whole)
    assert approve().replayed
    assert kinds(d, dana).count("change.applied") == 1


@pytest.mark.parametrize("how", HOWS)
def test_a_record_that_dies_anywhere(d: Desk, dana: SubjectId, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    change = flow.FieldChange(path="contact.url", new="https://a.example/")
    item = flow.RecordedChange(subject=dana, changes=[change], once=flow.Once("k", b"x"))

    def do() -> flow.Recorded:
        return flow.record_changes([item], actor=d.crm, at=LATER).one()

    _everywhere(monkeypatch, how, do, lambda: _is_whole(d, dana))
    again = do()
    assert (again.replayed, again.version, kinds(d, dana).count("change.recorded")) == (True, 2, 1)


@pytest.mark.parametrize("how", HOWS)
def test_an_answer_that_dies_anywhere_is_counted_or_not_but_never_half(
    d: Desk, dana: SubjectId, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    asked = agree(d, ask(d, dana, POST, at=LATER), LATER)
    started = flow.challenge(
        dana, purpose="change", method="code_sms", path="contact.phone_mobile", ref=asked.ref, actor=d.ben, at=LATER
    )
    code = code_to(d)

    def answer() -> None:
        try:
            flow.confirm(started.id, code, actor=d.ben, at=LATER)
        except Refusal as refusal:
            assert refusal.code == "code-used"  # noqa: PT017 - the only no that a right answer may meet

    def whole() -> None:
        verified = kinds(d, dana).count("identity.verified")
        assert verified == (request_of(d, asked.ref).state.value == "awaiting_approval")

    _everywhere(monkeypatch, how, answer, whole)
    assert kinds(d, dana).count("identity.verified") == 1


@pytest.mark.parametrize("how", HOWS)
def test_an_undoing_that_dies_anywhere(d: Desk, dana: SubjectId, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    made = record(d, dana, {"contact.url": "https://a.example/"}, at=LATER)
    vouch(d, dana, soon(LATER), agent=d.ines)
    change, key = made.change, flow.Once("k", b"x")
    assert change is not None

    asked = flow.How(reason="correction_of_error", channel=Channel.PHONE, once=key)

    def undo() -> flow.Receipt | None:
        try:
            return flow.revert(change, asked, choices={}, actor=d.ines, at=soon(LATER, 2))
        except NothingToRevert:
            return None

    _everywhere(monkeypatch, how, undo, lambda: _is_whole(d, dana))
    assert kinds(d, dana).count("change.reverted") == 1
    assert holds(d, dana, "contact.url") is None


def _count(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> int:
    counts = Dying(-1, "never")
    keys.forget()  # what is remembered for a while costs nothing, and would be told by how fast this machine is
    with dying(monkeypatch, counts):
        do()
    return counts.sent


def test_approving_many_costs_the_statements_of_approving_one(d: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [ready(d, d.customer(contact__email=f"eve{n}@old.example"), values=POST) for n in range(9)]
    costs = [
        _count(
            monkeypatch,
            partial(flow.approve, {x.ref: x.digest for x in part}, actor=d.ines, at=soon(LATER, 5)),
        )
        for part in (asked[:1], asked[1:])
    ]
    assert costs[0] == costs[1] > 3


def test_recording_many_costs_the_statements_of_recording_one(d: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [d.customer(contact__email=f"eve{n}@old.example") for n in range(9)]
    change = flow.FieldChange(path="contact.url", new="https://a.example/")
    items = [flow.RecordedChange(subject=one, changes=[change], once=flow.Once(str(one), b"x")) for one in people]
    costs = [
        _count(monkeypatch, partial(flow.record_changes, part, actor=d.crm, at=LATER))
        for part in (items[:1], items[1:])
    ]
    assert costs[0] == costs[1] > 1
    pool.close()
