"""Ways to forge what stands beside the entries: records, look-ups, keys, evidence, what was signed, files."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from tests.faults.forgeries import Forgery
from tests.faults.forging import ENTRIES, NOWHERE, Forger, Shows

from changedesk.ledger.tiles import ENTRIES as BUNDLE
from changedesk.ledger.tiles import WIDTH, parse_path


def older_state(by: Forger) -> Shows:
    """A record as it once was: its sealed state alone, or all that says how it stands."""
    was = by.dice.choice(by.log.older)
    (now,) = by.rows("SELECT * FROM desk.subject WHERE client_id = :c AND id = %s", was["id"])
    if was["ver"] == now.ver:
        was = {**was, "ver": now.ver - 1}
    if by.dice.random() < 0.5:
        by.run("UPDATE desk.subject SET state_ct = %s, ver = ver WHERE client_id = :c AND id = %s",
               was["state"] if was["state"] != now.state_ct else os.urandom(90), now.id)  # fmt: skip
    else:
        by.run("UPDATE desk.subject SET state_ct = %s, ver = %s, head_leaf = %s WHERE client_id = :c AND id = %s",
               was["state"], was["ver"], was["head"], now.id)  # fmt: skip
    return Shows(by.last_of(now.id))


def swap_states(by: Forger) -> Shows:
    rows = by.dice.sample(by.rows("SELECT * FROM desk.subject WHERE client_id = :c ORDER BY id"), 2)
    for row, other in (rows, rows[::-1]):
        by.run("UPDATE desk.subject SET state_ct = %s WHERE client_id = :c AND id = %s", other.state_ct, row.id)
    return Shows(min(by.last_of(row.id) for row in rows))


def edit_record(by: Forger) -> Shows:
    row = by.subject()
    column, value, first = by.dice.choice(
        [("status", "suspended", False), ("head_leaf", os.urandom(32), False), ("erased_at", row.created_at, False),
         ("type", "account", True), ("created_at", row.created_at - timedelta(days=1), True), ("key_id", uuid4(), None)]
    )  # fmt: skip
    by.run(f"UPDATE desk.subject SET {column} = %s WHERE client_id = :c AND id = %s", value, row.id)
    return Shows(by.last_of(row.id) if first is False else by.first_of(row.id))


def delete_record(by: Forger) -> Shows:
    row = by.subject()
    by.run("DELETE FROM desk.subject WHERE client_id = :c AND id = %s", row.id)
    return Shows(by.first_of(row.id))


def swap_keys(by: Forger) -> Shows:
    rows = by.dice.sample(by.rows("SELECT * FROM desk.subject_key WHERE client_id = :c ORDER BY subject_id"), 2)
    for row, other in (rows, rows[::-1]):
        by.run(
            "UPDATE desk.subject_key SET wrapped = %s WHERE client_id = :c AND key_id = %s", other.wrapped, row.key_id
        )
    return Shows(min(by.first_of(row.subject_id) for row in rows))


def shred_a_key(by: Forger) -> Shows:
    """As an erasure would, and none is recorded."""
    row = by.subject()
    by.run(
        "UPDATE desk.subject_key SET wrapped = NULL, shredded_at = now() WHERE client_id = :c AND key_id = %s",
        row.key_id,
    )
    return Shows(by.first_of(row.id))


def change_a_clients_key(by: Forger) -> Shows:
    """Another purpose's key, or none."""
    purpose = by.dice.choice(["meta", "kek", "log"])
    if purpose == "log":
        by.run("DELETE FROM desk.client_key WHERE client_id = :c AND purpose = 'log'")
        (first,) = by.rows("SELECT size FROM desk.checkpoint WHERE client_id = :c ORDER BY size LIMIT 1")
        return Shows(first.size - 1)
    by.run(
        "UPDATE desk.client_key SET wrapped = (SELECT wrapped FROM desk.client_key WHERE client_id = :c"
        " AND purpose = 'code') WHERE client_id = :c AND purpose = %s",
        purpose,
    )
    return Shows(0)


