"""What was signed: every kept checkpoint, what witnesses cosigned, what the installation's own log holds of it."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from changedesk.ledger import note as notes
from changedesk.ledger.audit import Fault
from changedesk.ledger.checkpoint import Checkpoint, parse
from changedesk.ledger.note import NoteRefused
from changedesk.reading.audit.run import Run
from changedesk.store import audit as store

BEYOND: Final = 2**63 - 1


def believed(run: Run, note: bytes) -> Checkpoint | None:
    """Return a checkpoint that this log's keys signed, None for anything else."""
    try:
        text, _ = notes.open_note(note, run.verifiers)
        found = parse(text)
    except NoteRefused:
        return None
    return found if found.origin == run.origin else None


def roots(run: Run, above: int, upto: int) -> list[tuple[int, bytes]]:
    """Audit the checkpoints of these sizes; return size and root of each, and of those kept elsewhere, in order."""
    rows = {row.size: row for row in store.checkpoints(run.seen, above, upto)}
    found = {size: root for size, root in run.kept.items() if above < size <= upto}
    for size, row in rows.items():
        if row.note is None or believed(run, bytes(row.note)) == Checkpoint(run.origin, size, bytes(row.root)):
            found[size] = bytes(row.root)
        else:
            run.bad(Fault.CHECKPOINT, size - 1, about=f"size {size}: signature")
    if above < run.published <= upto and run.published not in rows:
        run.bad(Fault.CHECKPOINT, run.published - 1, about=f"size {run.published}: gone")
    _vouched(run, rows, above, upto)
    return sorted(found.items())


def _vouched(run: Run, rows: dict[int, Any], above: int, upto: int) -> None:
    anchored = store.anchored(run.installation, int(run.seen.client), above, upto)
    for size in _unlike(rows, ((one.size, bytes(one.digest)) for one in anchored)):
        run.bad(Fault.CHECKPOINT, size - 1, about=f"size {size}: the installation's log holds another")
    lines: defaultdict[int, str] = defaultdict(str)
    for one in store.cosignatures(run.seen, above, upto):
        lines[one.size] += one.line
    for size, text in lines.items():
        note = None if size not in rows or rows[size].note is None else bytes(rows[size].note) + text.encode()
        if note is None or not _cosigned(run, note):
            run.bad(Fault.CHECKPOINT, size - 1, about=f"size {size}: a witness cosigned another")


def _unlike(rows: dict[int, Any], wanted: Iterable[tuple[int, bytes]]) -> Iterable[int]:
    for size, digest in wanted:
        note = None if size not in rows else rows[size].note
        if note is None or hashlib.sha256(note).digest() != digest:
            yield size


def _cosigned(run: Run, note: bytes) -> bool:
    try:
        notes.open_note(note, [*run.verifiers, *run.witnesses])
    except NoteRefused:
        return False
    return True


def beyond(run: Run, size: int) -> None:
    """Look for what was signed of a longer log than there is: then its end was cut off."""
    signed = {row.size for row in store.checkpoints(run.seen, size, BEYOND)}
    signed |= {row.size for row in store.cosignatures(run.seen, size, BEYOND)}
    signed |= {row.size for row in store.anchored(run.installation, int(run.seen.client), size, BEYOND)}
    signed |= {kept for kept in run.kept if kept > size}
    if signed:
        run.bad(Fault.MISSING, size, about=f"signed up to {max(signed)}")
