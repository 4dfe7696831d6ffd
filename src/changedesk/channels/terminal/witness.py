"""A small witness, to be run by somebody else on another machine: it cosigns what only grew, and needs no database."""

import fcntl
import hashlib
import os
import secrets
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from changedesk.channels.terminal import show
from changedesk.channels.terminal.options import AsJson
from changedesk.ledger import witness
from changedesk.ledger.cosignature import ED25519_COSIGNATURE, ML_DSA_44, AnyVerifier, CosigningKey, read_vkey
from changedesk.ledger.note import NoteRefused
from changedesk.ledger.witness import LONGEST_REQUEST, Ruling, Seen

app = typer.Typer(no_args_is_help=True, help="A witness of somebody's logs.")
PATH: Final = "/add-checkpoint"
TIMEOUT_SECONDS: Final = 10
_SEED_BYTES: Final = 32
_TYPES: Final = (ED25519_COSIGNATURE, ML_DSA_44)


class _Kept(msgspec.Struct):
    """What stands in the key file: the witness's name, and the secret that both its keys are made of."""

    name: str
    seed: bytes


def make_keys(file: Path, name: str) -> None:
    """Make a witness's keys, in a file that only its owner may read. Raises FileExistsError, NoteRefused."""
    kept = _Kept(name, secrets.token_bytes(_SEED_BYTES))
    _keys(kept)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as sink:
        sink.write(msgspec.json.encode(kept))


def read_keys(file: Path) -> list[CosigningKey]:
    """Return a witness's keys. Raises PermissionError when others may read the file, NoteRefused when it holds none."""
    if file.stat().st_mode & 0o077:
        raise PermissionError(f"{file} can be read by others: chmod 600 it")
    try:
        return _keys(msgspec.json.decode(file.read_bytes(), type=_Kept))
    except msgspec.MsgspecError:
        raise NoteRefused("not a witness's key file") from None


def _keys(kept: _Kept) -> list[CosigningKey]:
    # One secret a key: neither says anything about the other.
    seeds = [hashlib.sha256(b"witness/v1" + bytes((kind,)) + kept.seed).digest() for kind in _TYPES]
    return [CosigningKey(kept.name, kind, seed) for kind, seed in zip(_TYPES, seeds, strict=True)]


class Memory:
    """What the witness saw of each log, a file each. Several processes may share it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold everybody else off: between reading what was seen and keeping the next, nobody may come."""
        with (self.folder / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def seen(self, origin: str) -> Seen:
        """Return the last checkpoint of a log that was cosigned."""
        try:
            return msgspec.json.decode(self._file(origin).read_bytes(), type=Seen)
        except FileNotFoundError:
            return Seen()

    def keep(self, origin: str, seen: Seen) -> None:
        """Remember a checkpoint, so that a power cut does not forget it."""
        place = self._file(origin)
        beside = place.with_suffix(".new")
        with beside.open("wb") as sink:
            sink.write(msgspec.json.encode(seen))
            sink.flush()
            os.fsync(sink.fileno())
        beside.rename(place)
        handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def _file(self, origin: str) -> Path:
        return self.folder / f"{hashlib.sha256(origin.encode()).hexdigest()}.json"


class Witness(ThreadingHTTPServer):
    """Answers add-checkpoint (https://c2sp.org/tlog-witness)."""

    daemon_threads = True

    def __init__(
        self, place: tuple[str, int], keys: Sequence[CosigningKey], logs: Mapping[str, list[AnyVerifier]], state: Path
    ) -> None:
        """Listen at a host and port (0: any that is free)."""
        self.keys, self.logs, self.memory = keys, logs, Memory(state)
        super().__init__(place, _Handler)

    def rule(self, body: bytes) -> Ruling:
        """Decide about a request, and keep what was cosigned before anybody hears of it."""
        with self.memory.alone():
            ruling = witness.consider(body, self.logs, self.memory.seen, self.keys, time=int(time.time()))
            if ruling.seen is not None:
                self.memory.keep(ruling.origin, ruling.seen)
        return ruling


class _Handler(BaseHTTPRequestHandler):
    server: Witness
    timeout = TIMEOUT_SECONDS
    protocol_version = "HTTP/1.1"
    server_version = "witness"
    sys_version = ""

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        known = length.isascii() and length.isdigit() and len(length) <= len(str(LONGEST_REQUEST))
        if self.path != PATH:
            ruling = Ruling(404, b"there is nothing here\n")
        elif not known or int(length) > LONGEST_REQUEST:
            ruling = Ruling(413, b"the request is too long, or does not say how long it is\n")
        else:
            ruling = self.server.rule(self.rfile.read(int(length)))
        if not known or ruling.status in {404, 413}:
            self.close_connection = True
        self.send_response(ruling.status)
        self.send_header("Content-Type", ruling.media)
        self.send_header("Content-Length", str(len(ruling.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(ruling.body)

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


@app.command("keys")
def witness_keys(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Where the secret stands; made when it is not there.")],
    name: Annotated[str, typer.Option(help="What the witness is called, such as witness.example/w1.")] = "",
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Print a witness's verifier keys; with --name, make them first."""
    try:
        if name:
            make_keys(file, name)
        found = read_keys(file)
    except (OSError, NoteRefused) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    vkeys = [key.verifier.vkey for key in found]
    if as_json:
        show.as_json({"keys": vkeys})
    else:
        typer.echo("\n".join(vkeys))


@app.command("serve")
def witness_serve(
    keys: Annotated[Path, typer.Option("--keys", exists=True, dir_okay=False, help="The file of 'witness keys'.")],
    state: Annotated[Path, typer.Option("--state", file_okay=False, help="Where to keep what was seen.")],
    log: Annotated[list[str], typer.Option("--log", help="A log's verifier key; its name is the log's origin.")],
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes any that is free.")] = 8030,
) -> None:
    """Cosign checkpoints of these logs, each only when it appends to the one before."""
    logs: dict[str, list[AnyVerifier]] = {}
    try:
        for vkey in log:
            logs.setdefault(vkey.partition("+")[0], []).append(read_vkey(vkey))
        server = Witness((host, port), read_keys(keys), logs, state)
    except (OSError, NoteRefused) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    signal.signal(signal.SIGTERM, lambda *_: _leave())
    typer.echo(f"Listening at http://{host}:{server.server_port}")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


def _leave() -> None:
    raise KeyboardInterrupt