def edit_lookups(by: Forger) -> Shows:
    row = by.dice.choice(by.rows("SELECT * FROM desk.blind_index WHERE client_id = :c ORDER BY field, tag, subject_id"))
    others = by.rows("SELECT id FROM desk.subject WHERE client_id = :c ORDER BY id")
    where = " WHERE client_id = :c AND field = %s AND tag = %s AND subject_id = %s"
    key = (row.field, row.tag, row.subject_id)
    how = by.dice.choice(["gone", "elsewhere", "nobody", "other tag"])
    if how == "gone":
        by.run("DELETE FROM desk.blind_index" + where, *key)
    elif how == "other tag":
        by.run("UPDATE desk.blind_index SET tag = %s" + where, os.urandom(16), *key)
    elif how == "nobody":
        by.run("INSERT INTO desk.blind_index (client_id, field, epoch, tag, subject_id) VALUES (:c, %s, %s, %s, %s)",
               row.field, row.epoch, row.tag, uuid4())  # fmt: skip
        return Shows(NOWHERE)
    else:
        free = [one.id for one in others if not by.rows("SELECT 1 FROM desk.blind_index" + where, *key[:2], one.id)]
        if free:
            other = by.dice.choice(free)
            by.run("UPDATE desk.blind_index SET subject_id = %s" + where, other, *key)
            return Shows(min(by.last_of(other), by.last_of(row.subject_id)))
        by.run("DELETE FROM desk.blind_index" + where, *key)
    return Shows(by.last_of(row.subject_id))


def forge_evidence(table: str, kind: str, edits: dict[str, Any]) -> Forgery:
    """A row of evidence is edited or taken away; the entry that speaks of it says so."""

    def forge(by: Forger) -> Shows:
        row = by.one(f"e.kind = '{kind}'")
        where = " WHERE client_id = :c AND request_id = %s"
        column = by.dice.choice([*edits, None])
        if column is None:
            by.run(f"DELETE FROM desk.{table}" + where, row.request_id)
        else:
            by.run(f"UPDATE desk.{table} SET {column} = %s" + where, edits[column], row.request_id)
        return Shows(row.idx)

    forge.__name__ = f"forge_{table}"
    return forge


def forge_request(by: Forger) -> Shows:
    row = by.one("e.kind IN ('change.applied', 'request.submitted') AND e.request_id IS NOT NULL"
                 " AND EXISTS (SELECT FROM desk.request r WHERE r.client_id = e.client_id AND r.id = e.request_id"
                 " AND r.state = 'applied')")  # fmt: skip
    applied = by.one("e.kind = 'change.applied' AND e.request_id = %s", row.request_id).idx
    first = by.one("e.kind = 'request.submitted' AND e.request_id = %s", row.request_id).idx
    column, value, place = by.dice.choice(
        [("digest", os.urandom(32), applied), ("reason_code", "fraud", applied), ("entered_by", "s77", applied),
         ("applied_change", uuid4(), applied), ("kind", "loyalty", first), ("ref", "CR-2222-2222-2", first),
         ("requested_by", "nobody", first)]
    )  # fmt: skip
    by.run(f"UPDATE desk.request SET {column} = %s WHERE client_id = :c AND id = %s", value, row.request_id)
    return Shows(place)


def forge_challenge(by: Forger) -> Shows:
    """A challenge that was confirmed is said to have failed, or to have been another one."""
    row = by.one("e.kind = 'identity.verified' AND e.request_id IS NOT NULL")
    column, value = by.dice.choice([("state", "failed"), ("method", "callback")])
    spoken = by.rows(f"{ENTRIES} AND e.kind = 'identity.verified' AND e.request_id = %s ORDER BY l.idx", row.request_id)
    by.run(f"UPDATE desk.challenge SET {column} = %s WHERE client_id = :c AND request_id = %s", value, row.request_id)
    return Shows(spoken[0].idx)


