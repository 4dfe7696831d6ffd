"""Somebody who forges a log as its database's superuser and as the owner of its files."""

import random
import shutil
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from psycopg.rows import namedtuple_row
from tests.faults.audited import Log

from changedesk.ledger.tree import Frontier, leaf_hash
from changedesk.outbound.publish import write
from changedesk.reading.audit import Given
from changedesk.store.published import document
from changedesk.store.tile_files import Folder
from changedesk.store.tx import Look

NOWHERE: Final = -1
"""It shows at something that the log has no place for."""


@dataclass(frozen=True)
class Shows:
    """Where a forgery must show: at an entry, at one of a stretch, or NOWHERE in the log."""

    index: int
    until: int | None = None
    given: Given | None = None


class Forger:
    """Whoever forges: a connection that nothing stops, and dice."""

    def __init__(self, log: Log, connection: Any, dice: random.Random, spare: Folder) -> None:
        self.log = log
        self.connection = connection
        self.dice = dice
        self.client = int(log.home.client)
        self.spare = spare

    def rows(self, query: str, *given: Any) -> list[Any]:
        cursor = self.connection.cursor(row_factory=namedtuple_row)
        found: list[Any] = cursor.execute(query.replace(":c", str(self.client)), given).fetchall()
        return found

    def run(self, query: str, *given: Any) -> None:
        done = self.connection.execute(query.replace(":c", str(self.client)), given)
        assert done.rowcount, query

    def one(self, where: str = "true", *given: Any) -> Any:
        """A random entry with its place."""
        return self.dice.choice(self.rows(f"{ENTRIES} AND {where} ORDER BY l.idx", *given))

    def two(self, where: str = "true") -> tuple[Any, Any]:
        first, second = self.dice.sample(self.rows(f"{ENTRIES} AND {where} ORDER BY l.idx"), 2)
        return (first, second) if first.idx < second.idx else (second, first)

    def last_of(self, subject: UUID) -> int:
        """The place of a record's last change."""
        return int(
            self.rows(f"{ENTRIES} AND e.subject_id = %s AND e.ver IS NOT NULL ORDER BY e.ver DESC", subject)[0].idx
        )

    def first_of(self, subject: UUID) -> int:
        return int(self.rows(f"{ENTRIES} AND e.subject_id = %s ORDER BY l.idx", subject)[0].idx)

    def subject(self) -> Any:
        return self.dice.choice(self.rows("SELECT * FROM desk.subject WHERE client_id = :c ORDER BY id"))

    def grown(self, size: int) -> Frontier:
        """The tree as the leaf hashes beside the entries give it."""
        return Frontier().append_many(bytes(row.leaf_hash) for row in self.rows(f"{ENTRIES} ORDER BY l.idx")[:size])

    def stretch(self, index: int) -> Shows:
        """Between the checkpoint below a place and the next one: nobody can say more when all else fits."""
        sizes = [
            0,
            *(row.size for row in self.rows("SELECT size FROM desk.checkpoint WHERE client_id = :c ORDER BY 1")),
        ]
        return Shows(max(size for size in sizes if size <= index), min(size for size in sizes if size > index))

    def everything_again(self, start: int) -> Given:
        """Make hashes, chains, tree, head and files fit what the entries say now. What is signed cannot be made."""
        prev: dict[tuple[UUID, int], bytes] = {}
        for read in self.rows(f"{ENTRIES} ORDER BY l.idx"):
            row = read._replace(prev_leaf=prev.get((read.subject_id, (read.ver or 0) - 1)))
            leaf = bytes(row.leaf_hash)
            if row.idx >= start:
                own = document(row)
                assert own is not None
                leaf = leaf_hash(own)
                self.run("UPDATE desk.entry SET leaf_hash = %s WHERE client_id = :c AND id = %s", leaf, row.id)
            prev[row.subject_id, row.ver or 0] = leaf
        self.run(
            "UPDATE desk.subject s SET head_leaf = (SELECT leaf_hash FROM desk.entry e WHERE e.client_id = :c"
            " AND e.subject_id = s.id AND e.ver = s.ver) WHERE client_id = :c"
        )
        self.head(self.log.size)
        write(Look(self.connection, self.log.home.client), self.spare, 0, self.log.size)
        (self.spare.root / "checkpoint").write_bytes(self.log.folder.checkpoint())
        return self.log.given(self.spare)

    def copy(self) -> None:
        """Put the published files where they may be forged."""
        shutil.copytree(self.log.folder.root, self.spare.root)

    def head(self, size: int) -> None:
        self.run(
            "UPDATE desk.log_head SET size = %s, frontier = %s WHERE client_id = :c", size, self.grown(size).to_bytes()
        )


ENTRIES: Final = (
    "SELECT l.idx, e.*, p.ct, p.meta_ct, NULL::bytea AS prev_leaf FROM desk.log_leaf l"
    " JOIN desk.entry e ON e.client_id = l.client_id AND e.id = l.entry_id"
    " LEFT JOIN desk.payload p ON p.client_id = l.client_id AND p.entry_id = l.entry_id WHERE l.client_id = :c"
)
