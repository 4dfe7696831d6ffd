"""Records that arrive with their evidence: new customers, and changes that a trusted system has made already."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID, uuid4

from changedesk.base.actor import Actor, Channel
from changedesk.base.clock import micros
from changedesk.base.ids import ChangeId, SubjectId
from changedesk.base.json import Value
from changedesk.base.outcome import Outcome
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow import asking
from changedesk.flow.indexing import terms_for
from changedesk.kinds import ManyBad, NoChange, UnknownField
from changedesk.ledger.commitment import BEGINNING, FOREVER, Assertion
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json, encode_value
from changedesk.rules import access
from changedesk.rules.fields import Catalogue
from changedesk.rules.values import BadValue, Strictness, normalise, search_terms
from changedesk.store import history, imported, keys, once, subjects
from changedesk.store.begin import begin
from changedesk.store.once import Once
from changedesk.store.settings_read import configuration
from changedesk.store.subjects import Held, Subject
from changedesk.store.tx import Tx


class _Unknown(Enum):
    UNKNOWN = "unknown"


UNKNOWN: Final = _Unknown.UNKNOWN
"""The record's old value was not told, so it is not compared."""


class OldDiffers(Refusal):
    """The record does not hold the old value that was given, so this change does not fit it.

    ``data``: paths.
    """

    code = "old-differs"
    hint = "Read the fields named here as they are now, and send the change that leads from there."
    status = "stale"


class Busy(Refusal):
    """This customer's record is being changed by others at this very moment."""

    code = "busy"
    hint = "Send the change again."
    status = "conflict"


class RowChanged(Refusal):
    """This row of the source was taken in before, with another content."""

    code = "row-changed"
    hint = "Send what changed as a change of that customer, not as a new row."
    status = "conflict"


class RangeEmpty(Refusal):
    """A value's validity ends before it starts."""

    code = "range-empty"
    hint = "Give an end that lies after the start, or none."


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row of a file: its name in the source, and its content. The same row twice changes nothing."""

    source: str
    row: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewAccount:
    number: str = field(repr=False)
    role: str = "holder"
    values: Mapping[str, object] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCustomer:
    """A customer to take in, with the accounts they hold. An account number that is known gains a holder."""

    values: Mapping[str, object] = field(repr=False)
    accounts: Sequence[NewAccount] = ()
    region: str | None = None
    lenient: bool = False
    once: Once | None = None
    source: SourceRow | None = None
    channel: Channel = Channel.API
    valid_from: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    subject: SubjectId
    accounts: tuple[SubjectId, ...] = ()
    change: ChangeId | None = None
    version: int = 1
    leaf: str = ""
    replayed: bool = False
    unchanged: bool = False

    def reply(self) -> dict[str, Any]:
        return {
            "subject": str(self.subject),
            "accounts": [str(item) for item in self.accounts],
            "change": str(self.change),
            "version": self.version,
            "leaf": self.leaf,
        }

    @classmethod
    def replay(cls, reply: Mapping[str, Any]) -> "Created":
        return cls(
            subject=SubjectId(UUID(reply["subject"])),
            accounts=tuple(SubjectId(UUID(item)) for item in reply["accounts"]),
            change=ChangeId(UUID(reply["change"])),
            version=reply["version"],
            leaf=reply["leaf"],
            replayed=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field's change. ``new`` None removes; ``old`` is compared unless UNKNOWN; no ``valid_to`` is for good."""

    path: str
    new: object = field(repr=False)
    old: object = field(default=UNKNOWN, repr=False)
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedChange:
    """A change that was made and evidenced elsewhere. ``evidence`` holds opaque ids and references only."""

    subject: SubjectId
    changes: Sequence[FieldChange]
    reason: str = "system_migration"
    evidence: Mapping[str, str] = field(default_factory=dict)
    verbatim: bool = False
    once: Once | None = None
    source: SourceRow | None = None
    channel: Channel = Channel.API


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    subject: SubjectId
    change: ChangeId | None = None
    version: int = 0
    leaf: str = ""
    replayed: bool = False
    unchanged: bool = False

    def reply(self) -> dict[str, Any]:
        return {
            "subject": str(self.subject),
            "change": str(self.change),
            "version": self.version,
            "leaf": self.leaf,
        }

    @classmethod
    def replay(cls, reply: Mapping[str, Any]) -> "Recorded":
        return cls(
            subject=SubjectId(UUID(reply["subject"])),
            change=ChangeId(UUID(reply["change"])),
            version=reply["version"],
            leaf=reply["leaf"],
            replayed=True,
        )


