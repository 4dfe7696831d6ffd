"""Prints one client's sealed history, opened by the program's own keys: states, folds, and what each entry says."""

import json
import sys
from collections.abc import Mapping
from typing import Any

import django
from psycopg.rows import namedtuple_row

django.setup()

from changedesk.base.clock import micros, now  # noqa: E402 - tables load after set-up
from changedesk.base.ids import ClientId  # noqa: E402
from changedesk.ledger.commitment import commit_fields, commit_meta  # noqa: E402
from changedesk.ledger.fold import fold  # noqa: E402
from changedesk.store import past, subjects  # noqa: E402
from changedesk.store.tx import Look, look  # noqa: E402

ENTRIES = """
SELECT e.change_id, e.ver, e.fields_hash, e.meta_hash, p.meta_epoch, p.ct, p.meta_ct
FROM desk.entry e JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id
WHERE e.client_id = %s AND e.subject_id = %s ORDER BY e.id
"""


def subject(seen: Look, one: subjects.Subject) -> dict[str, Any]:
    """A subject's state, what its whole history folds to now, and its entries."""
    stored, snapshot = past.versions(seen, one, newest=one.ver)
    moment = micros(now())
    return {
        "state": _plain({path: held.text for path, held in one.state.items()}),
        "fold": _plain(fold(stored, moment, moment, snapshot)),
        "entries": [_entry(seen, one, row) for row in _rows(seen, one)],
    }


def _rows(seen: Look, one: subjects.Subject) -> list[Any]:
    with seen.connection.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(ENTRIES, [seen.client, one.id]).fetchall()


def _entry(seen: Look, one: subjects.Subject, row: Any) -> dict[str, Any]:
    payload, meta = past.payload_of(seen, one.id, row, one.key), past.meta_of(seen, one.id, row)
    assert payload is not None
    kept = commit_fields(payload.cs, payload.assertions), commit_meta(meta.ms, meta.body)
    return {
        "change": str(row.change_id),
        "values": _plain({item.path: item.new or b"" for item in payload.assertions}),
        "committed": kept == (bytes(row.fields_hash), bytes(row.meta_hash)),
    }


def _plain(texts: Mapping[str, bytes]) -> dict[str, str]:
    return {path: text.decode() for path, text in texts.items()}


def main(client: int) -> None:
    with look(ClientId(client)) as seen:
        ids = [row[0] for row in seen.connection.execute("SELECT id FROM desk.subject").fetchall()]
        found = {str(one.id): subject(seen, one) for one in subjects.load(seen, ids).values()}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]))
