"""Renewing keys in the database, one function a query: what is under way, what goes to the new epoch, what is left.

``flow.rotating`` decides what comes when; docs/keys.md tells why in this order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from changedesk.base.ids import SubjectId
from changedesk.ledger import seal
from changedesk.store import keys, masters
from changedesk.store.subjects import hold
from changedesk.store.terms import Terms
from changedesk.store.tx import Look, Tx

KEK: Final = "kek"
BLIND: Final = "blind"
META: Final = "meta"
ANNOUNCED: Final = "announced"
IN_USE: Final = keys.IN_USE
MOVING: Final = "moving"
LEAVING: Final = "leaving"
DONE: Final = "done"
START: Final = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """A renewal. ``old``: how much still stands under older epochs; ``done`` of ``todo``: what was written again."""

    purpose: str
    epoch: int
    step: str
    step_at: datetime
    after_id: UUID
    todo: int
    done: int
    old: int
    started_by: str
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Epoch:
    """A key, without the key. ``master``: what wraps it; ``phase``: announced, in_use, leaving, destroyed."""

    purpose: str
    epoch: int
    master: str
    phase: str
    created_at: datetime


def claim(tx: Tx) -> bool:
    """Say whether this transaction is the one that may renew keys of this client, until it ends."""
    row = tx.row("rotation.claim")
    return row is not None and bool(row.claimed)


def quiet(look: Look) -> bool:
    """Say whether every other transaction of ours is younger than what a process may believe of phases."""
    row = look.row("rotation.quiet", seconds=float(keys.KNOWN_SECONDS))
    return row is not None and bool(row.quiet)


def running(look: Look) -> list[Rotation]:
    """Return what is under way."""
    return [Rotation(**row._asdict()) for row in look.rows("rotation.running")]


def newest(look: Look, *, limit: int) -> list[Rotation]:
    """Return the last renewals, newest first."""
    return [Rotation(**row._asdict()) for row in look.rows("rotation.newest", limit=limit)]


def epochs(look: Look) -> list[Epoch]:
    """Return every key that the client ever had."""
    return [Epoch(**row._asdict()) for row in look.rows("rotation.epochs")]


def begin(tx: Tx, purpose: str, epoch: int, step: str, *, todo: int, old: int, by: str, at: datetime) -> bool:
    """Note a renewal; False when one of this purpose runs."""
    return tx.run("rotation.begin", purpose=purpose, epoch=epoch, step=step, todo=todo, old=old, by=by, at=at) == 1


def advance(tx: Tx, now: Rotation) -> None:
    """Keep how far a renewal is."""
    tx.run(
        "rotation.advance", purpose=now.purpose, epoch=now.epoch, step=now.step, step_at=now.step_at,
        after=now.after_id, done=now.done, old=now.old, finished_at=now.finished_at,
    )  # fmt: skip


def go_on(tx: Tx, purpose: str, epoch: int, phase: str) -> None:
    """Bring a key to its next phase."""
    tx.run("rotation.go_on", purpose=purpose, epoch=epoch, phase=phase)
    keys.forget(tx.client)


def destroy(tx: Tx, purpose: str, epoch: int) -> int:
    """Destroy the keys of older epochs than this one; return how many. The database refuses while one is needed."""
    gone = tx.run("rotation.destroy", purpose=purpose, epoch=epoch)
    keys.forget(tx.client)
    return gone


def old_keys(look: Look, epoch: int) -> int:
    """Count data keys that an older epoch than this wraps."""
    return int(look.rows("rotation.old_keys", epoch=epoch)[0].n)


def old_terms(look: Look, epoch: int) -> int:
    """Count terms of the blind index under an older epoch than this."""
    return int(look.rows("rotation.old_terms", epoch=epoch)[0].n)


def subjects(look: Look) -> int:
    """Count the records that may have terms."""
    return int(look.rows("rotation.subjects")[0].n)


def wrap_again(tx: Tx, epoch: int, *, after: UUID, limit: int) -> tuple[UUID | None, int]:
    """Wrap some data keys under the newest epoch; return the last one's id, None behind the last, and how many."""
    rows = tx.rows("rotation.keys", epoch=epoch, after=after, limit=limit)
    client = keys.of_client(tx, anew=True)
    wrapped = []
    for row in rows:
        was = seal.wrap_aad("subject", tx.client, row.subject_id, row.key_id.bytes, row.epoch)
        now = seal.wrap_aad("subject", tx.client, row.subject_id, row.key_id.bytes, epoch)
        key = seal.unwrap(client.keks[row.epoch], bytes(row.wrapped), was)
        wrapped.append(seal.wrap(client.keks[epoch], key, now))
    done = tx.run("rotation.wrap_again", epoch=epoch, key_id=[row.key_id for row in rows], wrapped=wrapped)
    return (rows[-1].key_id if len(rows) == limit else None), done


def write_terms(tx: Tx, epoch: int, terms: Terms, *, after: UUID, limit: int) -> tuple[UUID | None, int]:
    """Write the terms of some records under an epoch too; return the last one's id, None behind the last, and how many.

    The records are locked: nobody changes one between what is read of it and what is written.
    """
    ids = [SubjectId(row.id) for row in tx.rows("rotation.page", after=after, limit=limit)]
    key = keys.of_client(tx, anew=True).blinds[epoch]
    found = [
        (index, seal.blind_tag(key, index, term), subject.id)
        for subject in hold(tx, ids).values()
        for index, term in terms.of({path: held.text for path, held in subject.state.items()})
    ]
    columns: Sequence[Sequence[object]] = list(zip(*found, strict=True)) or ((), (), ())
    field, tag, subject_id = (list(column) for column in columns)
    tx.run("rotation.write_terms", epoch=epoch, field=field, tag=tag, subject=subject_id)
    return (ids[-1] if len(ids) == limit else None), len(ids)


def sweep(tx: Tx, epoch: int, *, limit: int) -> int:
    """Take some terms of older epochs away; return how many."""
    return tx.run("rotation.sweep", epoch=epoch, limit=limit)


def wrap_client_keys(tx: Tx, master: str) -> int:
    """Wrap the client's own keys under the master's version of now, where they are not; return how many.

    Raises MasterUnavailable.
    """
    rows = tx.rows("rotation.wrapped_keys", master=master)
    made = []
    for row in rows:
        aad = seal.wrap_aad(row.purpose, tx.client, None, row.key_id.bytes, row.epoch)
        made.append(masters.wrap(masters.unwrap(masters.Wrapped(row.master, bytes(row.wrapped)), aad), aad))
    done = tx.run(
        "rotation.wrap_client_keys", purpose=[row.purpose for row in rows], epochs=[row.epoch for row in rows],
        wrapped=[one.sealed for one in made], master=[one.master for one in made],
    )  # fmt: skip
    keys.forget(tx.client)
    return done