_Item = NewCustomer | RecordedChange


@dataclass(slots=True)
class _Taken:
    """What a batch knows of its items before it writes: keys claimed, rows known, what is settled already."""

    refused: dict[int, Refusal] = field(default_factory=dict)
    settled: dict[int, Any] = field(default_factory=dict)
    claims: dict[int, once.Claim] = field(default_factory=dict)

    def rest(self, items: Sequence[Any]) -> list[tuple[int, Any]]:
        return [(i, item) for i, item in enumerate(items) if i not in self.refused and i not in self.settled]


def _take(tx: Tx, items: Sequence[_Item], actor: Actor, again: Any) -> _Taken:
    """Settle what was answered or taken in before: ``again`` makes the result of a kept reply."""
    taken = _Taken()
    keyed = [(place, item.once) for place, item in enumerate(items) if item.once is not None]
    if keyed:
        for (place, _), claim in zip(keyed, once.claim(tx, actor.id, [key for _, key in keyed]), strict=True):
            if isinstance(claim, Refusal):
                taken.refused[place] = claim
            elif claim.reply is not None:
                taken.settled[place] = again.replay(claim.reply)
            else:
                taken.claims[place] = claim
    rows = [(place, item.source) for place, item in enumerate(items) if item.source is not None]
    if rows:
        known = imported.known(tx, [imported.Row(row.source, row.row, row.body) for _, row in rows])
        for (place, _), found in zip(rows, known, strict=True):
            if found is not None and found.same_body:
                taken.settled[place] = again(subject=found.subject, unchanged=True)
            elif found is not None:
                taken.refused[place] = RowChanged()
    return taken


def _settle(tx: Tx, items: Sequence[_Item], taken: _Taken, done: Mapping[int, Any], actor: Actor, at: datetime) -> None:
    """Remember keys and rows of what was written, in the transaction that wrote it."""
    once.record(
        tx, actor.id, [(claim, done[place].reply()) for place, claim in taken.claims.items() if place in done], at=at
    )
    rows = [(items[place].source, result.subject) for place, result in done.items()]
    imported.take(tx, [(imported.Row(row.source, row.row, row.body), subject) for row, subject in rows if row])


def create_customers(items: Sequence[NewCustomer], *, actor: Actor, at: datetime) -> Outcome[Created]:
    """Take customers in: version 1 of each one's history. Refusals come back by place; the rest stands."""
    access.require(actor, access.Verb.CUSTOMER_CREATE)
    with begin(actor) as tx:
        taken = _take(tx, items, actor, Created)
        catalogue = configuration(tx.client).catalogue
        good: list[tuple[int, NewCustomer, list[Assertion]]] = []
        for place, item in taken.rest(items):
            try:
                good.append((place, item, _first_assertions(tx, catalogue, item, at=at)))
            except Refusal as refusal:
                taken.refused[place] = refusal
        done = _create(tx, good, actor=actor, at=at)
        _settle(tx, items, taken, done, actor, at)
    results = {**taken.settled, **done}
    return Outcome([results[place] for place in sorted(results)], taken.refused)


def _first_assertions(tx: Tx, catalogue: Catalogue, item: NewCustomer, *, at: datetime) -> list[Assertion]:
    region = item.region or configuration(tx.client).settings.region
    values = _read(catalogue, item.values, region=region, at=at, lenient=item.lenient)
    start = micros(item.valid_from or at) // 1000 * 1000
    return [
        Assertion(path, None, encode_value(value), start, FOREVER)
        for path, value in values.items()
        if value is not None
    ]


