"""The baseline: PostgreSQL's own pgbench writing and reading rows of the same shape and size, without the desk."""

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

TABLES = ("subject", "entry", "payload", "staged", "blind_index")


@dataclass(frozen=True)
class Sizes:
    """Bytes of what the desk stored per change, averages."""

    state: int
    payload: int
    meta: int
    terms: int
    """Terms of the blind index that a change takes away, and as many that it adds."""


def connect(admin: str, database: str = "changedesk") -> "psycopg.Connection[Any]":
    return psycopg.connect(admin, dbname=database, autocommit=True)


def measured(connection: "psycopg.Connection[Any]") -> Sizes:
    """The sizes of the newest changes in the desk's own tables."""
    row = connection.execute(
        """SELECT (SELECT round(avg(octet_length(state_ct))) FROM (SELECT state_ct FROM desk.subject LIMIT 2000) s),
                  round(avg(octet_length(p.ct))), round(avg(octet_length(p.meta_ct)))
           FROM (SELECT client_id, id FROM desk.entry WHERE kind = 'change.recorded' ORDER BY id DESC LIMIT 2000) e
           JOIN desk.payload p ON p.client_id = e.client_id AND p.entry_id = e.id"""
    ).fetchone()
    assert row
    return Sizes(int(row[0]), int(row[1]), int(row[2]), 2)


def make(connection: "psycopg.Connection[Any]", subjects: int, sizes: Sizes) -> None:
    """Tables with the desk's columns and indexes, without its policies and triggers, and some subjects."""
    connection.execute("DROP SCHEMA IF EXISTS base CASCADE; CREATE SCHEMA base")
    connection.execute("CREATE SEQUENCE base.entry_id CACHE 1")
    for table in TABLES:
        connection.execute(f"CREATE TABLE base.{table} (LIKE desk.{table} INCLUDING ALL)")
    connection.execute("ALTER TABLE base.subject SET (fillfactor = 70)")
    connection.execute(
        """INSERT INTO base.subject (client_id, id, type, ver, head_leaf, key_id, state_ct, created_at)
           SELECT 1, md5('s' || g)::uuid, 'customer', 1, sha256('h'), md5('k' || g)::uuid, %s, now()
           FROM generate_series(1, %s) g""",
        [os.urandom(sizes.state), subjects],
    )
    connection.execute(
        """INSERT INTO base.blind_index (client_id, field, epoch, tag, subject_id)
           SELECT 1, f, 1, substr(sha256(convert_to(f || g, 'UTF8')), 1, 16), md5('s' || g)::uuid
           FROM generate_series(1, %s) g, unnest(ARRAY['contact.email', 'contact.phone']) f""",
        [subjects],
    )
    connection.execute("VACUUM ANALYZE base.subject")


def _hex(length: int) -> str:
    return "'\\x" + os.urandom(length).hex() + "'::bytea"


def _parts(subjects: int, sizes: Sizes) -> tuple[str, dict[str, str]]:
    draw = f"\\set k random(1, {subjects})\n\\set r random(1, 1000000000)\n"
    subject = "md5('s' || :k)::uuid"
    tags = [
        (index, f"substr(sha256(convert_to('{index[-1]}' || :r, 'UTF8')), 1, 16)")
        for index in ("contact.email", "contact.phone")
    ]
    entry = (
        "client_id, id, change_id, subject_id, ver, recorded_at, kind, actor, channel, fields, fields_hash, meta_hash, "
        "leaf_hash"
    )
    # A version of its own for every entry: pgbench cannot carry one from the update without a round trip more.
    columns = (
        f"1, {{id}}, gen_random_uuid(), {subject}, ({{id}} % 2000000000)::int, now(), 'change.recorded', 'k1', 'api', "
        f"'contact.email contact.phone_mobile', {_hex(32)}, {_hex(32)}, {_hex(32)}"
    )
    lost = ", ".join(f"(1, '{index}', {tag}, {subject})" for index, tag in tags)
    found = ", ".join(f"(1, '{index}', 1, {tag}, {subject})" for index, tag in tags)
    blobs = f"{_hex(sizes.payload)}, {_hex(sizes.meta)}"
    return draw, {
        "subject": f"UPDATE base.subject SET ver = ver + 1, head_leaf = {_hex(32)}, state_ct = {_hex(sizes.state)}"
        f" WHERE client_id = 1 AND id = {subject}",
        "entry": f"INSERT INTO base.entry ({entry}) SELECT {columns}",
        "payload": f"INSERT INTO base.payload SELECT 1, 1, {{id}}, {blobs}",
        "staged": "INSERT INTO base.staged SELECT 1, {id}",
        "lost": f"DELETE FROM base.blind_index WHERE (client_id, field, tag, subject_id) IN ({lost})",
        "found": f"INSERT INTO base.blind_index VALUES {found} ON CONFLICT DO NOTHING",
    }


def one_change(subjects: int, sizes: Sizes) -> str:
    """One recorded change as a transaction of ordinary statements."""
    draw, sql = _parts(subjects, sizes)
    ident = "currval('base.entry_id')"
    fresh = " FROM (SELECT nextval('base.entry_id') AS id) n"
    return (
        f"{draw}BEGIN;\n{sql['subject']};\n{sql['entry'].format(id='n.id')}{fresh};\n"
        f"{sql['payload'].format(id=ident)};\n{sql['staged'].format(id=ident)};\n{sql['lost']};\n{sql['found']};\nEND;\n"
    )


def one_statement(subjects: int, sizes: Sizes) -> str:
    """The same rows written by one statement that is its own transaction: the least that PostgreSQL can do."""
    draw, sql = _parts(subjects, sizes)
    return (
        f"{draw}WITH n AS (SELECT nextval('base.entry_id') AS id), s AS ({sql['subject']}), "
        f"e AS ({sql['entry'].format(id='n.id')} FROM n), p AS ({sql['payload'].format(id='n.id')} FROM n), "
        f"q AS ({sql['staged'].format(id='n.id')} FROM n), l AS ({sql['lost']}) {sql['found']};\n"
    )


@dataclass(frozen=True)
class Bench:
    per_second: float
    count: int


def pgbench(
    programs: Path, admin: str, script: str, *, clients: int, seconds: float, database: str = "changedesk"
) -> Bench:
    """Run a script with some clients over one thread of pgbench; prepared statements, the server's own socket."""
    known = conninfo_to_dict(admin)
    environment = {**os.environ, "PGPASSWORD": str(known["password"])}
    environment.pop("PGDATABASE", None)
    with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="ascii") as file:
        file.write(script)
        file.flush()
        command = [
            str(programs / "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T",
            str(max(1, round(seconds))), "-f", file.name, "-h", str(known["host"]), "-p", str(known["port"]), "-U",
            str(known["user"]), database,
        ]  # fmt: skip
        for _ in range(_TRIES):
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
            assert done.returncode == 0, done.stderr[-2000:]
            rate = re.search(r"tps = ([\d.]+)", done.stdout)
            count = re.search(r"actually processed: (\d+)", done.stdout)
            # On a machine that is busy with something else a short run may end before its clients are connected.
            if rate and count:
                return Bench(float(rate[1]), int(count[1]))
    raise SystemExit(f"pgbench did nothing:\n{done.stdout}")


_TRIES = 3
