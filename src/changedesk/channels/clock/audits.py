"""The log is audited on schedule: what is new every few minutes, all of it every day."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings

from changedesk import flow
from changedesk.base import clock
from changedesk.base.actor import automation
from changedesk.base.ids import ClientId
from changedesk.flow.audited import EVERY
from changedesk.ledger.cosignature import read_vkey
from changedesk.reading import audit
from changedesk.reading.audit import StartUnknown, Verdict

log = structlog.get_logger("changedesk.audit")
_thread: Final = ThreadPoolExecutor(1, "audits")
_running: Future[Verdict | None] | None = None
_not_before: dict[ClientId, datetime] = {}


class Stopped(Exception):  # noqa: N818 - says what is so
    """The process ends: an audit does not keep it waiting."""


def run(client_id: int) -> int:
    """Start an audit of a client's log where it is time for one; always 0. A duty of the worker.

    It runs in a thread of its own: what else the worker does never waits for it.
    """
    global _running  # noqa: PLW0603 - one audit at a time
    client, at = ClientId(client_id), clock.now()
    free = _running is None or _running.done()
    if free and at >= _not_before.get(client, at):
        _not_before[client] = at + EVERY
        _running = _thread.submit(audited, client, at=at)
    return 0


def audited(client: ClientId, *, at: datetime) -> Verdict | None:
    """Audit a client's log if it is time; return the verdict. Whatever is wrong is logged as an error."""
    actor = automation(client, "audit")
    begun = flow.begin_audit(actor=actor, at=at)
    if begun is None:
        return None
    try:
        return _audited(client, begun, at=at)
    except Stopped:
        return None
    except Exception:
        log.exception("audit_failed", client_id=int(client))
        return None


def _audited(client: ClientId, begun: tuple[UUID, int], *, at: datetime) -> Verdict:
    actor = automation(client, "audit")
    witnesses = [read_vkey(given.split()[1]) for given in settings.CHANGEDESK_WITNESSES]
    run_id, since = begun
    try:
        found = audit.audit(actor=actor, at=at, since=since, witnesses=witnesses, tell=_go_on)
    except StartUnknown:
        found = audit.audit(actor=actor, at=at, witnesses=witnesses, tell=_go_on)
    flow.end_audit(
        run_id, origin=found.origin, start=found.start, size=found.size, root=bytes.fromhex(found.root),
        findings=found.count, first=found.first, actor=actor, at=clock.now(),
    )  # fmt: skip
    if found.first is not None:
        first = found.first
        log.error(
            "log_damaged", client_id=int(client), fault=first.fault.value, index=first.index,
            change=None if first.change is None else str(first.change), findings=found.count,
        )  # fmt: skip
    return found


def _go_on(_share: float, _note: str) -> None:
    if not threading.main_thread().is_alive():
        raise Stopped
