"""Nobody is forgotten while they alone hold an account that would go on telling of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cast import SECRET, START, Desk, desk, soon
from tests.flow.test_forget import WEEK, _legal
from tests.flow.walk import LATER, agree, prove, record, request_of, stands, vouch
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.flow.left_behind import AccountsLeft
from changedesk.store import subjects
from changedesk.store.begin import begin

MINE = ("+1 202 555 0143", "dana@old.example")
THEIRS = ("+1 202 555 0155", "eve@old.example")
Left = list[tuple[SubjectId, str, str]]


@pytest.fixture(autouse=True)
def journal(settings: Any, tmp_path: Path) -> None:
    settings.CHANGEDESK_ERASURE_JOURNAL = tmp_path / "erasures.jsonl"


def holder(d: Desk, accounts: Sequence[str] = (), reached: tuple[str, str] = MINE) -> tuple[SubjectId, ...]:
    """A customer and their accounts."""
    values = {"personal.name": "Dana Novak", "contact.phone_mobile": reached[0], "contact.email": reached[1]}
    new = flow.NewCustomer(values=values, accounts=[flow.NewAccount(one) for one in accounts])
    made = flow.create_customers([new], actor=d.crm, at=START).one()
    flow.bind_factor(made.subject, SECRET, actor=d.crm, at=START)
    return made.subject, *sorted(made.accounts)


def join(d: Desk, account: SubjectId, who: SubjectId) -> None:
    """Somebody else comes to hold it, too."""
    with begin(d.crm) as tx:
        subjects.hold_accounts(tx, [subjects.Holding(account, who, "member", START, None)])


def left(d: Desk, who: SubjectId, **more: Any) -> Left:
    found = flow.preview_erasure(who, actor=d.ben, at=soon(LATER, 90), **more).accounts
    return [(one.account, one.becomes.value, one.rule) for one in found]


def ask(d: Desk, subject: SubjectId, at: datetime) -> flow.Receipt:
    return flow.request_erasure(
        subject, flow.How(reason="data_subject_request", channel=Channel.PHONE), actor=d.ben, at=at
    )


def scheduled(d: Desk, subject: SubjectId, at: datetime) -> flow.Receipt:
    """An erasure that was proved, agreed to and approved, and waits for its day."""
    asked = agree(d, prove(d, ask(d, subject, at), soon(at)), soon(at, 2))
    made = flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(at, 3)).one()
    assert made.state == "scheduled", made
    return made


def states(d: Desk, *made: flow.Receipt) -> list[str]:
    return [request_of(d, one.ref).state.value for one in made]


def test_who_alone_holds_an_account_is_not_erased_before_it_is_settled(d: Desk) -> None:
    dana, one, two = holder(d, ["A-1", "A-2"])
    assert left(d, dana) == [(one, "open", ""), (two, "open", "")]
    with pytest.raises(AccountsLeft) as refused:
        ask(d, dana, LATER)
    named: Any = refused.value.data["accounts"]
    assert [(item["account"], item["becomes"]) for item in named] == [(str(one), "open"), (str(two), "open")]
    assert left(d, dana, classes=["contact"]) == []  # part of what is known of them: they are still there
    first, second = (scheduled(d, account, soon(LATER, 10 * n)) for n, account in enumerate((one, two)))
    assert left(d, dana) == [(one, "asked", ""), (two, "asked", "")]
    person = scheduled(d, dana, soon(LATER, 30))
    # All of it falls due together: the person waits for the accounts, whichever comes first.
    due = soon(LATER, 60) + WEEK
    flow.apply_due(d.client, at=due)
    flow.forget_on(d.client, at=due + timedelta(days=2))
    flow.apply_due(d.client, at=due + timedelta(days=2))
    assert states(d, first, second, person) == ["applied"] * 3
    assert [stands(d, each).key for each in (dana, one, two)] == [None] * 3


def test_an_erasure_waits_for_that_of_the_account(d: Desk) -> None:
    dana, account = holder(d, ["A-1"])
    theirs = ask(d, account, LATER)
    person = scheduled(d, dana, soon(LATER, 10))
    flow.apply_due(d.client, at=soon(LATER, 60) + WEEK)
    assert states(d, theirs, person) == ["awaiting_verification", "scheduled"]
    flow.withdraw(theirs.ref, seen_version=None, actor=d.ben, at=soon(LATER, 70) + WEEK)
    flow.apply_due(d.client, at=soon(LATER, 80) + WEEK)
    assert states(d, person) == ["stale"]
    assert stands(d, dana).key is not None


def test_an_account_that_somebody_else_holds_too_stays_with_them(d: Desk) -> None:
    dana, account = holder(d, ["A-1"])
    (eve,) = holder(d, reached=THEIRS)
    join(d, account, eve)
    assert left(d, dana) == [(account, "stays", "")]
    asked = scheduled(d, dana, LATER)
    flow.apply_due(d.client, at=soon(LATER, 60) + WEEK)
    assert states(d, asked) == ["applied"]
    assert stands(d, account).values()["account.number"] == "A-1"
    # Now it is hers alone.
    assert left(d, eve) == [(account, "open", "")]


def test_two_who_hold_an_account_together_are_not_both_forgotten_at_once(d: Desk) -> None:
    dana, account = holder(d, ["A-1"])
    (eve,) = holder(d, reached=THEIRS)
    join(d, account, eve)
    both = [scheduled(d, who, soon(LATER, 10 * n)) for n, who in enumerate((dana, eve))]
    assert flow.apply_due(d.client, at=soon(LATER, 60) + WEEK) == 2
    assert sorted(states(d, *both)) == ["applied", "stale"]
    assert {stands(d, who).key is None for who in (dana, eve)} == {True, False}


def test_what_was_erased_or_is_under_a_legal_hold_is_told(d: Desk) -> None:
    dana, gone, held = holder(d, ["A-1", "A-2"])
    scheduled(d, gone, LATER)
    flow.apply_due(d.client, at=soon(LATER, 5) + WEEK)
    assert _legal(d, held, "legal_hold", soon(LATER, 9) + WEEK).state == "applied"
    assert left(d, dana) == [(gone, "empty", ""), (held, "held", "legal_hold")]
    with pytest.raises(AccountsLeft):
        ask(d, dana, soon(LATER, 20) + WEEK)


def test_what_the_law_keeps_until_a_day_stays_and_stops_nobody(database: Database) -> None:
    d = desk("bank", packs=("banking",), jurisdictions=("US", "US-NY"))
    dana, account = holder(d, ["A-1"])
    for subject, year in ((dana, 2026), (account, 2028)):
        record(d, subject, {"status.state": "closed"}, at=LATER.replace(year=year))
    (found,) = flow.preview_erasure(dana, actor=d.ben, at=LATER.replace(year=2032)).accounts
    assert (found.account, found.becomes.value, found.rule, found.stops) == (account, "kept", "US-NY-500", False)
    assert found.until is not None
    assert found.until.year == 2033


def test_what_was_said_with_a_request_for_a_shared_account_goes_with_who_said_it(d: Desk) -> None:
    dana, account = holder(d, ["A-1"])
    (eve,) = holder(d, reached=THEIRS)
    join(d, account, eve)
    made = {}
    for who, tier in ((dana, "flat"), (eve, "unlimited")):
        vouch(d, who, LATER)
        wish = flow.Wish(
            subject=account, kind="plan", values={"plan.name": tier}, person=who, reason="customer_request",
            channel=Channel.PHONE, note="I moved in with my sister",
        )  # fmt: skip
        made[who] = flow.submit([wish], actor=d.ben, at=soon(LATER)).one()
        assert made[who].state == "applied"
    scheduled(d, dana, soon(LATER, 5))
    at = soon(LATER, 60) + WEEK
    flow.apply_due(d.client, at=at)
    assert flow.forget_on(d.client, at=at + timedelta(days=1)) == 1
    assert request_of(d, made[dana].ref).proposal is None
    assert request_of(d, made[eve].ref).proposal is not None
    assert stands(d, account).values()["plan.name"] == "unlimited"
