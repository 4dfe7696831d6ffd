"""Keeping what audits of a client's log found, signed, so that the next one can go on from there."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from changedesk.base.actor import Actor, Role
from changedesk.ledger import note as notes
from changedesk.ledger.audit import Finding
from changedesk.ledger.checkpoint import Checkpoint, parse, sign_checkpoint
from changedesk.ledger.note import NoteRefused
from changedesk.store import alarms, audits, log, log_keys
from changedesk.store.audits import AuditRun
from changedesk.store.begin import begin
from changedesk.store.settings_read import members_in
from changedesk.store.tx import Look

EVERY: Final = timedelta(minutes=10)
"""Pace of audits of what is new."""
WHOLE: Final = timedelta(days=1)
"""Pace of audits of all."""
ALARMED: Final = frozenset({Role.ADMINISTRATOR, Role.AUDITOR})
"""Roles whose people are told when a log is damaged: who operates the client's desk, and who audits it."""


def begin_audit(*, actor: Actor, at: datetime) -> tuple[UUID, int] | None:
    """Begin an audit if it is time for one; return its id and the place to start at: 0 for all.

    What is new starts where the last sound audit ended, if that is still signed for. None where it is not time.
    """
    with begin(actor) as tx:
        if not audits.claim(tx):
            return None
        last = next(iter(audits.newest(tx, limit=1)), None)
        if last is not None and at < last.started_at + EVERY:
            return None
        whole = audits.newest_whole(tx)
        since = 0 if whole is None or at >= whole + WHOLE or last is None else _signed_up_to(tx, last)
        made = AuditRun(id=uuid4(), whole=not since, started_at=at)
        audits.begin(tx, made)
    return made.id, since


def end_audit(
    run: UUID,
    *,
    origin: str,
    start: int,
    size: int,
    root: bytes,
    findings: int,
    first: Finding | None,
    actor: Actor,
    at: datetime,
) -> None:
    """Keep what an audit came to. A sound one is signed with the log's key, under a name of its own.

    One that found something raises the alarm, unless the one before it named the same first bad entry.
    """
    with begin(actor) as tx:
        before = audits.newest_finished(tx)
        note = None
        if not findings:
            signers = log_keys.signers(tx, origin)
            note = sign_checkpoint(Checkpoint(_name(origin), size, root), signers) if signers else None
        audits.end(
            tx,
            AuditRun(
                id=run, whole=not start, started_at=at, finished_at=at, start=start, size=size, findings=findings,
                fault=None if first is None else first.fault.value, idx=None if first is None else first.index,
                change_id=None if first is None else first.change, note=note,
            ),
        )  # fmt: skip
        if first is not None and _is_new(first, before):
            alarms.sound(tx, members_in(actor.client, ALARMED), run=run, at=at)
            log.notify(tx)


def _is_new(first: Finding, before: AuditRun | None) -> bool:
    """Say whether a finding is another one than the audit before it began with."""
    return before is None or (before.fault, before.idx, before.change_id) != (
        first.fault.value, first.index, first.change,
    )  # fmt: skip


def _signed_up_to(look: Look, last: AuditRun) -> int:
    """Return how far the last audit came, as the log's key signed it; 0 where nothing says so."""
    if last.note is None:
        return 0
    try:
        origin = parse(notes.parse(last.note).text).origin.removesuffix(_SUFFIX)
        text, _ = notes.open_note(last.note, log_keys.verifiers(look, origin))
        found = parse(text)
    except NoteRefused:
        return 0
    return found.size if found.origin == _name(origin) else 0


_SUFFIX: Final = "/audited"


def _name(origin: str) -> str:
    # Not the log's own name: this is no checkpoint of it, and nobody may take it for one.
    return origin + _SUFFIX
