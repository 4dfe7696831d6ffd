"""Two records that are one: merged with nothing lost, and parted again as far as it is clear what was whose."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from tests.cast import SECRET, START, Desk, desk, soon
from tests.flow.join import applied, merged_now, merging, state_of, unmerged_now
from tests.flow.walk import LATER, URL, agree, ask, history, holds, kinds, prove, record, stands, vouch
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import NotFound
from changedesk.flow.parties import MergedAway, SurvivorMoved
from changedesk.kinds.merge import NotMergeable, SurvivorshipUnreadable
from changedesk.kinds.unmerge import NotMerged
from changedesk.reading import customer, timeline
from changedesk.reading import merging as merging_read
from changedesk.store import evidence, links, subjects
from changedesk.store.begin import begin
from changedesk.store.tx import look


@pytest.fixture
def dora(d: Desk) -> SubjectId:
    """Dana again, taken in a second time by another shop."""
    return d.customer(
        personal__name="Dora Novak", contact__email="dora@old.example", contact__phone_mobile="+1 202 555 0155",
        contact__fax="+1 202 555 0177",
    )  # fmt: skip


def test_a_merge_stands_in_both_streams_and_nothing_is_lost(d: Desk, dana: SubjectId, dora: SubjectId) -> None:
    before = stands(d, dora)
    plan = flow.preview_merge(
        dora, dana, flow.How(reason="duplicate_account", channel=Channel.PHONE), actor=d.ben, at=LATER
    )
    assert {one.path for one in plan.choices} == {
        "personal.name", "contact.email", "contact.phone_mobile", "contact.fax",
    }  # fmt: skip
    done = merged_now(d, dora, dana, choices={"contact.email": "merged"})
    assert kinds(d, dora)[-1] == "merge.applied"
    assert "merge.applied" in kinds(d, dana)
    assert stands(d, dora).status == "merged"
    assert holds(d, dana, "contact.fax") == "+12025550177"
    assert holds(d, dana, "contact.email") == "dora@old.example"
    assert holds(d, dana, "personal.name") == "Dana Novak"
    now = stands(d, dora)
    assert {path: now.state[path] for path in before.state} == dict(before.state)
    entry = next(one for one in history(d, dana) if one.kind.value == "merge.applied")
    assert entry.facts["merged"] == str(dora)
    assert entry.facts["survivorship"]["take"]["contact.email"] == "chosen"  # type: ignore[index,call-overload]
    assert done.change is not None


def test_undone_it_is_as_it_was(d: Desk, dana: SubjectId, dora: SubjectId) -> None:
    mine, theirs = stands(d, dana).values(), stands(d, dora).values()
    done = merged_now(d, dora, dana)
    at = LATER + timedelta(days=3)
    unmerged_now(d, done.change, dora, at)
    assert stands(d, dana).values() == mine
    left = stands(d, dora).values()
    assert {path: left[path] for path in theirs} == theirs
    assert stands(d, dora).status == "active"
    again = merged_now(d, dora, dana, at + timedelta(days=3))
    assert again.state == "applied"


def test_accounts_go_along_and_come_back(d: Desk) -> None:
    mine, theirs = _with_account(d, "one", "A-1"), _with_account(d, "two", "B-2")
    done = merged_now(d, theirs[0], mine[0])
    assert held_by(d, theirs[1]) == [mine[0]]
    at = LATER + timedelta(days=3)
    unmerged_now(d, done.change, theirs[0], at)
    assert held_by(d, theirs[1]) == [theirs[0]]
    assert held_by(d, mine[1]) == [mine[0]]


def _with_account(d: Desk, name: str, number: str) -> tuple[SubjectId, SubjectId]:
    values: dict[str, object] = {
        "personal.name": f"Dana {name}", "contact.email": f"{name}@old.example",
        "contact.phone_mobile": "+1 202 555 0143",
    }  # fmt: skip
    new = flow.NewCustomer(values=values, accounts=[flow.NewAccount(number)])
    made = flow.create_customers([new], actor=d.crm, at=START).one()
    flow.bind_factor(made.subject, SECRET, actor=d.crm, at=START)
    return made.subject, made.accounts[0]


def held_by(d: Desk, account: SubjectId) -> list[SubjectId]:
    with look(d.client) as seen:
        return [one.customer for one in subjects.holders_of(seen, [account]) if one.until is None]


def test_an_account_given_away_meanwhile_is_left_to_a_person(d: Desk, dana: SubjectId) -> None:
    mine, theirs = _with_account(d, "one", "A-1"), _with_account(d, "two", "B-2")
    done = merged_now(d, theirs[0], mine[0])
    at = LATER + timedelta(days=3)
    with begin(d.ben) as tx:
        links.end_holdings(tx, [subjects.Holding(theirs[1], mine[0], "holder", at, None)], at=at)
    unmerged_now(d, done.change, theirs[0], at)
    assert held_by(d, theirs[1]) == []
    assert [(one.what, one.why) for one in left(d)] == [(str(theirs[1]), "account_moved")]


def left(d: Desk) -> tuple[merging_read.WorkLine, ...]:
    return merging_read.work_list(actor=d.ines, language="en")


def test_what_was_edited_between_is_listed_and_the_rest_comes_back(d: Desk, dana: SubjectId, dora: SubjectId) -> None:
    done = merged_now(d, dora, dana, choices={"contact.email": "merged", "contact.phone_mobile": "merged"})
    at = LATER + timedelta(days=3)
    record(d, dana, {"contact.phone_mobile": "+1 202 555 0111", **URL}, at=at)
    plan = flow.plan_unmerge(done.change, actor=d.ines, at=at)  # type: ignore[arg-type]
    assert {one.path for one in plan.back} == {"contact.email", "contact.fax"}
    unmerged_now(d, done.change, dora, soon(at))
    assert holds(d, dana, "contact.email") == "dana@old.example"
    assert holds(d, dana, "contact.fax") is None
    assert holds(d, dana, "contact.phone_mobile") == "+12025550111"
    assert {(one.what, one.why) for one in left(d)} == {
        ("contact.phone_mobile", "changed_since"), ("contact.url", "changed_while_merged"),
    }  # fmt: skip
    flow.settle_work(left(d)[0].link, "contact.url", actor=d.ines, at=at)
    assert len(left(d)) == 1
    with pytest.raises(NotFound):
        flow.settle_work(left(d)[0].link, "contact.url", actor=d.ines, at=at)


@pytest.mark.parametrize("which", ["merged", "survivor"])
def test_a_record_that_moved_makes_the_merge_stale(d: Desk, dana: SubjectId, dora: SubjectId, which: str) -> None:
    asked = merging(d, dora, dana)
    record(d, dora if which == "merged" else dana, URL, at=soon(LATER, 9))
    assert applied(d, asked, LATER).state == "stale"
    assert stands(d, dora).status == "active"
    again = flow.refresh_merge(asked.ref, seen_version=None, actor=d.ben, at=soon(LATER, 11))
    assert again.state != "stale"
    assert again.digest != asked.digest


def test_a_second_preview_is_needed_when_the_survivor_moved(d: Desk, dana: SubjectId, dora: SubjectId) -> None:
    plan = flow.preview_merge(
        dora, dana, flow.How(reason="duplicate_account", channel=Channel.PHONE), actor=d.ben, at=LATER
    ).plan.wish
    record(d, dana, URL, at=LATER)
    with pytest.raises(SurvivorMoved):
        flow.submit([replace(plan, acknowledged=("*",))], actor=d.ben, at=LATER).one()


def test_what_waited_for_the_merged_record_is_closed_with_the_reason(d: Desk, dana: SubjectId, dora: SubjectId) -> None:
    waiting = ask(d, dora, {"contact.url": "https://dora.example/"}, at=LATER)
    merged_now(d, dora, dana, soon(LATER, 5))
    assert state_of(d, waiting).state == "cancelled"
    told = next(one for one in history(d, dora) if one.kind.value == "request.cancelled")
    assert (told.facts["cancel_reason"], told.facts["into"]) == ("merged", str(dana))
    with pytest.raises(MergedAway) as refused:
        ask(d, dora, URL, at=LATER + timedelta(days=3))
    assert refused.value.data == {"into": str(dana)}


def test_the_merged_id_leads_to_the_survivor_for_ever(d: Desk, dana: SubjectId, dora: SubjectId) -> None:
    merged_now(d, dora, dana)
    at = LATER + timedelta(days=3)
    found = customer.customer_json(dora, actor=d.crm, at=at)
    assert (found["id"], found["merged_from"]) == (str(dana), str(dora))
    panel = customer.customer(dora, actor=d.ben, at=at, language="en")
    assert (panel.id, panel.merged_from, panel.merged) == (dana, dora, (dora,))
    page = timeline.timeline(dora, actor=d.ben, at=at, language="en", limit=200)
    assert {one.subject for one in page.items} == {dana, dora}
    assert len(page.items) == len(history(d, dana)) + len(history(d, dora))
    first = timeline.timeline(dana, actor=d.ben, at=at, language="en", limit=3)
    rest = timeline.timeline(dana, actor=d.ben, at=at, language="en", limit=200, before=first.next)
    assert [*first.items, *rest.items] == list(page.items)


def test_of_an_undone_merge_the_timeline_keeps_what_happened_in_between(
    d: Desk, dana: SubjectId, dora: SubjectId
) -> None:
    done = merged_now(d, dora, dana)
    # What still speaks of the merged record itself is the way of its undoing.
    unmerged_now(d, done.change, dora, LATER + timedelta(days=3))
    page = timeline.timeline(dana, actor=d.ben, at=LATER + timedelta(days=9), language="en", limit=200)
    hers = [one.kind for one in page.items if one.subject == dora]
    assert "request.approved" in hers
    assert "customer.created" not in hers
    assert [one.until is None for one in merging_read.merges(dana, actor=d.ben)] == [False]


def test_a_hold_goes_along(d: Desk, dana: SubjectId, dora: SubjectId) -> None:
    with begin(d.ines) as tx:
        hold = evidence.Hold(
            id=uuid4(), subject_id=dora, request_id=None, blocks=("payout",), rule="check", release="fraud",
            placed_by=d.ines.id, starts_at=LATER, ends_at=None,
        )  # fmt: skip
        evidence.place_holds(tx, [hold])
    merged_now(d, dora, dana)
    with look(d.client) as seen:
        assert [one.blocks for one in evidence.active_holds(seen, [dana], now=LATER + timedelta(days=2))] == [
            ("payout",)
        ]


@pytest.mark.parametrize("why", ["itself", "unknown", "other_type", "merged", "other_holders"])
def test_two_records_that_do_not_fit_are_not_merged(d: Desk, dana: SubjectId, dora: SubjectId, why: str) -> None:
    account, other = _with_account(d, "one", "A-1")[1], _with_account(d, "two", "B-2")[1]
    pairs = {
        "itself": (dora, dora), "unknown": (dora, SubjectId(uuid4())), "other_type": (dora, account),
        "merged": (dora, dana), "other_holders": (account, other),
    }  # fmt: skip
    if why == "merged":
        merged_now(d, dora, dana)
    with pytest.raises(NotMergeable) as refused:
        flow.merge(*pairs[why], flow.How(reason="duplicate_account", channel=Channel.PHONE), actor=d.ben, at=LATER)
    assert refused.value.data == {"why": why}


def test_choices_are_read_before_anything_is_asked(d: Desk, dana: SubjectId, dora: SubjectId) -> None:
    values = {"merge.into": str(dana), "merge.survivorship": "take it all"}
    odd = flow.Wish(subject=dora, kind="merge", values=values, reason="duplicate_account", channel=Channel.PHONE)
    with pytest.raises(SurvivorshipUnreadable):
        flow.submit([odd], actor=d.ben, at=LATER).one()
    with pytest.raises(NotMerged):
        flow.submit([replace(odd, kind="unmerge", values={"unmerge.change": str(dana)})], actor=d.ben, at=LATER).one()


def test_a_duplicate_is_found_by_what_it_shares(d: Desk, dana: SubjectId) -> None:
    twin = d.customer(personal__name="Dana Novack")
    d.customer(
        personal__name="Someone Else", contact__email="else@old.example", contact__phone_mobile="+1 202 555 0199"
    )
    found = merging_read.candidates(dana, actor=d.ben, at=LATER, language="en")
    assert [one.id for one in found] == [twin]
    assert any("E-mail" in reason or "e-mail" in reason for reason in found[0].reasons)
    assert "old.example" not in repr(found)


def test_the_database_links_nothing_without_an_applied_merge(
    d: Desk, dana: SubjectId, dora: SubjectId, database: Database
) -> None:
    done = merged_now(d, dora, dana)
    eve = d.customer(contact__email="eve@old.example")

    def run(text: str, *given: object) -> None:
        with psycopg.connect(database.url) as connection:
            connection.execute("SELECT set_config('changedesk.client', %s, false)", (str(d.client),))
            connection.execute(text, given)

    link = (
        "INSERT INTO desk.link (client_id, id, merged_id, survivor_id, survivor_change, request_id, since)"
        " VALUES (%s, %s, %s, %s, gen_random_uuid(), %s, now())"
    )
    for text, given in (
        (link, (d.client, uuid4(), eve, dana, done.request)),
        (link, (d.client, done.change, dana, eve, done.request)),
        (
            "UPDATE desk.link SET until = now(), undo_request_id = %s, undo_change = %s WHERE client_id = %s",
            (done.request, uuid4(), d.client),
        ),
    ):
        with pytest.raises(psycopg.DatabaseError) as refused:
            run(text, *given)
        assert refused.value.sqlstate == "CD014"
    with pytest.raises(psycopg.DatabaseError) as refused:
        run("UPDATE desk.link SET survivor_id = %s WHERE client_id = %s", eve, d.client)
    assert refused.value.sqlstate == "42501"


def test_whoever_decides_on_a_merge_sees_both_sides(d: Desk, dana: SubjectId, dora: SubjectId) -> None:
    vouch(d, dora, LATER)
    asked = flow.merge(
        dora, dana, flow.How(reason="duplicate_account", channel=Channel.PHONE), actor=d.ben, at=soon(LATER, 0.2)
    )
    early = merging_read.compared(asked.ref, actor=d.ines, at=LATER, language="en")
    assert "dora@old.example" not in repr(early), "nothing is theirs to decide on before it is proved"
    asked = agree(d, prove(d, asked, soon(LATER)), soon(LATER, 2))
    seen = merging_read.compared(asked.ref, actor=d.ines, at=LATER, language="en")
    mail = next(one for one in seen.lines if one.path == "contact.email")
    assert (mail.survivor, mail.merged, mail.masked) == ("dana@old.example", "dora@old.example", False)
    assert {one.source for one in seen.lines} == {"survivor", "merged"}
    blind = merging_read.compared(asked.ref, actor=d.otto, at=LATER, language="en")
    assert "dora@old.example" not in repr(blind)
    record(d, dana, URL, at=soon(LATER, 9))
    assert merging_read.compared(asked.ref, actor=d.ines, at=LATER, language="en").moved
    for actor, ref in (
        (d.ines, ask(d, dana, {"contact.url": "https://b.example/"}, at=LATER).ref),
        (desk("borealis").ines, asked.ref),
    ):
        with pytest.raises(NotFound):
            merging_read.compared(ref, actor=actor, at=LATER, language="en")
