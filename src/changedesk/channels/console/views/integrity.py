"""How whole the log is: what audits found, what was signed and by whom, who was told; and a stretch audited at once."""

from typing import Any, Final

from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import gettext as _

from changedesk.base.refusal import Refusal
from changedesk.channels.console import errors as pages
from changedesk.channels.console.visit import Visit, page
from changedesk.ledger.audit import Fault, Finding
from changedesk.ledger.cosignature import read_vkey
from changedesk.reading import audit
from changedesk.reading import integrity as reading
from changedesk.reading.audit import Verdict
from changedesk.reading.integrity import Integrity, Run

MOST: Final = 10_000
"""Entries that are audited while somebody waits for the page."""
_DIGITS: Final = 15


class RangeUnfit(Refusal):
    """This is no stretch of the log that can be audited while you wait.

    ``data``: most.
    """

    code = "range-unfit"
    hint = "Give a first entry and a later end, at most 10,000 entries apart. All of it: changedesk log audit."


@page("GET", "HEAD", "POST")
def integrity(visit: Visit) -> HttpResponse:
    """Show how whole the log is; on POST audit a stretch of it. That writes nothing."""
    found = reading.integrity(actor=visit.actor, language=visit.language)
    if not visit.posted:
        return _answer(visit, found)
    try:
        since, until = _range(visit, found.size)
        verdict = audit.audit(
            actor=visit.actor,
            at=visit.at,
            since=since,
            until=until,
            witnesses=[read_vkey(given.split()[1]) for given in settings.CHANGEDESK_WITNESSES],
        )
    except Refusal as refusal:
        errors = pages.of(refusal, language=visit.language, field="since")
        return _answer(visit, found, errors=errors, status=pages.status_of(refusal))
    return _answer(visit, found, verdict=verdict)


def _range(visit: Visit, size: int) -> tuple[int, int]:
    """Return the stretch that was typed: the end is left out, and the log's own where none is given."""
    since, until = (visit.given(name) for name in ("since", "until"))
    if not all(text.isascii() and text.isdigit() and len(text) <= _DIGITS for text in (since or "0", until or "0")):
        raise RangeUnfit(most=MOST)
    start, end = int(since or 0), min(int(until or size), size)
    if not start < end <= start + MOST:
        raise RangeUnfit(most=MOST)
    return start, end


def _answer(
    visit: Visit,
    found: Integrity,
    *,
    verdict: Verdict | None = None,
    errors: list[pages.Error] | None = None,
    status: int = 200,
) -> HttpResponse:
    newest = found.checkpoints[0] if found.checkpoints else None
    context: dict[str, Any] = {
        "log": {
            "origin": found.origin,
            "keys": found.keys,
            "size": found.size,
            "published": 0 if newest is None else newest.size,
            "anchored": found.anchored,
        },
        "last": None if found.last is None else _run(found.last),
        "damaged": found.damaged,
        "untold": found.untold,
        "runs": [_run(one) for one in found.runs],
        "checkpoints": found.checkpoints,
        "told": [{"who": one.who.name, "state": one.state, "at": one.at} for one in found.told],
        "verdict": None if verdict is None else _verdict(verdict),
        "given": {
            "since": visit.given("since") or str(max(0, found.size - 1_000)),
            "until": visit.given("until") or str(found.size),
        },
        "errors": errors or [],
    }
    return visit.show("console/integrity.html", context, here="integrity", status=status)


def _run(one: Run) -> dict[str, Any]:
    state = "running" if one.finished_at is None else "failed" if one.findings else "finished"
    return {
        "at": one.started_at,
        "finished_at": one.finished_at,
        "whole": one.whole,
        "start": one.start,
        "size": one.size,
        "findings": one.findings,
        "state": state,
        "word": {"running": _("Under way"), "failed": _("Something is wrong"), "finished": _("Nothing is wrong")}[
            state
        ],
        "index": one.idx,
        "change": one.change_id,
        "fault": _(Fault(one.fault).sentence) if one.fault in set(Fault) else one.fault or "",
    }


def _verdict(one: Verdict) -> dict[str, Any]:
    return {
        "sound": one.sound,
        "start": one.start,
        "size": one.size,
        "root": one.root,
        "records": one.records,
        "count": one.count,
        "findings": [_finding(item) for item in one.findings],
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "index": one.index,
        "until": one.until,
        "change": one.change,
        "fault": _(one.fault.sentence),
        "about": one.about,
    }
