"""Which records were merged into which, who holds accounts from when on, and who must agree to a transfer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from changedesk.base.ids import ChangeId, RequestId, SubjectId
from changedesk.store.subjects import Holding
from changedesk.store.tx import Look, Tx
from changedesk.store.wire import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One record was merged into another. ``id`` is the change that did it; ``until`` None: the link stands."""

    id: ChangeId
    merged_id: SubjectId
    survivor_id: SubjectId
    survivor_change: ChangeId
    """The survivor's own entry of the merge."""
    request_id: RequestId
    since: datetime
    until: datetime | None
    undo_request_id: RequestId | None
    undo_change: ChangeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Something that an undone merge left to a person: a path, or the id of an account."""

    link: ChangeId
    merged: SubjectId
    survivor: SubjectId
    what: str
    why: str
    at: datetime


def asks(subject: SubjectId) -> Call:
    """Return what ``survivor_of`` and ``of_survivor`` ask of a record that is not merged: to be read ahead."""
    return "links.around", {"subject": subject}


def of_merged(look: Look, merged: Iterable[SubjectId]) -> dict[SubjectId, Link]:
    """Return the links that stand, by the merged record."""
    return {row.merged_id: _link(row) for row in look.rows("links.of_merged", merged=list(merged))}


def of_survivor(look: Look, survivor: SubjectId) -> list[Link]:
    """Return all that was ever merged into a record, the oldest first."""
    return [_link(row) for row in look.together(asks(survivor))[0] if row.survivor_id == survivor]


def family(look: Look, survivor: SubjectId) -> list[SubjectId]:
    """Return what is merged into a record now, also through others: nearest first."""
    return [SubjectId(row.id) for row in look.rows("links.family", survivor=survivor)]


def by_id(look: Look, link: UUID) -> Link | None:
    row = look.row("links.by_id", id=link)
    return None if row is None else _link(row)


def survivor_of(look: Look, subject: SubjectId) -> SubjectId:
    """Return where a record leads: itself, or the end of its chain of merges."""
    while away := [row.survivor_id for row in look.together(asks(subject))[0] if row.merged_id == subject]:
        subject = away[0]
    return subject


def _link(row: Any) -> Link:
    return Link(**{name: getattr(row, name) for name in Link.__dataclass_fields__})


def begin(tx: Tx, link: Link) -> None:
    tx.run(
        "links.begin",
        id=link.id,
        merged=link.merged_id,
        survivor=link.survivor_id,
        survivor_change=link.survivor_change,
        request=link.request_id,
        since=link.since,
    )


def end(tx: Tx, link: ChangeId, *, request: RequestId, change: ChangeId, at: datetime) -> bool:
    """Close a link; False when it is closed already."""
    return tx.run("links.end", id=link, request=request, change=change, until=at) == 1


def hand_holds_back(tx: Tx, *, merged: SubjectId, survivor: SubjectId, by: str, at: datetime) -> None:
    """End what a survivor stands under only because a record under it was merged into it."""
    tx.run("holds.hand_back", merged=merged, survivor=survivor, by=by, at=at)


def end_holdings(tx: Tx, holdings: Sequence[Holding], *, at: datetime) -> list[Holding]:
    """End holdings; return those that stood until now."""
    rows = tx.rows("links.end_holdings", **_columns(holdings), until=at)
    return [_holding(row) for row in rows]


def begin_holdings(tx: Tx, holdings: Sequence[Holding], *, at: datetime) -> list[Holding]:
    """Begin holdings; return those that did not stand already."""
    rows = tx.rows("links.begin_holdings", **_columns(holdings), since=at)
    return [_holding(row) for row in rows]


def hold_holding(tx: Tx, account: SubjectId, customer: SubjectId) -> list[Holding]:
    """Return as what a customer holds an account now, locked until the transaction ends."""
    return [_holding(row) for row in tx.rows("links.hold_holding", account=account, customer=customer)]


def _columns(holdings: Sequence[Holding]) -> dict[str, list[object]]:
    return {
        "account": [item.account for item in holdings],
        "customer": [item.customer for item in holdings],
        "role": [item.role for item in holdings],
    }


def _holding(row: Any) -> Holding:
    return Holding(row.account_id, row.customer_id, row.role, row.since, row.until)


def pending(look: Look, subject: SubjectId) -> list[RequestId]:
    """Return the open requests about a record, and those of a customer for their accounts."""
    return [row.id for row in look.rows("links.pending", subject=subject)]


def hold_pending(tx: Tx, subject: SubjectId) -> bool:
    """Lock the open requests about a record; False where somebody is acting on one of them at this moment."""
    locked = {row.id for row in tx.rows("links.hold_pending", subject=subject)}
    return locked.issuperset(pending(tx, subject))


def ask_new_holder(
    tx: Tx, request: RequestId, digest: bytes, *, account: SubjectId, old: SubjectId, new: SubjectId, at: datetime
) -> None:
    """Keep who is to take an account over with this content; the database wants their proof before it is applied."""
    tx.run("links.ask_new_holder", request=request, digest=digest, account=account, from_=old, to=new, at=at)


def list_work(tx: Tx, link: ChangeId, work: Sequence[tuple[str, str]], *, at: datetime) -> None:
    """List what an undone merge leaves to a person: (what, why) pairs."""
    tx.run("links.list_work", link=link, what=[what for what, _ in work], why=[why for _, why in work], at=at)


def work_open(look: Look, *, limit: int) -> list[Work]:
    """Return what nobody has settled, the oldest first."""
    return [
        Work(link=row.link_id, merged=row.merged_id, survivor=row.survivor_id, what=row.what, why=row.why, at=row.at)
        for row in look.rows("links.work_open", limit=limit)
    ]


def settle(tx: Tx, link: UUID, what: str, *, by: str, at: datetime) -> bool:
    """Strike one thing off the list; False when it is not on it."""
    return tx.run("links.settle", link=link, what=what, by=by, at=at) == 1
