"""Everything that the oracle judges, gathered after a run: what callers were told, what is stored, what arrived."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg.rows import dict_row
from tests.faults import ledger, outside
from tests.faults.installation import Installation

TABLES: Mapping[str, str] = {
    "subject": "SELECT id, ver, head_leaf FROM desk.subject WHERE client_id = %s",
    "entry": "SELECT id, change_id, subject_id, ver, recorded_at, request_id, kind, actor, fields_hash, meta_hash,"
    " leaf_hash FROM desk.entry WHERE client_id = %s ORDER BY id",
    "staged": "SELECT entry_id FROM desk.staged WHERE client_id = %s",
    "leaf": "SELECT idx, entry_id FROM desk.log_leaf WHERE client_id = %s ORDER BY idx",
    "head": "SELECT size, frontier FROM desk.log_head WHERE client_id = %s",
    "cursor": "SELECT consumer, next_idx FROM desk.cursor WHERE client_id = %s",
    "once": "SELECT actor, key_hash, reply FROM desk.once WHERE client_id = %s",
    "request": "SELECT id, ref, subject_id, kind, state, digest, route, needs_level, needs_consent, needs_approvals,"
    " entered_by, applied_change FROM desk.request WHERE client_id = %s",
    # Of every client: all of them send to the same receivers.
    "delivery": "SELECT id, client_id || ':' || dedupe AS dedupe, request_id, event, channel, required, state"
    " FROM desk.delivery WHERE %s > 0",
    "decision": "SELECT request_id, digest, actor, verdict FROM desk.decision WHERE client_id = %s",
    "consent": "SELECT request_id, digest FROM desk.consent WHERE client_id = %s",
    "challenge": "SELECT request_id, digest, method, purpose FROM desk.challenge"
    " WHERE client_id = %s AND state = 'confirmed'",
    "open_field": "SELECT request_id FROM desk.open_field WHERE client_id = %s",
}
Row = dict[str, Any]


@dataclass
class Evidence:
    """One run. ``replays`` holds, by key, the status and the body that a repeat of an acknowledged call got."""

    calls: dict[str, ledger.Call]
    tables: dict[str, list[Row]]
    opened: dict[str, Any]
    received: list[dict[str, str]]
    replays: dict[str, tuple[int, str]]
    actors: dict[str, str]
    """Who each credential is in the records: key, ben, ines."""
    sent_at: dict[str, float] = field(default_factory=dict)


def gather(
    installation: Installation, folder: Path, client: int, replays: dict[str, tuple[int, str]], actors: dict[str, str]
) -> Evidence:
    """Read everything, past all rights, in one snapshot."""
    with installation.admin() as admin, admin.transaction():
        admin.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        with admin.cursor(row_factory=dict_row) as cursor:
            tables = {name: cursor.execute(query, [client]).fetchall() for name, query in TABLES.items()}
    return Evidence(
        calls=ledger.read(folder / "ledger.jsonl"),
        tables=tables,
        opened=installation.python("tests.faults.opened", str(client)),
        received=outside.received(folder / "received.jsonl"),
        replays=replays,
        actors=actors,
    )
