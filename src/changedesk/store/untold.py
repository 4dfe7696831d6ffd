"""Entries whose notices could not be made, because something that they tell of cannot be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from changedesk.store.tx import Look, Tx


@dataclass(frozen=True, slots=True)
class Untold:
    """How many entries nobody could be told of yet, the first of them, and since when."""

    entries: int
    first: int
    since: datetime


def note(tx: Tx, places: Sequence[int], *, at: datetime) -> None:
    """Remember entries, by their places in the log; each is due again later than the last time."""
    if places:
        tx.post("untold.note", places=list(places), at=at)


def due(tx: Tx, *, now: datetime, limit: int) -> list[int]:
    """Return the places that are to be tried again, claimed for this transaction."""
    return [row.idx for row in tx.rows("untold.due", now=now, limit=limit)]


def told(tx: Tx, places: Sequence[int]) -> None:
    """Forget entries that were told of."""
    if places:
        tx.post("untold.told", places=list(places))


def standing(look: Look) -> Untold | None:
    """Return what waits to be told; None when nothing does."""
    (row,) = look.rows("untold.standing")
    return Untold(*row) if row.entries else None
