"""A person is forgotten: nothing of them is left in clear anywhere, and restoring yesterday's backup does not help.

The whole database is dumped as an operator dumps it, before and after, and searched as text, hexadecimal and base64.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from tests.cast import Desk, desk, soon
from tests.flow.join import merged_now
from tests.flow.walk import LATER, done, history, record, stands, vouch
from tests.postgres import ROOT, Database

from changedesk import flow, outbound
from changedesk.base.actor import Channel
from changedesk.base.clock import now
from changedesk.base.ids import SubjectId
from changedesk.config.embedded import binaries, server_account
from changedesk.ledger.tiles import hash_reader
from changedesk.ledger.tree import root_from
from changedesk.outbound import publish
from changedesk.outbound.notices import send
from changedesk.outbound.notices.outbox import Outbox
from changedesk.store import tile_files

WORDS = (
    "Canarybird", "canary.first", "canary.second", "Canarystreet", "2025550143", "canarynote", "canaryevidence",
    "Canarytwin", "canary.third",
)  # fmt: skip
POST = {
    "contact.postal_address": {
        "country": "US", "lines": "1 Canarystreet", "city": "Springfield", "region": "IL", "postal_code": "62701",
    }
}  # fmt: skip


def forms(word: str) -> set[bytes]:
    plain = word.encode()
    coded = {base64.b64encode(b"x" * pad + plain)[4 if pad else 0 : -4] for pad in range(3)}
    return {plain, plain.hex().encode(), plain.hex().upper().encode()} | {form for form in coded if len(form) > 6}


def hits(place: str, data: bytes) -> list[str]:
    return [f"{place}: {word}" for word in WORDS if any(form in data for form in forms(word))]


@pytest.fixture
def state(settings: Any, tmp_path: Path) -> Path:
    settings.CHANGEDESK_ERASURE_JOURNAL = tmp_path / "erasures.jsonl"
    settings.CHANGEDESK_STATE_DIR = tmp_path
    return tmp_path


def tool(name: str, *words: str) -> bytes:
    """Run one of PostgreSQL's own programs, past all rights."""
    ran = subprocess.run(
        [binaries(server_account()) / name, *words], capture_output=True, check=False, env={"LC_ALL": "C"}
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout


@pytest.fixture
def restored(database: Database) -> Iterator[tuple[str, str]]:
    """An empty database beside, for a backup: how an administrator and how the application reach it."""
    name = f"{database.name}_restored"
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        admin.execute(drop)
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'").format(
                sql.Identifier(name)
            )
        )
        admin.execute(sql.SQL("ALTER DATABASE {} SET search_path = public, desk").format(sql.Identifier(name)))
        yield make_conninfo(database.admin_url, dbname=name), make_conninfo(database.url, dbname=name)
        admin.execute(drop)


def lived(d: Desk) -> SubjectId:
    """A customer with a history, and with everything that may hold a word of theirs."""
    dana = d.customer(personal__name="Canarybird Novak", contact__email="dana@canary.first.example")
    done(d, dana, values=POST, note="canarynote")
    record(d, dana, {"contact.email": "dana@canary.second.example"}, at=soon(LATER, 20))
    vouch(d, dana, soon(LATER, 30))
    values = {"contact.email": "dana@canary.first.example"}
    asked = flow.submit(
        [flow.Wish(subject=dana, kind="contact_details", values=values, reason="customer_request", note="canarynote",
                   channel=Channel.PHONE)], actor=d.ben, at=soon(LATER, 30.5),
    ).one()  # fmt: skip
    flow.challenge(
        dana, purpose="change", method="code_sms", path="contact.phone_mobile", ref=asked.ref, actor=d.ben,
        at=soon(LATER, 31),
    )  # fmt: skip
    return dana


def twin_of(d: Desk, dana: SubjectId) -> SubjectId:
    """The same person taken in a second time, with a history of its own, and merged since."""
    twin = d.customer(personal__name="Canarytwin Novak", contact__email="twin@canary.third.example")
    record(d, twin, {"contact.email": "twin@canary.second.example"}, at=soon(LATER, 20))
    merged_now(d, twin, dana, LATER + timedelta(days=1), choices={"personal.name": "merged"})
    return twin


def erase(d: Desk, dana: SubjectId) -> None:
    at = LATER + timedelta(days=3)
    vouch(d, dana, at)
    asked = flow.request_erasure(
        dana,
        flow.How(reason="data_subject_request", channel=Channel.PHONE, note="canarynote"),
        actor=d.ben,
        at=soon(at, 0.2),
    )
    flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(at))
    due = soon(at) + timedelta(days=7)
    flow.apply_due(d.client, at=due)
    send.send(d.client, {"email": Outbox(), "sms": Outbox()}, clock=lambda: due)
    assert flow.forget_on(d.client, at=due) == 2