def invent_evidence(by: Forger) -> Shows:
    """An approval and a consent that nobody gave, a request that ended as it did not."""
    row = by.one("e.kind = 'request.submitted'")
    how = by.dice.choice(["decision", "consent", "request"])
    if how == "decision":
        by.run("INSERT INTO desk.decision (client_id, request_id, digest, actor, verdict, at)"
               " VALUES (:c, %s, %s, 's98', 'approve', now())", row.request_id, os.urandom(32))  # fmt: skip
    elif how == "consent":
        by.run("INSERT INTO desk.consent (client_id, request_id, digest, statement, version, language, wording_hash,"
               " way, recorded_by, given_at) VALUES (:c, %s, %s, 'any', 1, 'en', %s, 'read_aloud', 's98', now())",
               uuid4(), os.urandom(32), os.urandom(32))  # fmt: skip
    else:
        by.run("UPDATE desk.request SET state = 'expired' WHERE client_id = :c AND state = 'withdrawn'")
    return Shows(NOWHERE)


def forge_checkpoint(by: Forger) -> Shows:
    rows = by.rows("SELECT size, root, note FROM desk.checkpoint WHERE client_id = :c ORDER BY size")
    row, other = by.dice.sample(rows, 2)
    where = " WHERE client_id = :c AND size = %s"
    how = by.dice.choice(["root", "note", "size", "gone", "signature", "unsigned"])
    if how == "root":
        by.run("UPDATE desk.checkpoint SET root = %s" + where, os.urandom(32), row.size)
    elif how == "note":
        by.run("UPDATE desk.checkpoint SET note = %s" + where, other.note, row.size)
    elif how == "signature":
        by.run("UPDATE desk.checkpoint SET note = %s" + where, row.note[:-9] + b"AAAAAAA=\n", row.size)
    elif how == "unsigned":
        by.run("UPDATE desk.checkpoint SET note = NULL" + where, row.size)
    elif how == "gone":
        by.run("DELETE FROM desk.checkpoint" + where, row.size)
    else:
        by.run("UPDATE desk.checkpoint SET size = size - 1" + where, row.size)
        return Shows(row.size - 2)
    return Shows(row.size - 1)


def older_published_checkpoint(by: Forger) -> Shows:
    """The file is an older checkpoint, which the log's key did sign."""
    given = by.log.given()
    older = by.dice.choice(by.log.checkpoints[:-1])
    return Shows(by.log.size - 1, given=type(given)(given.folder, older, at=given.at))


def damage_file(by: Forger) -> Shows:
    """A bit of a published file, its end, or all of it."""
    root = by.spare.root
    by.copy()
    path = by.dice.choice(sorted(path for path in (root / "tile").rglob("*") if path.is_file()))
    tile = parse_path(str(path.relative_to(root)))
    data = bytearray(path.read_bytes())
    at = by.dice.randrange(len(data))
    data[at] ^= 1 << by.dice.randrange(8)
    if by.dice.random() < 0.3:
        del data[at:]
    path.write_bytes(data)
    place, step = tile.index * WIDTH, 1 << max(tile.level, 0) * 8
    if tile.level != BUNDLE:
        first = (place + at // 32) * step
        return Shows(first, first + step, by.log.given(by.spare))
    return Shows(place + _document_at(by, path, at), given=by.log.given(by.spare))


def _document_at(by: Forger, path: Path, at: int) -> int:
    sound = (by.log.folder.root / path.relative_to(by.spare.root)).read_bytes()
    number = end = 0
    while True:
        end += 2 + int.from_bytes(sound[end : end + 2], "big")
        if at < end:
            return number
        number += 1


RECORDS: Final[list[Callable[[Forger], Shows]]] = [
    older_state, older_state, swap_states, edit_record, edit_record, delete_record, swap_keys, shred_a_key,
    change_a_clients_key, edit_lookups, edit_lookups, edit_lookups, forge_request,
    forge_evidence("decision", "request.approved", {"verdict": "reject", "actor": "s97", "digest": os.urandom(32)}),
    forge_evidence("consent", "consent.recorded", {"statement": "none", "version": 7, "language": "de", "way": "link"}),
    forge_challenge, invent_evidence, forge_checkpoint, forge_checkpoint, older_published_checkpoint,
    damage_file, damage_file, damage_file,
]  # fmt: skip
