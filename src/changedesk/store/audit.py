"""What an audit reads: all of a client's facts as they stand, in stretches, nothing believed."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from changedesk.ledger.commitment import Assertion
from changedesk.ledger.payload import Payload
from changedesk.ledger.seal import blind_tag
from changedesk.ledger.tiles import WIDTH
from changedesk.store import keys, past, subjects
from changedesk.store.queries import SQL
from changedesk.store.tile_files import INSTALLATION
from changedesk.store.tx import Look

AT_ONCE: Final = 16 * WIDTH
"""Entries that are read at once: whole tiles of them."""
MOST: Final = 1000
"""Rows that are read of what must not be there at all."""
Tag = tuple[str, int, bytes]
"""A row of the blind index, without the record that it leads to: index, epoch, tag."""


def entries(look: Look, start: int, until: int) -> list[Any]:
    """Return a stretch of the log, with None in the columns of what is not there."""
    return look.rows("audit.entries", start=start, until=until)


def unplaced(look: Look) -> list[Any]:
    """Return entries that the log does not hold; ``queued`` for those that wait for their place."""
    return look.rows("audit.unplaced", limit=MOST)


def strays(look: Look, size: int) -> list[Any]:
    """Return (what, entry_id) of rows that belong to no entry, or lie behind the log's end."""
    return look.rows("audit.strays", size=size, limit=MOST)


def head(look: Look) -> tuple[int, bytes]:
    """Return the log's size and frontier as its head has them."""
    row = look.row("audit.head")
    return (0, b"") if row is None else (int(row.size), bytes(row.frontier))


def checkpoints(look: Look, above: int, upto: int) -> list[Any]:
    """Return size, root and note of the checkpoints of these sizes."""
    return look.rows("audit.checkpoints", above=above, upto=upto)


def cosignatures(look: Look, above: int, upto: int) -> list[Any]:
    """Return size, witness and lines of what witnesses signed of these sizes."""
    return look.rows("audit.cosignatures", above=above, upto=upto)


def anchored(installation: Look, client: int, above: int, upto: int) -> list[Any]:
    """Return size and digest of a client's checkpoints in the installation's own log."""
    if installation.client != INSTALLATION:
        raise ValueError("the installation's log is read as the installation")
    return installation.rows("audit.anchored", log=client, above=above, upto=upto)


def subject_ids(look: Look) -> Iterator[list[UUID]]:
    """Give all records' ids in order, in lists."""
    after = UUID(int=0)
    while rows := look.rows("audit.subject_ids", after=after, limit=AT_ONCE // 16):
        after = rows[-1].id
        yield [row.id for row in rows]


def subject_rows(look: Look, ids: Sequence[UUID]) -> list[Any]:
    """Return the rows of some records in order of their ids, with their keys, unopened."""
    return look.rows("audit.subjects", ids=list(ids))


def versions(look: Look, ids: Sequence[UUID]) -> Iterator[Any]:
    """Give the changes of some records, record by record, version by version."""
    after, ver = UUID(int=0), 0
    while rows := look.rows("audit.versions", ids=list(ids), after=after, after_ver=ver, limit=AT_ONCE):
        yield from rows
        if len(rows) < AT_ONCE:
            break
        after, ver = rows[-1].subject_id, rows[-1].ver


def forgotten(look: Look, ids: Sequence[UUID]) -> set[UUID]:
    """Return those records of which an entry says that something of them was forgotten."""
    return {row.subject_id for row in look.rows("audit.forgotten", ids=list(ids))}


def places(look: Look, entry_ids: Sequence[int]) -> dict[int, int]:
    """Return the places of entries in the log by their ids."""
    return {row.entry_id: row.idx for row in look.rows("audit.places", entries=list(entry_ids))}


def lookups(look: Look) -> Iterator[tuple[UUID, set[Tag]]]:
    """Give the whole blind index, record by record, in order of their ids."""
    with look.connection.cursor("audit_lookups") as cursor:
        cursor.itersize = AT_ONCE
        cursor.execute(SQL["audit.lookups"], {"client": look.client}, binary=True)
        for subject, rows in groupby(cursor, key=itemgetter(0)):
            yield subject, {(field, epoch, bytes(tag)) for _, field, epoch, tag in rows}


def lookups_missing(look: Look, wanted: Sequence[tuple[UUID, Tag]]) -> set[UUID]:
    """Return the records of which a tag is missing in the blind index."""
    rows = look.rows(
        "audit.lookups_missing",
        subject=[subject for subject, _ in wanted],
        field=[tag[0] for _, tag in wanted],
        epoch=[tag[1] for _, tag in wanted],
        tag=[tag[2] for _, tag in wanted],
    )
    return {row.subject_id for row in rows}


def tags(look: Look, index: str, term: str) -> tuple[Tag, list[Tag]]:
    """Return the row of the blind index that a term must have, and those that it may have while its key is renewed."""
    client = keys.of_client(look)
    all_ = {epoch: (index, epoch, blind_tag(key, index, term)) for epoch, key in client.blinds.items()}
    return all_.pop(client.blind_epoch), list(all_.values())


def requests(look: Look, ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Return the rows of some requests by id."""
    return {row.id: row for row in look.rows("audit.requests", ids=list(ids))}


def consents(look: Look, ids: Sequence[UUID]) -> dict[tuple[UUID, bytes], Any]:
    """Return the consents of some requests by request and digest."""
    return {(row.request_id, bytes(row.digest)): row for row in look.rows("audit.consents", ids=list(ids))}


def decisions(look: Look, ids: Sequence[UUID]) -> dict[tuple[UUID, bytes, str], Any]:
    """Return the decisions of some requests by request, digest and who decided."""
    return {(row.request_id, bytes(row.digest), row.actor): row for row in look.rows("audit.decisions", ids=list(ids))}


def challenges(look: Look, ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Return some challenges by id."""
    return {row.id: row for row in look.rows("audit.challenges", ids=list(ids))}


def unspoken(look: Look) -> list[Any]:
    """Return (what, request_id, subject_id) of evidence that no entry speaks of."""
    return look.rows("audit.unspoken", limit=MOST)


def key_of(look: Look, row: Any) -> keys.SubjectKey:
    """Return a record's key from its row. Raises what is wrong with it; Erased for a tombstone."""
    if row.key_of != row.id or row.epoch is None:
        raise LookupError("no key of this record")
    return keys.of_subject(look, row.id, row.key_id, row.epoch, row.wrapped)


def state_of(look: Look, row: Any) -> tuple[dict[str, tuple[bytes, int]], bool]:
    """Return a record's state as it is sealed: path to (text, version), and whether it is dated."""
    opened = subjects.opened(look, row)
    return {path: (held.text, held.ver) for path, held in opened.state.items()}, opened.dated


def payload_of(look: Look, subject: UUID, row: Any, key: keys.SubjectKey | None) -> Payload | None:
    """Return an entry's values; None where they are gone."""
    return past.payload_of(look, subject, row, key)


def paths(assertions: Sequence[Assertion]) -> str | None:
    """Return what stands in clear of an entry's fields."""
    return " ".join(dict.fromkeys(item.path for item in assertions)) or None
