"""Merges, their undoing and transfers that meet: one comes first, the other sees it, and no account has two owners."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Thread

from tests.cast import Desk, soon, totp
from tests.flow.join import (
    WAIT,
    approved,
    merged_now,
    merging,
    new_holder_confirms,
    state_of,
    unmerging,
)
from tests.flow.race import together
from tests.flow.test_merge import _with_account, held_by
from tests.flow.test_races import _codes, _is_whole
from tests.flow.test_transfer import proposed
from tests.flow.test_undo import _link
from tests.flow.walk import LATER, agree, code_to, holds, kinds, record, vouch

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.store import evidence, links, subjects
from changedesk.store.begin import begin
from changedesk.store.tx import look

ROUNDS = 2


def test_a_transfer_and_a_merge_that_are_due_at_once(d: Desk) -> None:
    """The merge takes the giver's accounts along, the transfer gives one away: the account has one holder after it."""
    for number in range(ROUNDS):
        start = LATER + timedelta(days=20 * number)
        due = start + WAIT
        taker = d.customer(contact__email=f"taker{number}@old.example")
        mine, theirs = _with_account(d, f"one{number}", f"A-{number}"), _with_account(d, f"two{number}", f"B-{number}")
        given = proposed(d, theirs[1], taker, start)
        new_holder_confirms(d, given.ref, soon(start, 3))
        joined = flow.merge(
            theirs[0],
            mine[0],
            flow.How(reason="duplicate_account", channel=Channel.PHONE),
            actor=d.ben,
            at=soon(start, 4),
        )
        started = flow.challenge(
            theirs[0], purpose="change", method="totp", ref=joined.ref, actor=d.ben, at=soon(start, 6)
        )
        flow.confirm(started.id, totp(soon(start, 6)), actor=d.ben, at=soon(start, 6))
        sent = flow.challenge(
            theirs[0], purpose="change", method="code_email", path="contact.email", ref=joined.ref, actor=d.ben,
            at=soon(start, 6),
        )  # fmt: skip
        flow.confirm(sent.id, code_to(d), actor=d.ben, at=soon(start, 6))
        agree(d, joined, soon(start, 7))
        approved(d, state_of(d, given), soon(start, 8))
        approved(d, state_of(d, joined), soon(start, 8))
        assert [state_of(d, one).state for one in (given, joined)] == ["scheduled", "scheduled"]
        now: list[Callable[[], object]] = [
            partial(flow.apply_now, given.ref, seen_version=None, actor=d.ines, at=soon(due, 20)),
            partial(flow.apply_now, joined.ref, seen_version=None, actor=d.omar, at=soon(due, 20)),
            partial(flow.apply_due, d.client, at=soon(due, 20)),
        ]
        assert set(_codes(together(now))) <= {"too-late"}
        flow.apply_due(d.client, at=soon(due, 30))
        states = (state_of(d, given).state, state_of(d, joined).state)
        assert states in {("applied", "applied"), ("cancelled", "applied"), ("stale", "applied")}, states
        assert held_by(d, theirs[1]) == [taker if states[0] == "applied" else mine[0]]
        for one in (*mine, *theirs, taker):
            _is_whole(d, one)


def test_two_merges_of_one_record_are_one(d: Desk) -> None:
    for number in range(ROUNDS):
        people = [d.customer(contact__email=f"p{number}.{place}@old.example") for place in range(3)]
        how = flow.How(reason="duplicate_account", channel=Channel.PHONE)
        asked = [partial(flow.merge, people[0], into, how, actor=d.ben, at=soon(LATER)) for into in people[1:]]
        found = together(asked)
        assert _codes(found) == ["field-taken"]


def test_two_records_merged_into_each_other_at_once_are_one_merge(d: Desk) -> None:
    for number in range(ROUNDS):
        start = LATER + timedelta(days=20 * number)
        due = start + WAIT
        one, two = (d.customer(contact__email=f"q{number}.{place}@old.example") for place in range(2))
        both = [merging(d, one, two, start), merging(d, two, one, soon(start, 1))]
        calls = [partial(flow.apply_now, item.ref, seen_version=None, actor=d.ines, at=soon(due, 9)) for item in both]
        assert set(_codes(together([*calls, partial(flow.apply_due, d.client, at=soon(due, 9))]))) <= {"too-late"}
        assert sorted(state_of(d, item).state for item in both) == ["applied", "stale"]
        with look(d.client) as seen:
            assert len(links.of_merged(seen, [one, two])) == 1
        for person in (one, two):
            _is_whole(d, person)


def test_an_unmerge_and_a_revert_of_the_survivor_meet(d: Desk) -> None:
    for number in range(ROUNDS):
        start = LATER + timedelta(days=20 * number)
        one = d.customer(contact__email=f"r{number}@old.example", contact__url="https://mine.example/")
        two = d.customer(contact__email=f"s{number}@old.example", contact__fax="+1 202 555 0177")
        made = record(d, one, {"contact.url": "https://later.example/"}, at=soon(start, -9))
        done = merged_now(d, two, one, start)
        at = start + timedelta(days=3)
        asked = unmerging(d, done.change, two, at)
        vouch(d, one, at + WAIT, agent=d.omar)
        assert made.change is not None
        how = flow.How(reason="correction_of_error", channel=Channel.PHONE)
        found = together(
            [
                partial(flow.apply_now, asked.ref, seen_version=None, actor=d.ines, at=at + WAIT),
                partial(flow.revert, made.change, how, choices={}, actor=d.omar, at=soon(at + WAIT, 0.1)),
            ]
        )  # fmt: skip
        assert _codes(found) == []
        assert state_of(d, asked).state == "applied"
        assert holds(d, one, "contact.fax") is None
        assert holds(d, one, "contact.url") == "https://mine.example/"
        assert kinds(d, one).count("merge.undone") == 1
        assert kinds(d, one).count("change.reverted") == 1
        for person in (one, two):
            _is_whole(d, person)


def test_a_link_of_a_merge_stops_only_once_nobody_writes_the_record_that_goes_on(d: Desk) -> None:
    """Or what was weighed before the freeze would be applied after the customer has read that it was stopped."""
    survivor, twin = d.customer(), d.customer(contact__email="twin@old.example")
    merge, at = merged_now(d, twin, survivor, LATER), LATER + timedelta(days=2)
    stopping = Thread(target=flow.open_dispute, args=(d.client, _link(d, merge)), kwargs={"at": at})
    with begin(d.ines) as writing:
        subjects.hold(writing, {survivor})
        stopping.start()
        waits = False
        while stopping.is_alive() and not waits:
            with look(d.client) as seen:
                waits = bool(seen.connection.execute("SELECT FROM pg_locks WHERE NOT granted").fetchall())
        assert waits
    stopping.join()
    with look(d.client) as seen:
        assert evidence.active_holds(seen, {survivor}, now=at)
