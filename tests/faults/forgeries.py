"""Ways to forge a log in its database. Each forges, and returns where that must show."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import uuid4

from tests.faults.forging import NOWHERE, Forger, Shows

from changedesk.base.ids import uuid7

Forgery = Callable[[Forger], Shows]


def edit(column: str, value: Callable[[Forger], object], where: str = "true") -> Forgery:
    """Another value in one column of an entry."""

    def forge(by: Forger) -> Shows:
        row, other = by.one(where), value(by)
        while other == getattr(row, column):
            other = value(by)
        by.run(f"UPDATE desk.entry SET {column} = %s WHERE client_id = :c AND id = %s", other, row.id)
        return Shows(row.idx)

    forge.__name__ = f"edit_{column}"
    return forge


def back_date(by: Forger) -> Shows:
    row = by.one()
    earlier = row.recorded_at - by.dice.choice(
        [timedelta(microseconds=7), timedelta(milliseconds=1), timedelta(days=9)]
    )
    by.run("UPDATE desk.entry SET recorded_at = %s WHERE client_id = :c AND id = %s", earlier, row.id)
    return Shows(row.idx)


def back_date_and_make_it_fit(by: Forger) -> Shows:
    """All is made anew from there: hashes, chain, tree, head, files. What was signed remains."""
    row = by.one("e.ver IS NULL OR e.ver > 1")
    earlier = row.recorded_at - timedelta(days=30)
    by.run("UPDATE desk.entry SET recorded_at = %s WHERE client_id = :c AND id = %s", earlier, row.id)
    shows = by.stretch(row.idx)
    return Shows(shows.index, shows.until, by.everything_again(row.idx))


def commit_to_something_else(by: Forger) -> Shows:
    """As that, with another commitment: the sealed values say which entry it is."""
    row, column = by.one(), by.dice.choice(["fields_hash", "meta_hash"])
    by.run(f"UPDATE desk.entry SET {column} = %s WHERE client_id = :c AND id = %s", os.urandom(32), row.id)
    given = by.everything_again(row.idx)
    return Shows(row.idx, row.idx + 1, given)


def delete_entry(by: Forger) -> Shows:
    row = by.one()
    for table, column in by.dice.choice(_DELETED):
        by.run(f"DELETE FROM desk.{table} WHERE client_id = :c AND {column} = %s", row.id)
    return Shows(row.idx)


_DELETED: Final = (
    [("entry", "id")],
    [("entry", "id"), ("payload", "entry_id")],
    [("log_leaf", "entry_id")],
    [("entry", "id"), ("payload", "entry_id"), ("log_leaf", "entry_id")],
    [("payload", "entry_id")],
)


def delete_and_close_the_gap(by: Forger) -> Shows:
    row = by.one(f"l.idx < {by.log.size - 1}")
    for table, column in _DELETED[3]:
        by.run(f"DELETE FROM desk.{table} WHERE client_id = :c AND {column} = %s", row.id)
    _shift(by, row.idx, -1)
    by.head(by.log.size - 1)
    return Shows(row.idx)


def _shift(by: Forger, above: int, step: int) -> None:
    by.run("UPDATE desk.log_leaf SET idx = -1 - idx WHERE client_id = :c AND idx >= %s", above)
    by.run("UPDATE desk.log_leaf SET idx = -1 - idx + %s WHERE client_id = :c AND idx < 0", step)


def insert_entry(by: Forger) -> Shows:
    """A copy of an entry under an id of its own: beside the log, in its queue, at its end, or in its midst."""
    row, id_ = by.one("e.ver IS NULL"), by.rows("SELECT nextval('desk.entry_id') AS id")[0].id
    by.run(
        f"INSERT INTO desk.entry (id, change_id, {_COPIED}) SELECT %s, %s, {_COPIED} FROM desk.entry"
        " WHERE client_id = :c AND id = %s",
        id_, uuid7(), row.id,
    )  # fmt: skip
    by.run(
        "INSERT INTO desk.payload (client_id, meta_epoch, entry_id, ct, meta_ct) SELECT client_id, meta_epoch, %s, ct,"
        " meta_ct FROM desk.payload WHERE client_id = :c AND entry_id = %s",
        id_, row.id,
    )  # fmt: skip
    how = by.dice.choice(["beside", "queued", "end", "midst"])
    if how == "queued":
        by.run("INSERT INTO desk.staged (client_id, entry_id) VALUES (:c, %s)", id_)
    if how in ("beside", "queued"):
        return Shows(NOWHERE)
    place = by.log.size if how == "end" else by.dice.randrange(by.log.size)
    if how == "midst":
        _shift(by, place, 1)
    by.run("INSERT INTO desk.log_leaf (client_id, idx, entry_id) VALUES (:c, %s, %s)", place, id_)
    by.head(by.log.size + 1)
    return Shows(place)


_COPIED: Final = (
    "client_id, ver, recorded_at, subject_id, request_id, kind, actor, channel, fields, fields_hash, meta_hash"
    ", leaf_hash"
)


def reorder(by: Forger) -> Shows:
    first, second = by.two()
    for idx, entry in ((first.idx, -1), (second.idx, first.id), (first.idx, second.id)):
        by.run("UPDATE desk.log_leaf SET entry_id = %s WHERE client_id = :c AND idx = %s", entry, idx)
    if by.dice.random() < 0.5:
        by.head(by.log.size)
    return Shows(first.idx)


def reorder_and_make_it_fit(by: Forger) -> Shows:
    """Two neighbours of different records change places, and all is made to fit."""
    rows = by.rows(f"{_LOG} ORDER BY l.idx")
    place = by.dice.choice([i for i in range(len(rows) - 1) if rows[i].subject_id != rows[i + 1].subject_id])
    first, second = rows[place], rows[place + 1]
    shows = by.stretch(first.idx)
    for idx, entry in ((first.idx, -1), (second.idx, first.id), (first.idx, second.id)):
        by.run("UPDATE desk.log_leaf SET entry_id = %s WHERE client_id = :c AND idx = %s", entry, idx)
    return Shows(shows.index, by.stretch(second.idx).until, by.everything_again(first.idx))


_LOG: Final = (
    "SELECT l.idx, e.id, e.subject_id FROM desk.log_leaf l JOIN desk.entry e"
    " ON e.client_id = l.client_id AND e.id = l.entry_id WHERE l.client_id = :c"
)


def cut_the_tail(by: Forger) -> Shows:
    """Take the newest entries away: alone, with their checkpoints, with the anchors too, and the files set back."""
    size = by.log.size - by.dice.randrange(1, by.log.size // 2)
    how = by.dice.randrange(4)
    for table, column in _DELETED[3][:2]:
        by.run(
            f"DELETE FROM desk.{table} WHERE client_id = :c AND {column} IN"
            " (SELECT entry_id FROM desk.log_leaf WHERE client_id = :c AND idx >= %s)",
            size,
        )
    by.run("DELETE FROM desk.log_leaf WHERE client_id = :c AND idx >= %s", size)
    by.head(size)
    newest = by.log.checkpoints[-1]
    if how == 0:
        return Shows(size)
    by.run("DELETE FROM desk.checkpoint WHERE client_id = :c AND size > %s", size)
    older = by.rows("SELECT note FROM desk.checkpoint WHERE client_id = :c ORDER BY size DESC LIMIT 1")
    if how == 1 or not older:
        return Shows(size)
    if how == 2:
        by.run("DELETE FROM desk.anchor WHERE log = :c AND size > %s", size)
        return Shows(size)
    # All of it, but the checkpoint that somebody else kept.
    by.run("DELETE FROM desk.anchor WHERE log = :c AND size > %s", size)
    given = by.log.given()
    return Shows(size, given=type(given)(given.folder, bytes(older[0].note), (newest,), at=given.at))


def swap(column: str) -> Forgery:
    """The sealed parts of two entries change places."""

    def forge(by: Forger) -> Shows:
        first, second = by.two()
        for row, other in ((first, second), (second, first)):
            sealed = getattr(other, column)
            by.run(f"UPDATE desk.payload SET {column} = %s WHERE client_id = :c AND entry_id = %s", sealed, row.id)
        return Shows(first.idx)

    forge.__name__ = f"swap_{column}"
    return forge


def damage(column: str) -> Forgery:
    """A bit of what is sealed."""

    def forge(by: Forger) -> Shows:
        row = by.one()
        sealed = bytearray(getattr(row, column))
        sealed[by.dice.randrange(len(sealed))] ^= 1 << by.dice.randrange(8)
        given = None if column == "ct" and by.dice.random() < 0.2 else bytes(sealed)
        by.run(f"UPDATE desk.payload SET {column} = %s WHERE client_id = :c AND entry_id = %s", given, row.id)
        return Shows(row.idx)

    forge.__name__ = f"damage_{column}"
    return forge


def another_entrys_change(by: Forger) -> Shows:
    """An entry takes another one's place in its row: both say they are it."""
    first, second = by.two("e.ver IS NULL")
    by.run("UPDATE desk.entry SET subject_id = %s WHERE client_id = :c AND id = %s", second.subject_id, first.id)
    by.run("UPDATE desk.entry SET kind = 'record.viewed' WHERE client_id = :c AND id = %s", first.id)
    return Shows(first.idx)


