"""New customers, with the accounts they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from changedesk.base.actor import Actor
from changedesk.base.clock import micros
from changedesk.base.ids import SubjectId
from changedesk.base.json import Value
from changedesk.base.outcome import Outcome
from changedesk.base.refusal import Refusal
from changedesk.flow.indexing import terms_for
from changedesk.flow.recorded import Created, NewAccount, NewCustomer, read, settle, take
from changedesk.kinds import ManyBad
from changedesk.ledger.commitment import FOREVER, Assertion
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import encode_value
from changedesk.rules import access
from changedesk.rules.values import BadValue, search_terms
from changedesk.store import history, keys, subjects
from changedesk.store.begin import begin
from changedesk.store.settings_read import Configuration, configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Tx


@dataclass(frozen=True, slots=True)
class _Account:
    """An account that a customer comes with: its number as it is looked up, and what is known of it."""

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
    """Take customers in: version 1 of each one's history. Refusals come back by place; the rest stands."""
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
        done = _create(tx, good, actor=actor, at=at) if good else {}
        results = settle(tx, items, taken, done, actor, at)
    return Outcome([results[place] for place in sorted(results)], taken.refused)


def _read(config: Configuration, place: int, item: NewCustomer, *, at: datetime) -> _Good:
    region = item.region or config.settings.region
    values = read(config.catalogue, item.values, region=region, at=at, lenient=item.lenient)
    accounts = [_account(config, account, region=region, at=at) for account in item.accounts]
    return _Good(place, item, SubjectId(uuid4()), _first(values, item.valid_from or at), accounts)


def _account(config: Configuration, account: NewAccount, *, region: str, at: datetime) -> _Account:
    number = config.catalogue["account.number"]
    values = read(config.catalogue, {**account.values, number.path: account.number}, region=region, at=at)
    terms = search_terms(number, values[number.path])
    if not terms:
        raise ManyBad({"/" + number.path: BadValue(path=number.path, reason="reference_invalid")})
    return _Account(terms[0], account.role, _first(values, at))


def _first(values: Mapping[str, Value], start: datetime) -> list[Assertion]:
    from_us = micros(start) // 1000 * 1000
    return [
        Assertion(path, None, encode_value(value), from_us, FOREVER)
        for path, value in values.items()
        if value is not None
    ]


def _create(tx: Tx, good: Sequence[_Good], *, actor: Actor, at: datetime) -> dict[int, Created]:
    named = {account.term: account for one in good for account in reversed(one.accounts)}
    known = subjects.accounts_by_term(tx, sorted(named))
    fresh = {term: SubjectId(uuid4()) for term in named if term not in known}
    accounts = {**known, **fresh}
    types = dict.fromkeys((one.id for one in good), "customer") | dict.fromkeys(fresh.values(), "account")
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
    drafts += [
        history.Draft(
            _blank(id_, "account", made[id_], at), EntryKind.ACCOUNT_CREATED, actor, at, named[term].assertions
        )
        for term, id_ in fresh.items()
    ]
    written = {item.subject: item for item in history.append(tx, drafts, terms=terms_for(tx.client), created=types)}
    holdings = [
        subjects.Holding(accounts[account.term], one.id, account.role, at, None)
        for one in good
        for account in one.accounts
    ]
    if holdings:
        subjects.hold_accounts(tx, holdings)
    return {
        one.place: Created(
            subject=one.id,
            accounts=tuple(accounts[account.term] for account in one.accounts),
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
