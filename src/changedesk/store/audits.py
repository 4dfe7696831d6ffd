"""Audits that were made of a client's log: when, how far, what they found."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from changedesk.store.tx import Look, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRun:
    """An audit: of all (``whole``) or of what was new. All below ``started_at`` is None until it has finished.

    ``fault``, ``idx`` and ``change_id``: the first bad entry. ``note``: size and root, signed by the log's key.
    """

    id: UUID
    whole: bool
    started_at: datetime
    finished_at: datetime | None = None
    start: int | None = None
    size: int | None = None
    findings: int | None = None
    fault: str | None = None
    idx: int | None = None
    change_id: UUID | None = None
    note: bytes | None = None


def claim(tx: Tx) -> bool:
    """Say whether this transaction is the one that may begin an audit, until it ends."""
    row = tx.row("audits.claim")
    return row is not None and bool(row.claimed)


def newest(look: Look, *, limit: int) -> list[AuditRun]:
    """Return the last audits, newest first."""
    return [AuditRun(**row._asdict()) for row in look.rows("audits.newest", limit=limit)]


def newest_finished(look: Look) -> AuditRun | None:
    """Return the last audit that came to its end; None when there is none."""
    row = look.row("audits.newest_finished")
    return None if row is None else AuditRun(**row._asdict())


def newest_whole(look: Look) -> datetime | None:
    """Return when the last audit of all began that found nothing."""
    row = look.row("audits.newest_whole")
    return None if row is None else row.started_at


def begin(tx: Tx, run: AuditRun) -> None:
    tx.run("audits.begin", id=run.id, whole=run.whole, at=run.started_at)


def end(tx: Tx, run: AuditRun) -> None:
    """Keep what a begun audit found."""
    tx.run(
        "audits.end", id=run.id, at=run.finished_at, start=run.start, size=run.size, findings=run.findings,
        fault=run.fault, idx=run.idx, change=run.change_id, note=run.note,
    )  # fmt: skip