def command(app: str, state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    told = {
        **os.environ, "CHANGEDESK_DATABASE_URL": app, "CHANGEDESK_STATE_DIR": str(state),
        "CHANGEDESK_ERASURE_JOURNAL": str(state / "erasures.jsonl"),
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", "changedesk.config.command", *words],
        env=told, capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip


def test_who_was_forgotten_stays_forgotten(
    database: Database, state: Path, restored: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    d = desk()
    dana, other = lived(d), d.customer(contact__email="kim@stays.example")
    twin = twin_of(d, dana)
    backup = state / "yesterday.dump"
    tool("pg_dump", "--format=custom", f"--file={backup}", "--dbname", database.admin_url)
    erase(d, dana)
    _published_and_sound(d)
    after = tool("pg_dump", "--dbname", database.admin_url)
    assert hits("the dump", after) == []
    assert hits("the logs", caplog.text.encode()) == []
    files = [path for path in state.rglob("*") if path.is_file() and path != backup]
    assert {path.name for path in files} >= {"erasures.jsonl", "checkpoint"}
    assert [hit for path in files for hit in hits(path.name, path.read_bytes())] == []
    assert [stands(d, one).key for one in (dana, twin)] == [None] * 2
    assert stands(d, other).values()["contact.email"] == "kim@stays.example"
    assert all(entry.assertions is None for one in (dana, twin) for entry in history(d, one))

    admin, app = restored
    tool("pg_restore", "--exit-on-error", "--dbname", admin, str(backup))
    assert min(_left(admin, dana), _left(admin, twin)) > 0, "yesterday's backup knows them"
    doctor = command(app, state, "doctor", "--json")
    assert doctor.returncode == 2
    assert "erasures-ahead" in {one["code"] for one in json.loads(doctor.stdout)["findings"]}, doctor.stdout
    assert command(app, state, "restore", "check").returncode == 2
    for told in ("Forgotten again: 2.", "Forgotten again: 0."):
        ran = command(app, state, "restore", "replay")
        assert (ran.returncode, ran.stdout.strip()) == (0, told), ran.stderr[-2000:]
    assert command(app, state, "restore", "check").returncode == 0
    again = json.loads(command(app, state, "doctor", "--json").stdout)
    assert "erasures-ahead" not in {one["code"] for one in again["findings"]}
    assert _left(admin, dana) + _left(admin, twin) == 0
    assert _left(admin, other) > 0
    assert hits("the restored dump", tool("pg_dump", "--dbname", admin)) == []
    assert hits("the search itself", b"to dana@canary.first.example") == ["the search itself: canary.first"]


def _left(admin: str, subject: SubjectId) -> int:
    """How much in a database could still be opened of a person: keys, states, values."""
    with psycopg.connect(admin) as connection:
        row = connection.execute(
            """SELECT (SELECT count(*) FROM desk.subject_key WHERE subject_id = %(id)s AND wrapped IS NOT NULL)
                    + (SELECT count(*) FROM desk.subject WHERE id = %(id)s AND state_ct IS NOT NULL)
                    + (SELECT count(*) FROM desk.blind_index WHERE subject_id = %(id)s)
                    + (SELECT count(*) FROM desk.request WHERE subject_id = %(id)s AND proposal_ct IS NOT NULL)
                    + (SELECT count(*) FROM desk.delivery WHERE subject_id = %(id)s AND message_ct IS NOT NULL)
                    + (SELECT count(*) FROM desk.factor WHERE subject_id = %(id)s AND secret_ct IS NOT NULL)
                    + (SELECT count(*) FROM desk.payload p JOIN desk.entry e ON e.client_id = p.client_id
                       AND e.id = p.entry_id WHERE e.subject_id = %(id)s AND p.ct IS NOT NULL)""",
            {"id": subject},
        ).fetchone()
    assert row is not None
    return int(row[0])


def _published_and_sound(d: Desk) -> None:
    """The log is published after the erasure, its tiles give its root, and a rebuild gives the same."""
    while outbound.sequence(d.client):
        pass
    assert publish.publish(d.client, at=now(), paced=False) > 0
    folder = tile_files.of_client(d.client)
    size, root = (line for line in folder.checkpoint().decode().split("\n")[1:3])
    assert base64.b64encode(root_from(int(size), hash_reader(int(size), folder.read))).decode() == root
    rebuilt = folder.root.parent / "again"
    assert publish.rebuild(d.client, rebuilt) == int(size)
    for path in sorted(folder.root.rglob("*")):
        if path.is_file():
            assert (rebuilt / path.relative_to(folder.root)).read_bytes() == path.read_bytes()
