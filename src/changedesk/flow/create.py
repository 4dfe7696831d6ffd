"""New customers, with the accounts they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from msgspec.structs import replace

from changedesk.base.actor import Actor
from changedesk.base.clock import micros
from changedesk.base.ids import SubjectId
from changedesk.base.json import Value
from changedesk.base.outcome import Outcome
from changedesk.base.refusal import Refusal
from changedesk.flow.indexing import terms_for
from changedesk.flow.recorded import Created, NewCustomer, Taken, read, settle, take
from changedesk.kinds import ManyBad
from changedesk.ledger.commitment import FOREVER, Assertion
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import encode_value
from changedesk.rules import access
from changedesk.rules.status import today_in
from changedesk.rules.values import BadValue, search_terms
from changedesk.store import history, keys, subjects
from changedesk.store.begin import begin
from changedesk.store.settings_read import Configuration, configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Tx


@dataclass(frozen=True, slots=True)
class _Account:
    """An account that a customer comes with. ``number`` is canonical; ``term`` is how the blind index knows it."""

    number: str
    term: tuple[str, str]
    role: str
    assertions: list[Assertion]


@dataclass(frozen=True, slots=True)
class _Good:
    """A customer that can be taken in."""

    place: int
    item: NewCustomer
    id: SubjectId
    assertions: list[Assertion]
    accounts: list[_Account]


def create_customers(items: Sequence[NewCustomer], *, actor: Actor, at: datetime) -> Outcome[Created]:
    """Take customers in: version 1 of each one's history. Refusals come back by place; the rest stands.

    A source row that was taken in before changes nothing but what it lacks: an account that it names now is opened.
    """
    access.require(actor, access.Verb.CUSTOMER_CREATE)
    with begin(actor) as tx:
        taken = take(tx, items, actor, Created)
        config = configuration(tx.client)
        good: list[_Good] = []
        for place, item in taken.rest(items):
            try:
                good.append(_read(config, place, item, at=at))
            except Refusal as refusal:
                taken.refused[place] = refusal
        again = _named_again(config, items, taken, at=at)
        named = [account for one in good for account in one.accounts]
        named += [account for accounts in again.values() for account in accounts]
        accounts = _open(tx, named, actor=actor, at=at)
        done = _create(tx, good, accounts, actor=actor, at=at) if good else {}
        for place, theirs in again.items():
            ids = tuple(accounts[account.number] for account in theirs)
            taken.settled[place] = replace(taken.settled[place], accounts=ids)
        owned = [(done[one.place].subject, account) for one in good for account in one.accounts]
        owned += [(taken.settled[place].subject, account) for place, theirs in again.items() for account in theirs]
        if owned:
            subjects.hold_accounts(
                tx, [subjects.Holding(accounts[one.number], who, one.role, at, None) for who, one in owned]
            )
        results = settle(tx, taken, done, actor, at)
    return Outcome([results[place] for place in sorted(results)], taken.refused)


def _read(config: Configuration, place: int, item: NewCustomer, *, at: datetime) -> _Good:
    region = item.region or config.settings.region
    today = today_in(at, config.settings.time_zone)
    values = read(config.catalogue, item.values, region=region, today=today, lenient=item.lenient)
    return _Good(place, item, SubjectId(uuid4()), _first(values, item.valid_from or at), _accounts(config, item, at=at))


def _accounts(config: Configuration, item: NewCustomer, *, at: datetime) -> list[_Account]:
    region = item.region or config.settings.region
    number = config.catalogue["account.number"]
    today = today_in(at, config.settings.time_zone)
    found: list[_Account] = []
    for account in item.accounts:
        values = read(config.catalogue, {**account.values, number.path: account.number}, region=region, today=today)
        terms = search_terms(number, values[number.path])
        if not terms:
            raise ManyBad({"/" + number.path: BadValue(path=number.path, reason="reference_invalid")})
        found.append(_Account(str(values[number.path]), terms[0], account.role, _first(values, at)))
    return found


def _named_again(
    config: Configuration, items: Sequence[NewCustomer], taken: Taken, *, at: datetime
) -> dict[int, list[_Account]]:
    """Return the accounts that rows of customers who are here already name, by place."""
    named: dict[int, list[_Account]] = {}
    for place in [place for place, created in taken.settled.items() if created.unchanged and items[place].accounts]:
        try:
            named[place] = _accounts(config, items[place], at=at)
        except Refusal as refusal:
            taken.refused[place] = refusal
            del taken.settled[place]
    return named


def _open(tx: Tx, named: Sequence[_Account], *, actor: Actor, at: datetime) -> dict[str, SubjectId]:
    """Return the accounts of some numbers, opening those that are not here yet."""
    wanted = {account.number: account for account in reversed(named)}
    alike = subjects.accounts_by_terms(tx, sorted({account.term for account in wanted.values()}))
    # Two numbers that differ only in their signs share a term, and are two accounts.
    ids = {
        str(one.state["account.number"].value): one.id
        for one in subjects.load(tx, alike).values()
        if "account.number" in one.state
    }
    fresh = {number: SubjectId(uuid4()) for number in wanted if number not in ids}
    if fresh:
        types = dict.fromkeys(fresh.values(), "account")
        made = keys.create_subject_keys(tx, types)
        drafts = [
            history.Draft(
                _blank(id_, "account", made[id_], at), EntryKind.ACCOUNT_CREATED, actor, at, wanted[number].assertions
            )
            for number, id_ in fresh.items()
        ]
        history.append(tx, drafts, terms=terms_for(tx.client), created=types)
    return {**ids, **fresh}


def _first(values: Mapping[str, Value], start: datetime) -> list[Assertion]:
    from_us = micros(start) // 1000 * 1000
    return [
        Assertion(path, None, encode_value(value), from_us, FOREVER)
        for path, value in values.items()
        if value is not None
    ]


def _create(
    tx: Tx, good: Sequence[_Good], accounts: Mapping[str, SubjectId], *, actor: Actor, at: datetime
) -> dict[int, Created]:
    types = dict.fromkeys((one.id for one in good), "customer")
    made = keys.create_subject_keys(tx, types)
    drafts = [
        history.Draft(
            subject=_blank(one.id, "customer", made[one.id], at),
            kind=EntryKind.CUSTOMER_CREATED,
            actor=actor,
            at=at,
            assertions=one.assertions,
            facts={"source": "" if one.item.source is None else one.item.source.source},
            channel=one.item.channel.value,
        )
        for one in good
    ]
    written = {item.subject: item for item in history.append(tx, drafts, terms=terms_for(tx.client), created=types)}
    return {
        one.place: Created(
            subject=one.id,
            accounts=tuple(accounts[account.number] for account in one.accounts),
            change=written[one.id].change,
            leaf=written[one.id].leaf.hex(),
        )
        for one in good
    }


def _blank(subject: SubjectId, type_: str, key: keys.SubjectKey, at: datetime) -> Subject:
    return Subject(
        id=subject,
        type=type_,
        ver=0,
        head_leaf=b"",
        key=key,
        state={},
        dated=False,
        status="active",
        created_at=at,
        next_effective_at=None,
        erased_at=None,
    )