def _read(
    catalogue: Catalogue, raw: Mapping[str, object], *, region: str, at: datetime, lenient: bool = False
) -> dict[str, Value]:
    bad: dict[str, Refusal] = {}
    values: dict[str, Value] = {}
    strictness = Strictness.LENIENT if lenient else Strictness.STRICT
    for path, given in raw.items():
        if path not in catalogue:
            bad["/" + path] = UnknownField(path=path)
            continue
        try:
            values[path] = normalise(catalogue[path], given, region=region, today=at.date(), strictness=strictness)
        except BadValue as refusal:
            bad[refusal.pointer] = refusal
    if bad:
        raise ManyBad(bad)
    return values


def _create(
    tx: Tx, good: Sequence[tuple[int, NewCustomer, list[Assertion]]], *, actor: Actor, at: datetime
) -> dict[int, Created]:
    if not good:
        return {}
    accounts = _accounts(tx, [item for _, item, _ in good], at=at)
    ids = {place: SubjectId(uuid4()) for place, _, _ in good}
    new_accounts = {found.id: found for found in accounts.values() if found.fresh}
    made = keys.create_subject_keys(tx, [*ids.values(), *new_accounts])
    drafts = [
        history.Draft(
            subject=_blank(ids[place], "customer", made[ids[place]], at),
            kind=EntryKind.CUSTOMER_CREATED,
            actor=actor,
            at=at,
            assertions=assertions,
            facts={"source": "" if item.source is None else item.source.source},
            channel=item.channel.value,
        )
        for place, item, assertions in good
    ]
    drafts += [
        history.Draft(
            subject=_blank(found.id, "account", made[found.id], at),
            kind=EntryKind.ACCOUNT_CREATED,
            actor=actor,
            at=at,
            assertions=found.assertions,
        )
        for found in new_accounts.values()
    ]
    types = dict.fromkeys(ids.values(), "customer") | dict.fromkeys(new_accounts, "account")
    written = {item.subject: item for item in history.append(tx, drafts, terms=terms_for(tx.client), created=types)}
    holdings = [
        subjects.Holding(accounts[account.number].id, ids[place], account.role, at, None)
        for place, item, _ in good
        for account in item.accounts
    ]
    if holdings:
        subjects.hold_accounts(tx, holdings)
    return {
        place: Created(
            subject=ids[place],
            accounts=tuple(accounts[account.number].id for account in item.accounts),
            change=written[ids[place]].change,
            leaf=written[ids[place]].leaf.hex(),
        )
        for place, item, _ in good
    }


@dataclass(frozen=True, slots=True)
class _Account:
    id: SubjectId
    assertions: list[Assertion]
    fresh: bool


def _accounts(tx: Tx, items: Sequence[NewCustomer], *, at: datetime) -> dict[str, _Account]:
    """Return the accounts named by number: those that exist, and the ones that come into being here."""
    config = configuration(tx.client)
    number_field = config.catalogue["account.number"]
    found: dict[str, _Account] = {}
    terms: dict[tuple[str, str], str] = {}
    start = micros(at) // 1000 * 1000
    for item in items:
        for account in item.accounts:
            if account.number in found:
                continue
            raw = {"account.number": account.number, **account.values}
            values = _read(config.catalogue, raw, region=item.region or config.settings.region, at=at)
            asserted = [
                Assertion(path, None, encode_value(value), start, FOREVER)
                for path, value in values.items()
                if value is not None
            ]
            found[account.number] = _Account(SubjectId(uuid4()), asserted, fresh=True)
            terms.update(dict.fromkeys(search_terms(number_field, values["account.number"]), account.number))
    for term, subject in subjects.accounts_by_term(tx, list(terms)).items():
        found[terms[term]] = _Account(subject, [], fresh=False)
    return found


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


def record_changes(items: Sequence[RecordedChange], *, actor: Actor, at: datetime) -> Outcome[Recorded]:
    """Record changes that were made and evidenced elsewhere. Several of one subject apply in the order given.

    A subject that moves in the same moment is read again and tried once more; nothing is written over it.
    """
    access.require(actor, access.Verb.CHANGE_RECORD)
    with begin(actor) as tx:
        taken = _take(tx, items, actor, Recorded)
        done: dict[int, Recorded] = {}
        rest = taken.rest(items)
        for _ in range(_TRIES):
            rest = _record(tx, rest, taken.refused, done, actor=actor, at=at)
            if not rest:
                break
        for place, _item in rest:
            taken.refused[place] = Busy()
        _settle(tx, items, taken, done, actor, at)
    results = {**taken.settled, **done}
    return Outcome([results[place] for place in sorted(results)], taken.refused)


