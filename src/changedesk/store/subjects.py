"""Customers and accounts as they stand now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from changedesk.base.ids import ClientId, SubjectId
from changedesk.base.json import Value
from changedesk.ledger import seal
from changedesk.ledger.value import decode_value
from changedesk.store import keys
from changedesk.store.tx import Look, Tx
from changedesk.store.wire import Call


class Held(msgspec.Struct, frozen=True, array_like=True):
    """One field as it stands: its canonical text, and the version that set it."""

    text: bytes
    ver: int

    @property
    def value(self) -> Value:
        return decode_value(self.text)


class Subject(msgspec.Struct, frozen=True):
    """A customer or an account at one version. ``state`` is empty when it is erased."""

    id: SubjectId
    type: str
    ver: int
    head_leaf: bytes
    key: keys.SubjectKey | None
    state: Mapping[str, Held]
    dated: bool
    """Some change of its history says another time than the one it was recorded at."""
    status: str
    created_at: datetime
    next_effective_at: datetime | None
    erased_at: datetime | None

    def __repr__(self) -> str:
        """Say which version of whom, never what it holds: a representation ends in logs."""
        return f"Subject({self.id}, {self.ver})"

    def values(self) -> dict[str, Value]:
        """Return the state as plain values by path."""
        return {path: held.value for path, held in self.state.items()}


@dataclass(frozen=True, slots=True)
class Holding:
    account: SubjectId
    customer: SubjectId
    role: str
    since: datetime
    until: datetime | None

    def stands(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or self.until > at)


class _Packed(msgspec.Struct, array_like=True):
    form: Literal[1]
    dated: bool
    state: dict[str, Held]


_encoder: Final = msgspec.msgpack.Encoder(order="deterministic")
_decoder: Final = msgspec.msgpack.Decoder(_Packed)


def seal_state(
    client: ClientId,
    subject: SubjectId,
    ver: int,
    key: keys.SubjectKey,
    state: Mapping[str, Held],
    *,
    dated: bool,
) -> bytes:
    """Return the state sealed for exactly this subject and version."""
    packed = _encoder.encode((1, dated, dict(state)))
    return seal.seal(key.id.bytes, key.cipher, packed, seal.state_aad(client, subject, ver))


def load(look: Look, ids: Iterable[SubjectId]) -> dict[SubjectId, Subject]:
    """Return the subjects that exist, by id."""
    wanted = list(ids)
    return {row.id: opened(look, row) for row in look.together(load_asks(wanted))[0]} if wanted else {}


def load_asks(ids: Sequence[SubjectId]) -> Call:
    """Return what ``load`` asks: to be read ahead."""
    return "subjects.load", {"ids": ids}


def one_asks(subject: SubjectId) -> Call:
    """Return what ``one`` asks: to be read ahead."""
    return "subjects.one", {"id": subject}


def one(look: Look, subject: SubjectId, rows: Sequence[Any] | None = None) -> tuple[Subject | None, list[SubjectId]]:
    """Return a subject, None where it does not exist, and for an account who holds it now, the longest first.

    ``rows``: the row of it, or none, where that was read with something else.
    """
    rows = look.together(one_asks(subject))[0] if rows is None else rows
    return (opened(look, rows[0]), list(dict.fromkeys(rows[0].holders or ()))) if rows else (None, [])


def hold(tx: Tx, ids: Iterable[SubjectId]) -> dict[SubjectId, Subject]:
    """Return the subjects that exist, locked until the transaction ends."""
    wanted = list(ids)
    return {row.id: opened(tx, row) for row in tx.together(hold_asks(wanted))[0]} if wanted else {}


def hold_asks(wanted: Sequence[SubjectId]) -> Call:
    """Return the call that ``hold`` makes, to be sent together with others."""
    return "subjects.hold", {"ids": wanted}


def opened(look: Look, row: Any) -> Subject:
    """Return a subject from its row, with its key and its state opened."""
    try:
        key = keys.of_subject(look, row.id, row.key_id, row.epoch, row.wrapped)
    except keys.Erased:
        key = None
    packed = _Packed(1, False, {})
    if key is not None and row.state_ct is not None:
        cipher = key.cipher
        plain = seal.unseal(lambda _: cipher, bytes(row.state_ct), seal.state_aad(look.client, row.id, row.ver))
        packed = _decoder.decode(plain)
    return Subject(
        row.id,
        row.type,
        row.ver,
        bytes(row.head_leaf),
        key,
        packed.state,
        packed.dated,
        row.status,
        row.created_at,
        row.next_effective_at,
        row.erased_at,
    )


def accounts_of(look: Look, *customers: SubjectId) -> list[Holding]:
    return [_holding(row) for row in look.together(accounts_of_asks(*customers))[0]]


def accounts_of_asks(*customers: SubjectId) -> Call:
    """Return what ``accounts_of`` asks: to be read ahead."""
    return "subjects.accounts_of", {"customers": customers}


def accounts_at(look: Look, customer: SubjectId, at: datetime) -> list[SubjectId]:
    """Return the accounts that a customer holds at a moment, each once, the one held longest first."""
    return list(dict.fromkeys(one.account for one in accounts_of(look, customer) if one.stands(at)))


def holders_of(look: Look, accounts: Sequence[SubjectId]) -> list[Holding]:
    return [_holding(row) for row in look.rows("subjects.holders_of", accounts=list(accounts))]


def _holding(row: Any) -> Holding:
    return Holding(row.account_id, row.customer_id, row.role, row.since, row.until)


def hold_accounts(tx: Tx, holdings: Sequence[Holding]) -> None:
    """Record who holds which accounts. A holding that is known already stays as it is."""
    tx.run(
        "subjects.hold_account",
        account=[item.account for item in holdings],
        customer=[item.customer for item in holdings],
        role=[item.role for item in holdings],
        since=[item.since for item in holdings],
    )


def find(look: Look, terms: Sequence[tuple[str, str]], *, limit: int) -> list[SubjectId]:
    """Return subjects that carry every (index, normalised term), at most ``limit``, by id."""
    if not terms:
        return []
    client = keys.of_client(look)
    found = [row.subject_id for row in look.together(find_asks(look, terms, limit=limit))[0]]
    for index, term in _rarest_first(terms)[1:]:
        rows = look.rows("subjects.also_tagged", field=index, tags=client.tags(index, term), subjects=found)
        kept = {row.subject_id for row in rows}
        found = [subject for subject in found if subject in kept]
    return found[:limit]


def find_asks(look: Look, terms: Sequence[tuple[str, str]], *, limit: int) -> Call:
    """Return what ``find`` asks first, of at least one term: to be read ahead."""
    index, term = _rarest_first(terms)[0]
    wide = limit if len(terms) == 1 else _NARROWED_FROM
    return "subjects.by_tag", {"field": index, "tags": keys.of_client(look).tags(index, term), "limit": wide}


def _rarest_first(terms: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    # The longest term is the rarest: it goes first, the others only narrow it.
    return sorted(terms, key=lambda term: -len(term[1]))


def accounts_by_terms(look: Look, terms: Sequence[tuple[str, str]]) -> list[SubjectId]:
    """Return the accounts that carry one of some (index, normalised term)s."""
    if not terms:
        return []
    client = keys.of_client(look)
    tags = [(index, tag) for index, term in terms for tag in client.tags(index, term)]
    rows = look.rows("subjects.accounts_by_tag", fields=[index for index, _ in tags], tags=[tag for _, tag in tags])
    return [row.id for row in rows]


_NARROWED_FROM: Final = 5_000


def set_next(tx: Tx, subject: SubjectId, at: datetime | None) -> None:
    """Say when the next value of a subject is due, without any change of its values."""
    tx.run("subjects.set_next", id=subject, at=at)


def due(look: Look, now: datetime, *, limit: int) -> list[SubjectId]:
    return [row.id for row in look.rows("subjects.due", now=now, limit=limit)]


def page(look: Look, *, type: str = "customer", after: UUID | None = None, limit: int = 100) -> list[SubjectId]:  # noqa: A002 - the column's name
    rows = look.rows("subjects.page", type=type, after=after or UUID(int=0), limit=limit)
    return [row.id for row in rows]
