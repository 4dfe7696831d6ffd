"""Calls that arrive together are one batch: who shares it, who leads, and what becomes of one that breaks."""

from collections.abc import Sequence
from functools import partial
from math import inf
from threading import Event, Lock, Thread

import pytest
from tests.flow.race import together

from changedesk.base.outcome import Outcome
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow import combine
from changedesk.flow.combine import TOGETHER_MOST, Cohort, Combiner, _Call
from changedesk.store.tx import CommitUnknown


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combine, "OVERDUE_SECONDS", 60)


def test_calls_that_arrive_while_a_batch_runs_go_together_but_never_two_of_one_subject() -> None:
    batches: list[list[int]] = []

    def run(items: Sequence[int]) -> Outcome[int]:
        batches.append(list(items))
        return Outcome([item * 10 for item in batches[-1]])

    joined: Combiner[int, int] = Combiner(run, lambda item: item % 7)
    assert together([partial(joined.call, n) for n in range(64)]) == [n * 10 for n in range(64)]
    assert sorted(item for batch in batches for item in batch) == list(range(64))
    assert all(len({item % 7 for item in batch}) == len(batch) <= TOGETHER_MOST for batch in batches)


def _together_again(verbs: Sequence[Combiner[int, int]], started: Event, rounds: int) -> None:
    """One call leads, three more wait for it; then all four go round after round, from one verb to the next."""

    def calls(number: int, times: int) -> None:
        for turn in range(rounds + 1 - times, rounds + 1):
            verbs[turn % len(verbs)].call(turn * 4 + number)

    people = [Thread(target=calls, args=(0, rounds + 1)), *(Thread(target=calls, args=(n, rounds)) for n in (1, 2, 3))]
    people[0].start()
    started.wait()
    for one in people[1:]:
        one.start()
    for one in people:
        one.join()


@pytest.mark.parametrize("verbs", [1, 3])
def test_those_that_were_answered_together_go_together_again(verbs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[tuple[int, int]] = []
    started, cohort = Event(), Cohort()

    def run(verb: int, items: Sequence[int]) -> Outcome[int]:
        batches.append((verb, len(items)))
        started.set()
        while len(batches) == 1 and len(cohort.waiting) < 3:
            Event().wait(0.001)
        return Outcome(list(items))

    joined: list[Combiner[int, int]] = [
        Combiner(partial(run, verb), lambda item: item, cohort) for verb in range(verbs)
    ]
    monkeypatch.setattr(combine, "PATIENCE_SECONDS", 60)
    _together_again(joined, started, 6)
    # Those who came second have the first to catch up with: it waits for them at the next verb.
    went = [(turn % verbs, 4) for turn in range(1, 7)]
    assert batches == [(0, 1), *went]
    # Who comes alone is not kept for those who stay away, however many there were.
    monkeypatch.setattr(combine, "PATIENCE_SECONDS", 0.001)
    cohort._answered_at = inf
    assert joined[0].call(9) == 9
    assert batches[7:] == [(0, 1)]


def test_verbs_of_a_cohort_lead_one_after_the_other_the_one_that_most_wait_for_first() -> None:
    batches: list[str] = []
    busy, cohort = Lock(), Cohort()
    first = Event()

    def run(items: Sequence[str]) -> Outcome[str]:
        assert busy.acquire(blocking=False)  # nobody else leads
        batches.append("".join(items))
        first.set()
        while len(batches) == 1 and len(cohort.waiting) < 5:
            Event().wait(0.001)
        busy.release()
        return Outcome(list(items))

    reads, writes = (Combiner[str, str](run, lambda item: item, cohort) for _ in range(2))
    wanted = [(reads, "a"), (reads, "b"), (writes, "w"), (writes, "x"), (reads, "c"), (writes, "y")]
    people = [Thread(target=verb.call, args=(item,)) for verb, item in wanted]
    for waiting, one in enumerate(people):
        one.start()
        first.wait()
        while waiting and len(cohort.waiting) < waiting and len(batches) == 1:
            Event().wait(0.001)
    for one in people:
        one.join()
    assert batches == ["a", "wxy", "bc"]


def test_what_takes_long_keeps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combine, "OVERDUE_SECONDS", 0.001)
    cohort, freed, begun = Cohort(), Event(), Event()

    def run(items: Sequence[str]) -> Outcome[str]:
        if "slow" in items:
            begun.set()
            freed.wait()
        return Outcome(list(items))

    slow, fast = (Combiner[str, str](run, lambda item: item, cohort) for _ in range(2))
    first = Thread(target=slow.call, args=("slow",))
    first.start()
    begun.wait()
    assert [fast.call(item) for item in "ab"] == ["a", "b"]
    freed.set()
    first.join()
    # It had the lead no longer, so it gave it to nobody: whoever comes next has it at once.
    monkeypatch.setattr(combine, "OVERDUE_SECONDS", 60)
    assert fast.call("c") == "c"


