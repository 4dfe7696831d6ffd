"""Logs that the product itself wrote, published into a folder of the test's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

from tests.cast import START, Desk

from changedesk import flow, outbound
from changedesk.base.ids import ClientId, SubjectId
from changedesk.ledger.checkpoint import Checkpoint, open_checkpoint
from changedesk.ledger.cosignature import AnyVerifier
from changedesk.ledger.tiles import ENTRIES, WIDTH, Tile, decode_bundle
from changedesk.outbound import publish
from changedesk.outbound.publish import anchors, witnesses
from changedesk.store import log_keys, tile_files
from changedesk.store.tile_files import Folder
from changedesk.store.tx import look


class Killed(BaseException):
    """Stands for the end of the process: nothing on its way catches it."""


def forget() -> None:
    """As a process that has just started."""
    publish.forget()
    anchors.forget()
    witnesses.forget()


def customers(home: Desk, count: int) -> list[SubjectId]:
    """Take in customers: an entry each, and the place in the log for all of them."""
    wanted = [flow.NewCustomer(values={"personal.name": f"Dana Novak {number}"}) for number in range(count)]
    made = flow.create_customers(wanted, actor=home.crm, at=START)
    assert not made.refused
    sequence(home.client)
    return [one.subject for one in made.done]


def changes(home: Desk, subjects: list[SubjectId], name: str) -> None:
    """Record one change for each of some customers."""
    change = flow.FieldChange(path="personal.name", new=name)
    wanted = [flow.RecordedChange(subject=one, changes=[change], reason="system_migration") for one in subjects]
    assert not flow.record_changes(wanted, actor=home.crm, at=START).refused
    sequence(home.client)


def sequence(client: ClientId) -> None:
    while outbound.sequence(client):
        pass


def later(number: int) -> datetime:
    """A moment that is more than one checkpoint's pace after the one before."""
    return START + timedelta(seconds=2 * number)


def files(root: Path) -> dict[str, bytes]:
    """Every file of a published log."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def keys(client: ClientId, origin: str) -> list[AnyVerifier]:
    with look(client) as seen:
        return log_keys.verifiers(seen, origin)


def opened(client: ClientId, origin: str) -> Checkpoint:
    """The published checkpoint, believed for the log's own key."""
    return open_checkpoint(tile_files.of_client(client).checkpoint(), keys(client, origin)[0], origin)


def documents(folder: Folder, size: int) -> list[bytes]:
    """Every leaf document of a published log."""
    found: list[bytes] = []
    for index in range(-(-size // WIDTH)):
        width = min(WIDTH, size - index * WIDTH)
        found += decode_bundle(folder.read(Tile(ENTRIES, index, width)), width)
    return found


@contextmanager
def killed_at(step: int) -> Iterator[list[str]]:
    """Kill the publisher at its so-manieth step on files: before a file is written, between write and rename."""
    done: list[str] = []
    rename = Path.rename
    write = Folder._write

    def counted(what: str) -> None:
        done.append(what)
        if len(done) == step:
            raise Killed

    def dying_write(self: Folder, place: Path, data: bytes) -> None:
        counted(f"write {place.name}")
        write(self, place, data)

    def dying_rename(self: Path, target: Path) -> Path:
        counted(f"rename {target.name}")
        return rename(self, target)

    with mock.patch.object(Folder, "_write", dying_write), mock.patch.object(Path, "rename", dying_rename):
        yield done
