"""A log to audit, made by the product: customers, requests with their evidence, changes, checkpoints as it grew."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
from tests.cast import START, Desk, desk, soon
from tests.flow.walk import POST, agree, ask, done, vouch
from tests.outbound.logs import changes, customers, forget, later, sequence
from tests.postgres import Database

from changedesk import flow
from changedesk.base.ids import SubjectId
from changedesk.outbound import publish
from changedesk.outbound.publish import anchors
from changedesk.reading import audit
from changedesk.reading.audit import Given, Verdict
from changedesk.store import tile_files
from changedesk.store.tile_files import INSTALLATION, Folder
from changedesk.store.tx import Look, look

EVE = START + timedelta(days=60)


@dataclass
class Log:
    """A published log of one client, and what its records were on the way."""

    home: Desk
    database: Database
    size: int = 0
    older: list[dict[str, Any]] = field(default_factory=list)
    """Rows of records as they once were."""
    checkpoints: list[bytes] = field(default_factory=list)

    @property
    def folder(self) -> Folder:
        return tile_files.of_client(self.home.client)

    def given(self, folder: Folder | None = None, **more: Any) -> Given:
        folder = folder or self.folder
        return Given(folder, folder.checkpoint(), at=EVE, **more)

    @contextmanager
    def forged(self) -> Iterator["psycopg.Connection[Any]"]:
        """A transaction of somebody whom no trigger, key or row policy stops; it is taken back at the end."""
        with psycopg.connect(self.database.admin_url, autocommit=True) as connection:
            connection.execute("BEGIN")
            connection.execute("SET LOCAL session_replication_role = replica")
            yield connection
            connection.execute("ROLLBACK")

    def audited(self, connection: Any, given: Given | None = None, since: int = 0) -> Verdict:
        """What an audit finds that sees what this transaction did."""
        seen, installation = Look(connection, self.home.client), Look(connection, INSTALLATION)
        return audit.examine(seen, installation, given or self.given(), since=since)


def make(database: Database, *, entries: int, seed: int) -> Log:
    """Make a log of about so many entries."""
    rng = random.Random(seed)  # noqa: S311 - a repeatable choice
    forget()
    log = Log(desk(), database)
    home = log.home
    asked = [home.customer() for _ in range(4)]
    for number, dana in enumerate(asked):
        at = START + timedelta(days=3, hours=number)
        done(home, dana, at)
        vouch(home, dana, at + timedelta(hours=5))
        asked_again = agree(home, ask(home, dana, POST, at=soon(at, 301)), soon(at, 302))
        if number % 2:
            flow.reject(
                asked_again.ref, seen_version=None, reason="other", message="No.", actor=home.ines,
                at=soon(at, 303),
            )  # fmt: skip
        else:
            flow.withdraw(asked_again.ref, seen_version=None, actor=home.ben, at=soon(at, 303))
    number = _publish(log, 1, asked)
    taken = asked + customers(home, max(20, entries // 12))
    while log.size < entries:
        number = _publish(log, number, rng.sample(taken, 12))
        some = rng.sample(taken, min(len(taken), entries // 10 + rng.randrange(40)))
        for index in range(0, len(some), 500):
            changes(home, some[index : index + 500], f"Dana Novak the {number}th")
    _publish(log, number, [])
    return log


def _publish(log: Log, number: int, remember: list[SubjectId]) -> int:
    sequence(log.home.client)
    at: datetime = later(number)
    publish.publish(log.home.client, at=at)
    anchors.anchor(log.home.client, at=at, paced=False)
    log.checkpoints.append(log.folder.checkpoint())
    with look(log.home.client) as seen:
        row = seen.connection.execute("SELECT size FROM desk.log_head WHERE client_id = %s", [seen.client]).fetchone()
        log.size = 0 if row is None else int(row[0])
        for subject in remember:
            found = seen.connection.execute(
                "SELECT ver, head_leaf, state_ct, status FROM desk.subject WHERE client_id = %s AND id = %s",
                [seen.client, subject],
            ).fetchone()
            assert found is not None
            log.older.append({"id": subject, **dict(zip(("ver", "head", "state", "status"), found, strict=True))})
    return number + 1
