"""Merges that cannot be, asked for by whatever way; and those of accounts."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from tests.cast import SECRET, START, Desk, soon
from tests.flow.join import WAIT, merged_now, merging, unmerged_now
from tests.flow.test_forget import WEEK
from tests.flow.test_forget import asked as erasure
from tests.flow.test_merge import held_by
from tests.flow.test_transfer import themselves
from tests.flow.walk import LATER, URL, ask, record

from changedesk import flow
from changedesk.base.actor import Actor, Channel
from changedesk.base.ids import ChangeId, SubjectId, uuid7
from changedesk.base.refusal import Forbidden, NotFound, Refusal
from changedesk.flow.parties import SurvivorMoved
from changedesk.kinds.merge import NotMergeable
from changedesk.kinds.unmerge import NotMerged
from changedesk.reading import merging as merging_read

AGO = LATER + timedelta(days=9)


@pytest.fixture
def dora(d: Desk) -> SubjectId:
    return d.customer(contact__email="dora@old.example", contact__fax="+1 202 555 0177")


def by_hand(d: Desk, merged: SubjectId, into: object, base: int = 1) -> Refusal:
    """The refusal of a merge that nobody previewed: its values are made up by whoever sends it."""
    wish = flow.Wish(
        subject=merged,
        kind="merge",
        values={"merge.into": str(into), "merge.survivorship": f'{{"base":{base}}}'},
        reason="duplicate_account",
        channel=Channel.PHONE,
    )
    return flow.submit([wish], actor=d.ben, at=AGO).refused[0]


@pytest.mark.parametrize("why", ["itself", "unknown", "no id", "merged", "erased"])
def test_a_survivor_is_another_record_that_stands_whoever_made_the_values(
    d: Desk, dana: SubjectId, dora: SubjectId, why: str
) -> None:
    into: object = {"itself": dora, "unknown": uuid4(), "no id": "Dana"}.get(why, dana)
    if why == "merged":
        merged_now(d, dana, d.customer(contact__email="third@old.example"))
    if why == "erased":
        gone = erasure(d, dana)
        flow.approve({gone.ref: gone.digest}, actor=d.ines, at=soon(LATER))
        flow.apply_due(d.client, at=soon(LATER) + WEEK)
    refused = by_hand(d, dora, into)
    assert isinstance(refused, NotMergeable), refused
    assert refused.data == {"why": "unknown" if why == "no id" else why}


def test_choices_of_another_version_of_the_survivor_are_no_choices(d: Desk, dana: SubjectId, dora: SubjectId) -> None:
    record(d, dana, URL, at=LATER)
    assert isinstance(by_hand(d, dora, dana, base=1), SurvivorMoved)


def test_customers_compare_and_merge_nothing(d: Desk, dana: SubjectId, dora: SubjectId) -> None:
    hers = themselves(d, dora)
    with pytest.raises(Forbidden):
        flow.preview_merge(
            dora, dana, flow.How(reason="duplicate_account", channel=Channel.PHONE), actor=hers, at=LATER
        )
    with pytest.raises(Forbidden):
        flow.merge(dora, dana, flow.How(reason="duplicate_account", channel=Channel.WEB_PORTAL), actor=hers, at=LATER)
    asked = merging(d, dora, dana)
    with pytest.raises(Forbidden):
        flow.refresh_merge(asked.ref, seen_version=None, actor=hers, at=soon(LATER, 9))


def test_nothing_is_merged_that_is_not_there(d: Desk, dana: SubjectId) -> None:
    nobody = SubjectId(uuid4())
    with pytest.raises(NotFound):
        flow.preview_merge(
            nobody, dana, flow.How(reason="duplicate_account", channel=Channel.PHONE), actor=d.ben, at=LATER
        )
    with pytest.raises(NotFound):
        flow.plan_unmerge(ChangeId(uuid7()), actor=d.ines, at=LATER)
    asked = ask(d, dana, URL, at=LATER)
    with pytest.raises(NotMerged):
        flow.refresh_merge(asked.ref, seen_version=None, actor=d.ben, at=soon(LATER))


def test_a_merge_is_undone_once_and_by_its_own_record(d: Desk, dana: SubjectId, dora: SubjectId) -> None:
    done = merged_now(d, dora, dana)
    twin = d.customer(contact__email="twin@old.example")
    other = merged_now(d, twin, dana, LATER + timedelta(days=3))
    at = LATER + timedelta(days=6)
    foreign = flow.Wish(
        subject=twin, kind="unmerge", values={"unmerge.change": str(done.change)}, reason="correction_of_error",
        channel=Channel.PHONE,
    )  # fmt: skip
    assert isinstance(flow.submit([foreign], actor=d.ines, at=at).refused[0], NotMerged)
    unmerged_now(d, done.change, dora, at)
    assert done.change is not None
    for verb in (flow.plan_unmerge, _unmerge):
        with pytest.raises(NotMerged):
            verb(done.change, actor=d.ines, at=at + WAIT + timedelta(days=1))
    assert other.change is not None
    assert flow.plan_unmerge(other.change, actor=d.ines, at=at + WAIT).link.merged_id == twin


def _unmerge(change: ChangeId, *, actor: Actor, at: datetime) -> flow.Receipt:
    how = flow.How(reason="correction_of_error", channel=Channel.PHONE)
    return flow.unmerge(change, how, actor=actor, at=at)


def test_what_was_joined_last_is_parted_first(d: Desk, dana: SubjectId, dora: SubjectId) -> None:
    first = merged_now(d, dora, dana)
    merged_now(d, dana, d.customer(contact__email="third@old.example"), LATER + timedelta(days=3))
    assert first.change is not None
    with pytest.raises(NotMergeable) as refused:
        _unmerge(first.change, actor=d.ines, at=AGO)
    assert refused.value.data == {"why": "merged"}


def test_a_thing_on_the_work_list_is_settled_once_per_key(d: Desk, dana: SubjectId, dora: SubjectId) -> None:
    done = merged_now(d, dora, dana)
    at = LATER + timedelta(days=3)
    record(d, dana, URL, at=at)
    unmerged_now(d, done.change, dora, soon(at))
    (left,) = merging_read.work_list(actor=d.ines, language="en")
    for _ in range(2):
        flow.settle_work(left.link, left.what, actor=d.ines, at=AGO, key=flow.Once("settled", b""))
    assert merging_read.work_list(actor=d.ines, language="en") == ()
    with pytest.raises(NotFound):
        flow.settle_work(left.link, left.what, actor=d.ines, at=AGO, key=flow.Once("again", b""))


def test_two_accounts_of_the_same_holders_are_one_and_two_again(d: Desk) -> None:
    people = [
        flow.create_customers(
            [
                flow.NewCustomer(
                    values={
                        "personal.name": name, "contact.email": f"{name}@old.example",
                        "contact.phone_mobile": "+1 202 555 0143",
                    },
                    accounts=[flow.NewAccount("A-1", "holder"), flow.NewAccount("A-2", "holder")],
                )
            ],
            actor=d.crm,
            at=START,
        ).one()
        for name in ("dana", "kim")
    ]  # fmt: skip
    holders = {one.subject for one in people}
    first, (kept, double) = people[0].subject, people[0].accounts
    flow.bind_factor(first, SECRET, actor=d.crm, at=START)
    done = merged_now(d, double, kept, person=first)
    assert (set(held_by(d, double)), set(held_by(d, kept))) == (set(), holders)
    unmerged_now(d, done.change, double, LATER + timedelta(days=3), person=first)
    assert (set(held_by(d, double)), set(held_by(d, kept))) == (holders, holders)
