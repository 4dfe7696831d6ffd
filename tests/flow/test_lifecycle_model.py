"""Whatever is done to a request, in whatever order: it stands where a plain model of its life says it does.

The model knows the life of a request (``rules.lifecycle``) and four facts about its content. After every step the
stored state is the model's, every step has left its evidence and nothing else has, and the history folds to the record.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.cast import START, Desk, soon
from tests.flow.walk import LATER, ask, holds, kinds, not_this, request_of, stands

from changedesk import flow
from changedesk.base.actor import Role
from changedesk.base.clock import micros
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Refusal
from changedesk.ledger.fold import fold
from changedesk.rules import policy
from changedesk.rules.lifecycle import ENDINGS, STEPS, RequestState
from changedesk.store import deliveries, past
from changedesk.store.tx import look

_S = RequestState
STEP = timedelta(minutes=20)
"""Between two doings: so that no limit of sends and tries, which have tests of their own, comes into it."""


@dataclass
class Model:
    """A request as far as its life goes. ``told``: the entries that must have come of it so far."""

    needs_consent: bool
    holds: bool
    expires_at: datetime
    effective_at: datetime | None = None
    state: RequestState = _S.SUBMITTED
    proved: bool = False
    consented: bool = False
    approved: bool = False
    hold_until: datetime | None = None
    told: list[str] = field(default_factory=list)

    def may(self, step: str) -> bool:
        return self.state in STEPS[step].sources

    def take(self, step: str, *told: str, hold_until: datetime | None = None) -> None:
        self.state, self.hold_until = STEPS[step].target, hold_until
        self.told += told

    def advance(self, at: datetime) -> None:
        """What the evidence carries, until it waits for somebody or has ended."""
        step = self._next(at)
        if STEPS[step].target is self.state or not self.may(step):
            return
        self.take(step, *{"schedule": ["request.scheduled"], "apply": ["change.applied"]}.get(step, []))
        if self.state is _S.APPLIED and self.holds:
            self.told.append("hold.placed")
        if self.state is _S.APPROVED:
            self.advance(at)

    def _next(self, at: datetime) -> str:
        if not self.proved:
            return "ask_verification"
        if self.needs_consent and not self.consented:
            return "ask_consent"
        if not self.approved:
            return "ask_approval"
        if self.state not in (_S.APPROVED, _S.SCHEDULED):
            return "approve"
        return "schedule" if self.effective_at is not None and self.effective_at > at else "apply"

    def release(self, at: datetime) -> None:
        self.take("release" if self.approved else "release_to_approval", "hold.released")
        self.advance(at)

    def clock(self, at: datetime) -> None:
        if self.state is _S.SCHEDULED and self.effective_at is not None and self.effective_at <= at:
            self.advance(at)
        elif self.state is _S.ON_HOLD and self.hold_until is not None and self.hold_until <= at:
            self.release(at)
        if self.may("expire") and self.expires_at <= at:
            self.take("expire", "request.expired")


class Life(RuleBasedStateMachine):
    """One customer, one request at a time, done to by an agent, a supervisor and the clock."""

    desk: Desk

    @initialize()
    def begin(self) -> None:
        self.at, self.number = LATER, 0
        self.dana: SubjectId = self.desk.customer(at=START)
        self.told = kinds(self.desk, self.dana)
        self.held: object = None
        self.asked: flow.Receipt | None = None
        self.model: Model | None = None

    def content(self) -> dict[str, object]:
        self.number += 1
        lines = {"country": "US", "city": "Springfield", "region": "IL", "postal_code": "62701"}
        return {"contact.postal_address": {**lines, "lines": f"{self.number} Main Street"}}

    def try_(self, allowed: bool, do: Callable[[], object]) -> bool:  # noqa: FBT001 - the model's word first
        """Do it, which succeeds exactly when the model allows it."""
        if allowed:
            do()
            return True
        with pytest.raises(Refusal):
            do()
        return False

    def later(self) -> datetime:
        self.at += STEP
        return self.at

    @property
    def one(self) -> tuple[flow.Receipt, Model]:
        assert self.asked is not None
        assert self.model is not None
        return self.asked, self.model

    def code(self) -> str:
        """The code that went out last for this request."""
        asked, _ = self.one
        with look(self.desk.client) as seen:
            sent = [item.message for item in deliveries.of_request(seen, asked.request) if item.event == "challenge"]
        assert sent[-1] is not None
        found = re.search(r"\b\d{6}\b", sent[-1].body)
        assert found is not None
        return found[0]

    def close(self) -> None:
        """Keep what an ended request has left, before the next one."""
        if self.model is not None:
            self.told += self.model.told

    @rule(days=st.none() | st.integers(1, 3), on=st.integers(0, 3))
    def submit(self, days: int | None, on: int) -> None:
        """Ask, and go ``on`` the straight way so far: what comes after approval is not left to luck."""
        free = self.model is None or self.model.state in ENDINGS
        self.ask(days, free=free)
        for step in (self.prove, self.agree, self.second)[: on if free else 0]:
            step()

    def prove(self) -> None:
        self._verify(right=True)

    def agree(self) -> None:
        if self.one[1].needs_consent:
            self._consent()

    def second(self) -> None:
        self._approve(second=True)

    def ask(self, days: int | None, *, free: bool) -> None:
        at = self.later()
        effective = None if days is None else at + timedelta(days=days)
        asked: list[flow.Receipt] = []
        if self.try_(
            free, lambda: asked.append(ask(self.desk, self.dana, self.content(), at=at, effective_at=effective))
        ):
            self.close()
            self.asked = asked[0]
            self._model(at, ["request.submitted"], effective)

    def _model(self, at: datetime, told: list[str], effective: datetime | None) -> None:
        """What policy wants of this content is given; what becomes of it is the model's."""
        assert self.asked is not None
        stored = request_of(self.desk, self.asked.ref)
        route = policy.from_json(stored.route)
        assert (route.level > 0, route.approvals, route.wait_seconds) == (True, 1, 0)
        self.model = Model(
            needs_consent=route.consent is not None,
            holds=bool(route.holds),
            expires_at=stored.expires_at,
            effective_at=effective,
            told=told,
        )
        self.model.advance(at)

    @precondition(lambda self: self.model is not None)
    @rule()
    def revise(self) -> None:
        (asked, model), at = self.one, self.later()
        revised = lambda: flow.revise(asked.ref, self.content(), seen_version=None, actor=self.desk.ben, at=at)  # noqa: E731
        if self.try_(model.may("revise"), revised):
            self._model(at, [*model.told, "request.revised"], request_of(self.desk, asked.ref).effective_at)

    @precondition(lambda self: self.model is not None)
    @rule(right=st.sampled_from([True, True, False]))
    def verify(self, right: bool) -> None:  # noqa: FBT001 - drawn
        self._verify(right=right)

    def _verify(self, *, right: bool) -> None:
        (asked, model), at = self.one, self.later()
        about = {"purpose": "change", "method": "code_sms", "path": "contact.phone_mobile", "ref": asked.ref}
        started: list[flow.Challenged] = []
        if not self.try_(
            model.state not in ENDINGS,
            lambda: started.append(flow.challenge(self.dana, **about, actor=self.desk.ben, at=at)),  # type: ignore[arg-type]  # named
        ):
            return
        code = self.code()
        answer = code if right else not_this(code)
        assert flow.confirm(started[0].id, answer, actor=self.desk.ben, at=soon(at)).matched is right
        model.told += ["identity.challenged", "identity.verified" if right else "identity.failed"]
        if right:
            model.proved = True
            model.advance(soon(at))

    @precondition(lambda self: self.model is not None and self.model.needs_consent)
    @rule()
    def consent(self) -> None:
        self._consent()

    def _consent(self) -> None:
        (asked, model), at = self.one, self.later()
        statement = request_of(self.desk, asked.ref).needs_consent or ""
        agreed = flow.Agreement(ref=asked.ref, statement=statement, version=1, language="en", way="read_aloud")
        if self.try_(
            model.state not in ENDINGS,
            lambda: flow.record_consents([agreed], actor=self.desk.ben, at=at).one(),
        ):
            model.told += [] if model.consented else ["consent.recorded"]
            model.consented = True
            model.advance(at)

    @precondition(lambda self: self.model is not None)
    @rule(second=st.sampled_from([True, True, False]))
    def approve(self, second: bool) -> None:  # noqa: FBT001 - drawn
        self._approve(second=second)

    def _approve(self, *, second: bool) -> None:
        (asked, model), at = self.one, self.later()
        who = self.desk.ines if second else replace(self.desk.ben, roles=frozenset({Role.SUPERVISOR}))
        digest = request_of(self.desk, asked.ref).digest.hex()
        allowed = second and model.state is _S.AWAITING_APPROVAL
        if self.try_(allowed, lambda: flow.approve({asked.ref: digest}, actor=who, at=at).one()):
            model.approved = True
            model.told.append("request.approved")
            model.advance(at)

    @precondition(lambda self: self.model is not None)
    @rule(word=st.sampled_from(["ask_information", "ask_information", "reject", "withdraw", "cancel"]))
    def say(self, word: str) -> None:
        (asked, model), at = self.one, self.later()
        seen = {"seen_version": None, "at": at}
        do: dict[str, tuple[str, Callable[[], object]]] = {
            "reject": (
                "request.rejected",
                lambda: flow.reject(asked.ref, reason="other", message="No.", actor=self.desk.ines, **seen),  # type: ignore[arg-type]  # named
            ),
            "withdraw": ("request.withdrawn", lambda: flow.withdraw(asked.ref, actor=self.desk.ben, **seen)),  # type: ignore[arg-type]  # named
            "cancel": ("request.cancelled", lambda: flow.cancel(asked.ref, reason="typo", actor=self.desk.ben, **seen)),  # type: ignore[arg-type]  # named
            "ask_information": (
                "request.information_asked",
                lambda: flow.ask_information(asked.ref, message="Why?", actor=self.desk.ines, **seen),  # type: ignore[arg-type]  # named
            ),
        }
        told, act = do[word]
        if self.try_(model.may(word), act):
            model.take(word, told)

    @precondition(lambda self: self.model is not None)
    @rule(hours=st.none() | st.integers(1, 72))
    def hold(self, hours: int | None) -> None:
        (asked, model), at = self.one, self.later()
        until = None if hours is None else at + timedelta(hours=hours)
        held = lambda: flow.hold(  # noqa: E731
            asked.ref, reason="security_concern", until=until, seen_version=None, actor=self.desk.ines, at=at
        )
        if self.try_(model.may("hold"), held):
            model.take("hold", "request.held", hold_until=until)

    @precondition(lambda self: self.model is not None)
    @rule()
    def release(self) -> None:
        (asked, model), at = self.one, self.later()
        released = lambda: flow.release(asked.ref, seen_version=None, actor=self.desk.ines, at=at)  # noqa: E731
        if self.try_(model.may("release"), released):
            model.release(at)

    @precondition(lambda self: self.model is not None)
    @rule(days=st.integers(0, 4))
    def another_day(self, days: int) -> None:
        """No days at all is now."""
        (asked, model), at = self.one, self.later()
        day = at + timedelta(days=days)
        seen = {"seen_version": None, "actor": self.desk.ines, "at": at}
        if days:
            moved = lambda: flow.reschedule(asked.ref, effective_at=day, **seen)  # type: ignore[arg-type]  # named  # noqa: E731
        else:
            moved = lambda: flow.apply_now(asked.ref, **seen)  # type: ignore[arg-type]  # named  # noqa: E731
        if self.try_(model.state is _S.SCHEDULED, moved):
            model.effective_at = day
            model.told += ["request.scheduled"] if days else []
            model.advance(at)

    @precondition(lambda self: self.model is not None)
    @rule(days=st.sampled_from([1, 1, 1, 2, 3, 40]))
    def days_pass(self, days: int) -> None:
        _, model = self.one
        self.at += timedelta(days=days)
        flow.apply_due(self.desk.client, at=self.at)
        flow.expire_due(self.desk.client, at=self.at)
        model.clock(self.at)

    @invariant()
    def it_stands_where_the_model_says(self) -> None:
        if self.model is None:
            return
        asked, model = self.one
        stored = request_of(self.desk, asked.ref)
        assert stored.state is model.state
        if stored.state is _S.APPLIED:
            assert stored.proposal is not None
            self.held = stored.proposal.values["contact.postal_address"]
        assert holds(self.desk, self.dana, "contact.postal_address") == self.held

    @invariant()
    def every_step_has_left_its_evidence_and_nothing_else_has(self) -> None:
        if self.model is not None:
            assert kinds(self.desk, self.dana) == [*self.told, *self.model.told]

    @invariant()
    def the_history_folds_to_the_record(self) -> None:
        if self.model is None:
            return
        subject, now = stands(self.desk, self.dana), micros(self.at)
        with look(self.desk.client) as seen:
            stored, snapshot = past.versions(seen, subject, newest=subject.ver)
        assert fold(stored, now, now, snapshot) == {path: held.text for path, held in subject.state.items()}


def test_a_request_lives_as_the_model_of_its_life_says(d: Desk) -> None:
    bounded = settings(
        max_examples=12,
        stateful_step_count=25,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(type("LifeAtADesk", (Life,), {"desk": d}), settings=bounded)
