"""Somebody else's programs verify our log: Go's sumdb packages, and @sigstore/verify of npm.

The log is made by the product: 2,000 entries here, 100,000 by tests/verifiers/run.sh, which also wants both programs.
"""

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker
from tests.cast import Desk, desk
from tests.outbound.logs import changes, customers, forget, keys, later, opened
from tests.postgres import Database

from changedesk.ledger.tiles import ENTRIES, WIDTH, Tile, hash_reader
from changedesk.ledger.tree import consistency_proof
from changedesk.outbound import publish
from changedesk.reading import published as reading
from changedesk.store import tile_files
from changedesk.store.tx import look

VERIFIERS = Path(__file__).parents[1] / "verifiers"
ENTRIES_WANTED = int(os.environ.get("CHANGEDESK_VERIFY_ENTRIES", "2000"))
REQUIRED = os.environ.get("CHANGEDESK_VERIFIERS") == "required"
GO = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "", "CGO_ENABLED": "0"}
BATCH = 500


@dataclass(frozen=True)
class Case:
    """A published log with what the verifiers are given beside it."""

    folder: Path
    vkey: str
    size: int


@pytest.fixture(scope="module")
def case(
    worker_database: Database, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Case]:
    """One log for both verifiers: making it is what takes the time."""
    place = tmp_path_factory.mktemp("verifiers")
    worker_database.clean()
    with django_db_blocker.unblock(), override_settings(CHANGEDESK_STATE_DIR=place / "state"):
        forget()
        yield made(desk(), place / "case")
        forget()


def made(home: Desk, folder: Path) -> Case:
    """Make a log with the real verbs, publishing as it grows, and lay out what the verifiers read."""
    publish.add_post_quantum_key(home.client)
    (folder / "checkpoints").mkdir(parents=True)
    taken = [one for _ in range(4) for one in customers(home, ENTRIES_WANTED // 40)]
    size, number = len(taken), 0
    while size < ENTRIES_WANTED:
        number += 1
        assert publish.publish(home.client, at=later(number))
        signed = tile_files.of_client(home.client).checkpoint()
        (folder / "checkpoints" / str(size)).write_bytes(signed)
        # A round that is no whole number of tiles, so that the checkpoints meet partial ones of every sort.
        some = taken[: min(len(taken) - number % 7, ENTRIES_WANTED - size)]
        for start in range(0, len(some), BATCH):
            changes(home, some[start : start + BATCH], f"Dana Novak the {number}th")
        size += len(some)
    publish.publish(home.client, at=later(number + 1))
    origin = "ledger.example/aurora"
    assert opened(home.client, origin).size == ENTRIES_WANTED
    shutil.copytree(tile_files.of_client(home.client).root, folder / "log")
    lay_out_proofs(home, folder)
    return Case(folder, keys(home.client, origin)[0].vkey, ENTRIES_WANTED)


def lay_out_proofs(home: Desk, folder: Path) -> None:
    read = hash_reader(ENTRIES_WANTED, tile_files.of_client(home.client).read)
    (folder / "consistency").mkdir()
    for older in (folder / "checkpoints").iterdir():
        proof = consistency_proof(int(older.name), ENTRIES_WANTED, read)
        lines = "".join(f"{base64.b64encode(part).decode()}\n" for part in proof)
        (folder / "consistency" / older.name).write_text(lines)
    (folder / "receipts").mkdir()
    sample = "SELECT change_id FROM desk.entry ORDER BY sha256(change_id::text::bytea) LIMIT 100"
    with look(home.client) as seen:
        changes_ = [row[0] for row in seen.connection.execute(sample).fetchall()]
    for change in changes_:
        (folder / "receipts" / f"{change}.tlog-proof").write_bytes(reading.receipt(change, actor=home.crm))


def without(program: str) -> None:
    """Leave the test, saying what is missing; fail where both programs are wanted."""
    message = f"{program} is not here: see tests/verifiers/run.sh"
    if REQUIRED:
        pytest.fail(message)
    pytest.skip(message)


def go(folder: Path) -> list[str]:
    """Build the Go verifier; the command line that starts it."""
    packages = Path(GO["GOPATH"]) / "src/golang.org/x/mod/sumdb/tlog"
    if shutil.which("go") is None or not packages.is_dir():
        without("Go with golang.org/x/mod")
    program, cache = folder / "verify", folder / "cache"
    surroundings = {**os.environ, **GO, "GOCACHE": os.environ.get("GOCACHE", str(cache))}
    words = ["go", "build", "-o", str(program), str(VERIFIERS / "verify.go")]
    done = subprocess.run(words, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [str(program)]


def sigstore() -> list[str]:
    if shutil.which("node") is None or not (VERIFIERS / "node_modules" / "@sigstore" / "verify").is_dir():
        without("@sigstore/verify")
    return ["node", str(VERIFIERS / "verify.mjs")]


def verdict(words: list[str], case: Case) -> tuple[int, str]:
    done = subprocess.run(
        [*words, str(case.folder), case.vkey], capture_output=True, text=True, check=False, timeout=600
    )
    return done.returncode, done.stdout + done.stderr


def flip(path: Path, at: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_gos_own_packages_verify_our_log_and_see_every_forgery(case: Case, tmp_path: Path) -> None:
    verify = go(tmp_path)
    code, said = verdict(verify, case)
    assert code == 0, said
    older = len(list((case.folder / "checkpoints").iterdir()))
    assert f"entries={case.size} " in said
    assert f"consistency={older} receipts=100" in said
    print(said)  # noqa: T201 - the numbers, for who runs it with -s
    part = case.size % WIDTH
    assert part
    last = Tile(ENTRIES, case.size // WIDTH, part)
    for forged in (
        case.folder / "log" / "checkpoint",
        case.folder / "log" / "tile/0/000",
        case.folder / "log" / "tile/entries/000",
        case.folder / "log" / last.path,
        next((case.folder / "receipts").iterdir()),
    ):
        kept = forged.read_bytes()
        flip(forged, 200 if forged.name != "checkpoint" else 30)
        assert verdict(verify, case)[0] == 1, forged
        forged.write_bytes(kept)


def test_sigstores_verifier_verifies_our_receipts_and_sees_every_forgery(case: Case) -> None:
    verify = sigstore()
    code, said = verdict(verify, case)
    assert code == 0, said
    assert "receipts=100" in said
    print(said)  # noqa: T201 - the numbers, for who runs it with -s
    receipt = next((case.folder / "receipts").iterdir())
    whole = receipt.read_bytes()
    head, _, checkpoint = whole.partition(b"\n\n")
    for at in (60, len(head) - 30, len(head) + 30, len(head) + 2 + checkpoint.index(b"\n\n") + 60):
        receipt.write_bytes(whole[:at] + (b"A" if whole[at : at + 1] != b"A" else b"B") + whole[at + 1 :])
        assert verdict(verify, case)[0] == 1, at
    receipt.write_bytes(whole)
    assert verdict(verify, case)[0] == 0