def test_who_is_taken_along_just_as_their_patience_ends_waits_for_the_answer() -> None:
    cohort = Cohort()
    verb = Combiner[str, str](lambda items: Outcome(list(items)), lambda item: item, cohort)
    leader, other = _Call(verb, "a"), _Call(verb, "b")
    assert cohort._join(leader)

    class Late:
        batch: Sequence[_Call[str, str]] = ()

        def acquire(self, timeout: float = -1) -> bool:
            if timeout > 0:
                self.batch = cohort._take(leader)
                return False
            cohort._hand_on(self.batch, leader)
            return True

        def release(self) -> None:
            self.batch = ()

    other.done = late = Late()  # type: ignore[assignment]  # instead of a lock
    assert not cohort._join(other)
    assert late.batch == ()


def test_two_of_one_subject_go_one_after_the_other_and_each_hears_of_its_own() -> None:
    batches: list[list[int]] = []
    started = Event()

    def run(items: Sequence[int]) -> Outcome[int]:
        batches.append(list(items))
        started.set()
        while len(batches) == 1 and len(joined._cohort.waiting) < 2:
            Event().wait(0.001)
        odd = {place: NotFound() for place, item in enumerate(items) if item % 2}
        return Outcome([item for item in items if not item % 2], odd)

    heard: dict[int, int | Refusal] = {}

    def call(item: int) -> None:
        try:
            heard[item] = joined.call(item)
        except Refusal as refusal:
            heard[item] = refusal

    joined: Combiner[int, int] = Combiner(run, lambda item: item // 2)
    people = [Thread(target=call, args=(item,)) for item in (4, 2, 3)]
    people[0].start()
    started.wait()
    for one in people[1:]:
        one.start()
    for one in people:
        one.join()
    assert sorted(batches) == [[2], [3], [4]]
    assert (heard[4], heard[2], type(heard[3])) == (4, 2, NotFound)


class BrokenError(RuntimeError):
    pass


@pytest.mark.parametrize("failure", [BrokenError, CommitUnknown, KeyboardInterrupt])
def test_a_batch_that_breaks_is_run_one_by_one_unless_it_may_have_been_done(failure: type[BaseException]) -> None:
    ran: list[list[int]] = []

    def run(items: Sequence[int]) -> Outcome[int]:
        ran.append(list(items))
        if len(ran[-1]) > 1 or ran[-1] == [3]:
            raise failure
        return Outcome(ran[-1])

    joined: Combiner[int, int] = Combiner(run, lambda item: item)
    calls = [_Call(joined, item) for item in (1, 2, 3)]
    joined.run(calls)
    if failure is BrokenError:
        assert [call.answer for call in calls] == [1, 2, None]
        assert [type(call.failure) for call in calls] == [type(None), type(None), BrokenError]
    else:
        assert [type(call.failure) for call in calls] == [failure] * 3
        assert ran == [[1, 2, 3]]
