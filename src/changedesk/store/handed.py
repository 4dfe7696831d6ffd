"""What a page handed to the worker and what stands here only until that is done, sealed under the client's meta key."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID, uuid5

from changedesk.ledger import seal
from changedesk.store import keys
from changedesk.store.tx import Look, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows of a file that wait to be taken in: part ``number`` of ``parts``. ``run``: of the import, or the batch."""

    run: UUID
    number: int
    parts: int
    given_by: str
    body: bytes = field(repr=False)

    @property
    def id(self) -> UUID:
        """The part's own name."""
        return uuid5(self.run, str(self.number))


@dataclass(frozen=True, slots=True)
class Left:
    """How much of a file is left to take in."""

    parts: int
    left: int


def add_parts(tx: Tx, run: UUID, bodies: Sequence[bytes], *, by: str) -> None:
    """Let the parts of a file wait, in their order; what waits already of this run stays."""
    sealed = [seal_own(tx, body, _aad(tx, run, number)) for number, body in enumerate(bodies, 1)]
    numbers = list(range(1, len(bodies) + 1))
    tx.run("handed.add_parts", run=run, parts=len(bodies), by=by, number=numbers, sealed=sealed)


def next_part(look: Look) -> Part | None:
    """Return the next part of the file that waits longest, None when none waits."""
    row = look.row("handed.next_part")
    if row is None:
        return None
    body = open_own(look, row.sealed, _aad(look, row.run_id, row.number))
    return Part(run=row.run_id, number=row.number, parts=row.parts, given_by=row.given_by, body=body)


def drop_part(tx: Tx, part: Part) -> bool:
    """Take away a part that was taken in; False when it is gone already."""
    return tx.run("handed.drop_part", run=part.run, number=part.number) == 1


def drop_file(tx: Tx, run: UUID) -> int:
    """Take away all that is left of a file; return how many parts that was."""
    return tx.run("handed.drop_file", run=run)


def left(look: Look, runs: Iterable[UUID]) -> Mapping[UUID, Left]:
    """Return what is left of files, by run; one of which nothing is left is not there."""
    return {row.run_id: Left(row.parts, row.left) for row in look.rows("handed.left", runs=list(runs))}


def seal_own(tx: Tx, plain: bytes, aad: bytes) -> bytes:
    """Return bytes sealed under the client's own key, bound to their place."""
    client = keys.of_client(tx)
    key_id, cipher = client.metas[client.meta_epoch]
    return seal.seal(key_id, cipher, plain, aad)


def open_own(look: Look, sealed: bytes, aad: bytes) -> bytes:
    """Return what ``seal_own`` sealed for this place."""
    return seal.unseal(partial(keys.meta_of_id, look), bytes(sealed), aad)


def _aad(look: Look, run: UUID, number: int) -> bytes:
    return b"acl/v1/file" + int(look.client).to_bytes(8, "big") + run.bytes + number.to_bytes(4, "big")
