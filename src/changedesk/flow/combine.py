"""Joining concurrent single calls of plural verbs: what arrives while a batch is under way shares the next one.

No background thread: the first caller leads, flushes for those that wait for the same verb by the same actor, most of
them first, until it is answered itself, and hands the lead to the next. Those that were answered come back, where they
come from callers that wait for an answer before they ask again, and mostly for the next verb of what they do: whoever
leads then waits for them for as long as they keep coming, since half as many batches cost half as much. Nobody waits
who comes alone. Each caller gets its own result after the shared commit. If a batch fails as a whole, its members run
one by one.
"""

import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from functools import lru_cache
from threading import Lock
from typing import Any, Final, Generic, TypeVar

from changedesk.base import turns
from changedesk.base.actor import Actor
from changedesk.base.clock import now
from changedesk.base.ids import ClientId, parse_reference
from changedesk.base.outcome import Outcome
from changedesk.base.refusal import Refusal
from changedesk.flow.answer import Answer, Confirmed, take_answers
from changedesk.flow.asking import Receipt
from changedesk.flow.consent import Agreement, record_consents
from changedesk.flow.decide import Approval, approve_each
from changedesk.flow.named import Named
from changedesk.flow.record import record_changes
from changedesk.flow.recorded import Recorded, RecordedChange
from changedesk.flow.submit import submit
from changedesk.flow.verify import Challenged, Wanted, start_challenges
from changedesk.flow.wish import Wish
from changedesk.store.tx import CommitUnknown

TOGETHER_MOST: Final = 64
PATIENCE_SECONDS: Final = 0.005
"""For how long the next one is waited for."""
OVERDUE_SECONDS: Final = 0.1
"""Whoever has waited for so long leads all the same: what takes long, or is always more, keeps nobody."""
T = TypeVar("T")
R = TypeVar("R")


class _Call(Generic[T, R]):
    __slots__ = ("answer", "came_at", "done", "failure", "item", "leads", "verb")

    def __init__(self, verb: "Combiner[T, R]", item: T) -> None:
        self.verb = verb
        self.item = item
        self.came_at = time.monotonic()
        # Let go of when the call is answered, or has the lead: half the price of an Event, and only one waits for it.
        self.done = Lock()
        self.done.acquire()
        self.leads = False
        self.answer: R | None = None
        self.failure: BaseException | None = None


