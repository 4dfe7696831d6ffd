"""Challenges that are started together, and answers that are taken together: each is as it would be alone."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from tests.cast import START, Desk, soon, totp
from tests.flow.join import state_of
from tests.flow.race import together
from tests.flow.test_transfer import given, proposed
from tests.flow.walk import LATER, POST, ask, kinds, not_this, record, request_of

from changedesk import flow
from changedesk.base.actor import Actor, ActorType, Channel
from changedesk.base.clock import now
from changedesk.base.ids import ChallengeId, SubjectId, uuid7
from changedesk.base.outcome import Outcome
from changedesk.base.refusal import Refusal
from changedesk.base.rounds import apart
from changedesk.flow.answer import take_answers
from changedesk.flow.verify import start_challenges
from changedesk.rules.identity import SENDS_PER_WINDOW, TRIES_PER_CODE
from changedesk.store import deliveries, keys, wire
from changedesk.store.tx import look

SMS: dict[str, Any] = {"method": "code_sms", "path": "contact.phone_mobile"}
AT = soon(LATER, 2)


@pytest.fixture
def people(d: Desk) -> list[SubjectId]:
    return [d.customer(contact__email=f"eve{number}@old.example") for number in range(4)]


def codes(d: Desk) -> dict[str, str]:
    """Every code that was sent, by its message: that names its challenge."""
    with look(d.client) as seen:
        rows = seen.connection.execute("SELECT id, dedupe FROM desk.delivery").fetchall()
        named = {id_: dedupe.removeprefix("challenge:") for id_, dedupe in rows}
        sent = deliveries.outbox(seen, before=datetime(2100, 1, 1, tzinfo=UTC))
    texts = {named[one.id]: f"{one.message.subject} {one.message.body}" for one in sent if one.message is not None}
    return {challenge: found[1] for challenge, text in texts.items() if (found := re.search(r"\b(\d{6})\b", text))}


def start(d: Desk, *wanted: flow.Wanted, at: datetime = AT) -> Outcome[flow.Challenged]:
    return start_challenges(wanted, actor=d.ben, at=at)


def of(whose: SubjectId | str, **more: Any) -> flow.Wanted:
    return flow.Wanted(whose=whose, purpose="change" if isinstance(whose, str) else "caller", **{**SMS, **more})


def answer(challenge: flow.Challenged, said: str, **more: Any) -> flow.Answer:
    return flow.Answer(challenge=challenge.id, said=said, **more)


def take(d: Desk, answers: Sequence[flow.Answer], *, at: datetime = AT) -> Outcome[flow.Confirmed]:
    return take_answers(answers, actor=d.ben, at=at)


def refusals(outcome: Outcome[Any]) -> dict[int, str]:
    return {place: refusal.code for place, refusal in outcome.refused.items()}


def codes_of(found: Sequence[object]) -> list[str]:
    assert all(not isinstance(one, Exception) or isinstance(one, Refusal) for one in found), found
    return sorted(one.code for one in found if isinstance(one, Refusal))


def test_those_of_one_follow_one_another_and_the_others_go_together() -> None:
    rounds = list(apart({1: "a", 2: "b", 3: "a", 4: "bc", 5: "c", 6: "a"}))
    assert rounds == [[1, 2], [3, 4], [5, 6]]
    assert list(apart({})) == []


def test_a_challenge_that_is_refused_leaves_the_others_standing(d: Desk, people: list[SubjectId]) -> None:
    account = given(d, "dana@second.example", "555-1")[1]
    asked = [ask(d, one, POST, at=LATER) for one in people[:3]]
    ended = flow.withdraw(asked[2].ref, seen_version=None, actor=d.ben, at=LATER)
    outcome = start(
        d,
        of(asked[0].ref),
        of("AAAAA-AAAAA-A"),
        of("no reference"),
        of(ended.ref),
        of(asked[1].ref, path="contact.fax"),
        of(people[3]),
        of(SubjectId(uuid7())),
        of(account),
    )
    assert refusals(outcome) == {
        1: "not-found", 2: "not-found", 3: "too-late", 4: "method-refused", 6: "not-found", 7: "not-found",
    }  # fmt: skip
    assert [one.purpose for one in outcome.done] == ["change", "caller"]
    assert codes(d).keys() == {str(one.id) for one in outcome.done}
    assert [kinds(d, one).count("identity.challenged") for one in people] == [1, 0, 0, 1]


def test_nobody_starts_a_challenge_of_somebody_else(d: Desk, dana: SubjectId, people: list[SubjectId]) -> None:
    mine, theirs = ask(d, dana, POST, at=LATER), ask(d, people[0], POST, at=LATER)
    herself = Actor(d.client, ActorType.CUSTOMER, f"c{dana}", Channel.WEB_PORTAL, "portal", subject=dana)
    wanted = [of(people[0], once=flow.Once("k", b"x")), of(theirs.ref), of(mine.ref), of(dana)]
    outcome = start_challenges(wanted, actor=herself, at=AT)
    assert refusals(outcome) == {0: "forbidden", 1: "not-found"}
    assert len(outcome.done) == 2
    assert refusals(start_challenges([of(mine.ref)], actor=d.otto, at=AT)) == {0: "forbidden"}


def test_answers_are_each_compared_with_their_own_challenge(d: Desk, people: list[SubjectId]) -> None:
    asked = [ask(d, one, POST, at=LATER) for one in people]
    started = start(d, *(of(one.ref) for one in asked)).done
    known = codes(d)
    right = [known[str(one.id)] for one in started]
    flow.confirm(started[3].id, right[3], actor=d.ben, at=AT)
    said = [right[0], not_this(right[1]), right[2], right[3], "1"]
    ids = [*(one.id for one in started), ChallengeId(uuid7())]
    outcome = take(d, [flow.Answer(challenge=id_, said=text) for id_, text in zip(ids, said, strict=True)])
    assert refusals(outcome) == {3: "code-used", 4: "not-found"}
    assert [(one.matched, one.tries_left) for one in outcome.done] == [(True, 5), (False, 4), (True, 5)]
    assert [one.receipt.ref for one in outcome.done if one.receipt] == [asked[0].ref, asked[2].ref]
    assert [kinds(d, one).count("identity.failed") for one in people] == [0, 1, 0, 0]
    assert [kinds(d, one).count("identity.verified") for one in people] == [1, 0, 1, 1]
    alone = take(d, [answer(started[1], right[1])]).one()
    assert (alone.matched, alone.tries_left, alone.level) == (True, 4, outcome.done[0].level)
    assert alone.receipt is not None
    assert alone.receipt.state == request_of(d, asked[0].ref).state.value


def test_wrong_answers_are_kept_though_others_of_the_batch_are_refused(d: Desk, dana: SubjectId) -> None:
    started = start(d, of(dana)).one()
    wrong = not_this(codes(d)[str(started.id)])
    outcome = take(d, [answer(started, wrong) for _ in range(TRIES_PER_CODE + 2)])
    assert [one.tries_left for one in outcome.done] == [4, 3, 2, 1, 0]
    assert refusals(outcome) == {5: "too-many-tries", 6: "too-many-tries"}
    assert kinds(d, dana).count("identity.failed") == TRIES_PER_CODE


def test_two_for_one_customer_are_counted_one_after_the_other(d: Desk, dana: SubjectId) -> None:
    asked = [ask(d, dana, POST, at=LATER), ask(d, dana, {"contact.fax": "+1 202 555 0177"}, at=LATER)]
    started = start(d, of(asked[0].ref), of(asked[0].ref), of(asked[1].ref), of(asked[0].ref))
    assert len(started.done) == SENDS_PER_WINDOW
    assert refusals(started) == {3: "too-many-sends"}
    known = codes(d)
    answers = [answer(one, known[str(one.id)]) for one in [*started.done, started.done[2]]]
    outcome = take(d, answers)
    # The second of the same request ended the first; the third is of another one; and each counts once.
    assert refusals(outcome) == {0: "code-used", 3: "code-used"}
    assert [one.receipt.ref for one in outcome.done if one.receipt] == [asked[0].ref, asked[1].ref]


def test_both_parties_of_a_transfer_answer_in_one_batch(d: Desk) -> None:
    dana, account = given(d, "dana@second.example", "555-1")
    eve = d.customer(contact__email="eve@old.example", contact__phone_mobile="+1 202 555 0166")
    asked = proposed(d, account, eve)
    at = soon(LATER, 3)
    hers = start(d, of(asked.ref), at=at).one()
    theirs = flow.challenge_new_holder(asked.ref, method="code_email", path="contact.email", actor=d.ben, at=at)
    known = codes(d)
    outcome = take(d, [answer(one, known[str(one.id)], ref=asked.ref) for one in (hers, theirs)], at=at)
    assert [one.receipt.state for one in outcome.done if one.receipt] == ["awaiting_verification", "awaiting_approval"]
    assert state_of(d, asked).state == "awaiting_approval"
    assert [kinds(d, who).count("identity.verified") for who in (dana, eve)] == [3, 1]


def test_callers_are_proved_together_each_by_their_own_way(d: Desk, people: list[SubjectId]) -> None:
    record(d, people[2], {"personal.birth_date": "1980-02-03"}, at=soon(START, 60))
    ways: list[dict[str, Any]] = [
        {"method": "totp", "path": None}, {"method": "totp", "path": None},
        {"method": "knowledge", "path": "personal.birth_date"}, SMS,
    ]  # fmt: skip
    started = start(d, *(of(who, **way) for who, way in zip(people, ways, strict=True))).done
    assert [bool(one.to_masked) for one in started] == [False, False, False, True]
    said = [totp(AT), "000000", "1980-02-03", codes(d)[str(started[3].id)]]
    outcome = take(d, [answer(one, text, subject=who) for one, text, who in zip(started, said, people, strict=True)])
    assert [(one.matched, one.level) for one in outcome.done] == [(True, 2), (False, 0), (True, 0), (True, 2)]
    again = take(d, [answer(started[0], totp(AT)), answer(started[1], totp(AT), subject=people[0])])
    assert refusals(again) == {0: "code-used", 1: "not-found"}


def test_a_key_of_each_call_is_kept_with_the_batch(d: Desk, people: list[SubjectId]) -> None:
    wanted = [of(one, once=flow.Once(str(one), b"x")) for one in people[:3]]
    first = start(d, *wanted, *wanted[:1], of(people[3], once=flow.Once("k", b"x")))
    assert refusals(first) == {3: "idempotency-in-flight"}
    again = start(d, *wanted, of(people[3], once=flow.Once("k", b"y")), at=soon(AT))
    assert [(one.id, one.to_masked) for one in again.done] == [(one.id, one.to_masked) for one in first.done[:3]]
    assert all(one.replayed for one in again.done)
    assert refusals(again) == {3: "idempotency-other-body"}
    known = codes(d)
    answers = [answer(one, known[str(one.id)], once=flow.Once(f"a{one.id}", b"x")) for one in first.done]
    outcomes = [take(d, answers, at=soon(AT, minute)) for minute in (1, 2)]
    assert [[one.replayed for one in outcome.done] for outcome in outcomes] == [[False] * 4, [True] * 4]
    assert [kinds(d, one).count("identity.verified") for one in people] == [1] * 4


def test_however_many_there_are_they_take_as_many_round_trips(
    d: Desk, people: list[SubjectId], monkeypatch: pytest.MonkeyPatch
) -> None:
    trips: list[int] = []
    real = wire.Wire.exchange

    def exchange(self: wire.Wire, on: Any, calls: Any) -> Any:
        trips.append(len(calls))
        return real(self, on, calls)

    asked = [ask(d, one, POST, at=LATER) for one in people]
    monkeypatch.setattr(wire.Wire, "exchange", exchange)
    monkeypatch.setattr(keys, "KNOWN_SECONDS", 600)  # however slow this machine is, the client's are asked for once
    taken: list[list[int]] = []
    for at, some in ((soon(AT, 1), asked[:1]), (soon(AT, 2), asked[1:])):
        for forgotten in people:  # whose keys another process may have met, and this one not
            keys.forget_subject(forgotten)
        trips.clear()
        started = start(d, *(of(one.ref) for one in some), at=at).done
        taken.append(list(trips))
        known = codes(d)
        for forgotten in people:
            keys.forget_subject(forgotten)
        trips.clear()
        assert all(one.matched for one in take(d, [answer(one, known[str(one.id)]) for one in started], at=at).done)
        taken.append(list(trips))
    assert taken[:2] == taken[2:]
    assert [len(one) for one in taken] == [3] * 4


def test_sends_and_tries_at_once_stay_within_the_budget_however_they_are_joined(d: Desk, dana: SubjectId) -> None:
    asked = [partial(flow.challenge_joined, of(dana), actor=who, at=AT) for who in (d.ben, d.sofia)]
    found = together(asked * 4)
    assert codes_of(found) == ["too-many-sends"] * 5
    sent = [one for one in found if isinstance(one, flow.Challenged)]
    known = codes(d)
    assert len(sent) == len(known) == SENDS_PER_WINDOW
    wrong = [
        partial(flow.confirm_joined, answer(one, "x"), actor=who, at=AT) for one in sent for who in (d.ben, d.sofia)
    ]
    assert set(codes_of(together(wrong * 5))) == {"code-used", "too-many-tries"}
    assert kinds(d, dana).count("identity.failed") == TRIES_PER_CODE


def test_joined_answers_to_one_challenge_match_once(d: Desk, people: list[SubjectId]) -> None:
    started = start(d, *map(of, people), at=now()).done
    known = codes(d)
    answers = [answer(one, known[str(one.id)]) for one in started]
    calls = [partial(flow.confirm_joined, one, actor=who, at=AT) for one in answers for who in (d.ben, d.sofia)]
    assert codes_of(together(calls * 2)) == ["code-used"] * 12
    assert [kinds(d, one).count("identity.verified") for one in people] == [1] * 4


def test_batches_in_opposite_order_wait_in_no_circle(d: Desk, people: list[SubjectId]) -> None:
    asked = [ask(d, one, POST, at=LATER) for one in people]
    started = start(d, *(of(one.ref) for one in asked)).done
    known = codes(d)
    answers = [answer(one, known[str(one.id)]) for one in started]
    again = [of(one.ref) for one in asked]
    both = together([
        partial(take_answers, answers, actor=d.ben, at=AT),
        partial(take_answers, [*answers, *answers][::-1], actor=d.sofia, at=AT),
        partial(start_challenges, again[::-1], actor=d.ben, at=AT),
        partial(start_challenges, again, actor=d.sofia, at=AT),
    ])  # fmt: skip
    assert all(isinstance(one, Outcome) for one in both), both
    matched = [place for one in both[:2] for place in one.done]  # type: ignore[attr-defined]
    assert len(matched) + sum(kinds(d, one).count("identity.verified") == 0 for one in people) == 4