_TRIES: Final = 3


def _record(
    tx: Tx,
    items: Sequence[tuple[int, RecordedChange]],
    refused: dict[int, Refusal],
    done: dict[int, Recorded],
    *,
    actor: Actor,
    at: datetime,
) -> list[tuple[int, RecordedChange]]:
    """Write what fits; return what must be read again because its subject moved meanwhile."""
    known = subjects.load(tx, {item.subject for _, item in items})
    config = configuration(tx.client)
    standing: dict[SubjectId, dict[str, Held]] = {}
    drafts: list[history.Draft] = []
    places: list[tuple[int, RecordedChange]] = []
    for place, item in items:
        subject = known.get(item.subject)
        try:
            if subject is None:
                raise NotFound(subject=str(item.subject))
            if subject.key is None:
                raise asking.Gone
            state = standing.setdefault(subject.id, dict(subject.state))
            assertions = _assertions(config.catalogue, item, state, region=config.settings.region, at=at)
        except Refusal as refusal:
            refused[place] = refusal
            continue
        facts: dict[str, Json] = {"reason": item.reason, **item.evidence}
        drafts.append(
            history.Draft(
                subject=subject,
                kind=EntryKind.CHANGE_RECORDED,
                actor=actor,
                at=at,
                assertions=assertions,
                facts=facts,
                channel=item.channel.value,
            )
        )
        places.append((place, item))
    written: defaultdict[SubjectId, list[history.Written]] = defaultdict(list)
    for one in history.append(tx, drafts, terms=terms_for(tx.client)):
        written[one.subject].append(one)
    again: list[tuple[int, RecordedChange]] = []
    for place, item in places:
        if not written[item.subject]:
            again.append((place, item))
            continue
        one = written[item.subject].pop(0)
        done[place] = Recorded(subject=one.subject, change=one.change, version=one.version, leaf=one.leaf.hex())
    return again


def _assertions(
    catalogue: Catalogue, item: RecordedChange, state: dict[str, Held], *, region: str, at: datetime
) -> list[Assertion]:
    """Return what one recorded change says, and carry it into the state that the next one is read against."""
    now_us = micros(at) // 1000 * 1000
    raw = {change.path: change.new for change in item.changes}
    values = _verbatim(catalogue, raw) if item.verbatim else _read(catalogue, raw, region=region, at=at)
    told = {change.path: change.old for change in item.changes if change.old is not UNKNOWN}
    olds = _verbatim(catalogue, told) if item.verbatim else _read(catalogue, told, region=region, at=at)
    made: list[Assertion] = []
    differs: list[str] = []
    for change in item.changes:
        held = state.get(change.path)
        old = None if held is None else held.text
        new = None if values[change.path] is None else encode_value(values[change.path])
        if change.path in olds and (None if olds[change.path] is None else encode_value(olds[change.path])) != old:
            differs.append(change.path)
        start = now_us if change.valid_from is None else micros(change.valid_from)
        end = FOREVER if change.valid_to is None else micros(change.valid_to)
        if start >= end or start <= BEGINNING:
            raise RangeEmpty(path=change.path)
        if new != old or start != now_us or end != FOREVER:
            made.append(Assertion(change.path, old, new, start, end))
    if differs:
        raise OldDiffers(paths=differs)
    if not made:
        raise NoChange(paths=list(raw))
    for one in made:
        if one.valid_from_us <= now_us < one.valid_to_us:
            if one.new is None:
                state.pop(one.path, None)
            else:
                state[one.path] = Held(one.new, 0)
    return made


def _verbatim(catalogue: Catalogue, raw: Mapping[str, object]) -> dict[str, Value]:
    """Take text as it was recorded elsewhere: what was true there is not corrected here."""
    unknown = {"/" + path: UnknownField(path=path) for path in raw if path not in catalogue}
    if unknown:
        raise ManyBad(unknown)
    return {path: None if value is None or value == "" else str(value) for path, value in raw.items()}