def point_elsewhere(by: Forger) -> Shows:
    row = by.one()
    by.run("UPDATE desk.log_leaf SET entry_id = %s WHERE client_id = :c AND idx = %s", 10**12, row.idx)
    return Shows(row.idx)


def another_leaf(by: Forger) -> Shows:
    row = by.one()
    by.run("UPDATE desk.log_leaf SET leaf_hash = %s WHERE client_id = :c AND idx = %s", os.urandom(32), row.idx)
    return Shows(row.idx)


def head(by: Forger) -> Shows:
    if by.dice.random() < 0.5:
        frontier = by.grown(by.log.size - 1).to_bytes()
        by.run("UPDATE desk.log_head SET frontier = %s WHERE client_id = :c", frontier)
        return Shows(by.log.size - 1)
    by.run("UPDATE desk.log_head SET size = size - 1 WHERE client_id = :c")
    return Shows(by.log.size - 2, by.log.size)


ANY_BYTES: Final = lambda _by: os.urandom(32)  # noqa: E731 - a value beside the others
ENTRIES: Final = [
    edit("change_id", lambda _by: uuid4()),
    edit("kind", lambda by: by.dice.choice(["change.applied", "change.reverted"]), "e.kind = 'change.recorded'"),
    edit("kind", lambda _by: "notice.sent", "e.ver IS NULL"),
    edit("subject_id", lambda _by: uuid4()),
    edit("ver", lambda by: by.dice.randrange(1000, 2000), "e.ver IS NOT NULL"),
    edit("fields_hash", ANY_BYTES),
    edit("meta_hash", ANY_BYTES),
    edit("leaf_hash", ANY_BYTES),
    edit("actor", lambda by: f"s{by.dice.randrange(50, 99)}"),
    edit("channel", lambda by: by.dice.choice(["branch", "letter", "fax"])),
    edit("fields", lambda by: by.dice.choice([None, "billing.iban"]), "e.fields IS NOT NULL"),
    edit("request_id", lambda _by: None, "e.request_id IS NOT NULL AND e.kind NOT LIKE 'identity.%%'"),
    edit("request_id", lambda by: by.one("e.request_id IS NOT NULL AND e.kind <> 'request.submitted'").request_id,
         "e.kind = 'request.submitted'"),
    back_date, back_date, back_date_and_make_it_fit, commit_to_something_else,
    delete_entry, delete_entry, delete_and_close_the_gap, insert_entry, insert_entry, reorder, reorder_and_make_it_fit,
    cut_the_tail, cut_the_tail, cut_the_tail, swap("ct"), swap("meta_ct"), damage("ct"), damage("meta_ct"),
    another_entrys_change, point_elsewhere, another_leaf, head,
]  # fmt: skip