class Cohort:
    """Those whose calls are joined, whichever verb they call: one of them leads at a time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.waiting: list[_Call[Any, Any]] = []
        self._leader: _Call[Any, Any] | None = None
        self._away = 0
        """How many were answered just now, and may come back."""
        self._answered_at = 0.0
        self._gathered: Lock | None = None
        """Let go of when as many are here again; None where nobody waits for them."""

    def answer(self, mine: _Call[Any, Any]) -> None:
        """Return when a call was answered: by whoever leads, or by leading."""
        leads = self._join(mine)
        while leads:
            self._gather()
            batch = self._take(mine)
            try:
                batch[0].verb.run(batch)
            finally:
                self._hand_on(batch, mine)
            leads = mine not in batch

    def _join(self, mine: _Call[Any, Any]) -> bool:
        """Return once a call has the lead (True), or was answered by whoever had it."""
        with self._lock:
            self._away = max(self._away - 1, 0)
            if self._leader is None:
                self._leader = mine
                return True
            self.waiting.append(mine)
            if self._gathered is not None and not self._away:
                self._gathered.release()
                self._gathered = None
        if not mine.done.acquire(timeout=OVERDUE_SECONDS):
            with self._lock:
                if mine in self.waiting:
                    self.waiting.remove(mine)
                    self._leader = mine
                    return True
            mine.done.acquire()
        return mine.leads

    def _gather(self) -> None:
        """Return when as many are here again as were answered just now, or no further one comes."""
        before = 0
        late = time.monotonic() - self._answered_at > PATIENCE_SECONDS
        while True:
            with self._lock:
                here = len(self.waiting) + 1
                if late or here == before:
                    self._away = 0
                if not self._away:
                    return
                gathered = self._gathered = Lock()
                gathered.acquire()
            gathered.acquire(timeout=PATIENCE_SECONDS)
            with self._lock:
                self._gathered = None
            before = here

    def _take(self, mine: _Call[Any, Any]) -> list[_Call[Any, Any]]:
        """Take a batch out of the queue: of the verb that most are here for, those that share no key.

        Of two that as many are here for, the one for which somebody came last: they meet those that are ahead of them,
        where others would wait for each other in turn, in two halves for good. Whoever is overdue goes first.
        """
        with self._lock:
            here = [mine, *self.waiting]
            verb = mine.verb
            if self._leader is mine and time.monotonic() - mine.came_at < OVERDUE_SECONDS:
                wanted = Counter(call.verb for call in here)
                verb = max(reversed(here), key=lambda call: wanted[call.verb]).verb
            batch: dict[Hashable, _Call[Any, Any]] = {}
            for call in here:
                if call.verb is verb and len(batch) < TOGETHER_MOST:
                    batch.setdefault(verb.key(call.item), call)
            taken = {mine, *batch.values()}
            self.waiting = [call for call in self.waiting if call not in taken]
        return list(batch.values())

    def _hand_on(self, batch: Sequence[_Call[Any, Any]], mine: _Call[Any, Any]) -> None:
        """Let those of a batch go that was answered. A leader among them, who is it still, gives the lead away."""
        following = None
        with self._lock:
            self._away = min(self._away + len(batch), TOGETHER_MOST)
            self._answered_at = time.monotonic()
            if mine in batch and self._leader is mine:
                following = self._leader = self.waiting.pop(0) if self.waiting else None
        for call in batch:
            if call is not mine:
                call.done.release()
        if following is not None:
            following.leads = True
            following.done.release()


class Combiner(Generic[T, R]):
    """Joins calls of one verb within a cohort. ``key`` names what two calls of one batch may not share: the subject.

    ``plural`` is the verb for several; it says by place what was refused.
    """

    def __init__(
        self, plural: Callable[[Sequence[T]], Outcome[R]], key: Callable[[T], Hashable], cohort: Cohort | None = None
    ) -> None:
        self._plural = plural
        self.key = key
        self._cohort = cohort or Cohort()

    def call(self, item: T) -> R:
        """Run one item, alone or with others; return its result, or raise its refusal."""
        mine: _Call[T, R] = _Call(self, item)
        turns.leave()  # those that are to come with it need them
        self._cohort.answer(mine)
        if mine.failure is not None:
            raise mine.failure
        return mine.answer  # type: ignore[return-value]  # set by whoever led, unless there is a failure

    def run(self, batch: Sequence[_Call[T, R]]) -> None:
        """Answer the calls of a batch, each with its own result or failure."""
        try:
            self._share(batch, self._plural([call.item for call in batch]))
        except BaseException as failure:  # noqa: BLE001 - every member must hear of it, whatever it was
            # Where the commit may have happened, only a caller with a key may try again: nobody does it unasked.
            if len(batch) == 1 or isinstance(failure, CommitUnknown) or not isinstance(failure, Exception):
                for call in batch:
                    call.failure = failure
                return
            for call in batch:
                self.run([call])

    @staticmethod
    def _share(batch: Sequence[_Call[T, R]], outcome: Outcome[R]) -> None:
        results = iter(outcome.done)
        for place, call in enumerate(batch):
            refusal: Refusal | None = outcome.refused.get(place)
            if refusal is None:
                call.answer = next(results)
            else:
                call.failure = refusal


@lru_cache(maxsize=256)
def _cohort(client: ClientId) -> Cohort:
    # Not of an actor: who enters requests and who approves them are two, and one goes on when the other is done.
    del client
    return Cohort()


@lru_cache(maxsize=2048)
def _joined(plural: Callable[..., Outcome[Any]], key: Callable[[Any], Hashable], actor: Actor) -> Combiner[Any, Any]:
    """Return what joins an actor's calls of a plural verb; a batch has one moment."""
    return Combiner(lambda items: plural(items, actor=actor, at=now()), key, _cohort(actor.client))


def _subject(item: RecordedChange | Wish) -> Hashable:
    return item.subject


def _whose(item: Wanted) -> Hashable:
    return item.whose


def _asked(item: Answer) -> Hashable:
    return item.ref or item.subject or item.challenge


def _request(item: Named) -> str:
    return parse_reference(item.ref) or item.ref


def record_joined(item: RecordedChange, *, actor: Actor, at: datetime) -> Recorded:  # noqa: ARG001 - the batch has one moment
    """Record one change, together with whatever else is being recorded right now."""
    made: Recorded = _joined(record_changes, _subject, actor).call(item)
    return made


def submit_joined(wish: Wish, *, actor: Actor, at: datetime) -> Receipt:  # noqa: ARG001 - the batch has one moment
    """Submit one request, together with whatever else is being submitted right now."""
    made: Receipt = _joined(submit, _subject, actor).call(wish)
    return made


def record_consent_joined(item: Agreement, *, actor: Actor, at: datetime) -> Receipt:  # noqa: ARG001 - the batch has one moment
    """Record one consent, together with whatever else is being agreed to right now."""
    made: Receipt = _joined(record_consents, _request, actor).call(item)
    return made


def approve_joined(item: Approval, *, actor: Actor, at: datetime) -> Receipt:  # noqa: ARG001 - the batch has one moment
    """Approve one request, together with whatever else this person is approving right now."""
    made: Receipt = _joined(approve_each, _request, actor).call(item)
    return made


def challenge_joined(wanted: Wanted, *, actor: Actor, at: datetime) -> Challenged:  # noqa: ARG001 - the batch has one moment
    """Start one challenge, together with whatever else is being started right now."""
    made: Challenged = _joined(start_challenges, _whose, actor).call(wanted)
    return made


def confirm_joined(answer: Answer, *, actor: Actor, at: datetime) -> Confirmed:  # noqa: ARG001 - the batch has one moment
    """Compare one answer, together with whatever else is being answered right now."""
    made: Confirmed = _joined(take_answers, _asked, actor).call(answer)
    return made
