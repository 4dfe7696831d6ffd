"""Which files were taken in, and what became of their rows."""

from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _

from changedesk.channels.console.show import files, words
from changedesk.channels.console.visit import Visit, page
from changedesk.reading import imports as reading
from changedesk.reading.imports import ENDED_EARLY, ImportRun
from changedesk.rules.access import Verb, may

LIMIT: Final = 50


@page("GET", "HEAD")
def imports(visit: Visit) -> HttpResponse:
    """Show the runs, newest first."""
    before = visit.request.GET.get("before")
    found = reading.runs(actor=visit.actor, language=visit.language, before=before, limit=LIMIT)
    base = visit.url("imports")
    return visit.show(
        "console/imports.html",
        {
            "runs": [_run(item, visit) for item in found.items],
            "page": {
                "first_url": base if before else "",
                "next_url": f"{base}?before={found.next}" if found.next else "",
            },
        },
        here="imports",
    )


@page("GET", "HEAD")
def import_run(visit: Visit, key: UUID) -> HttpResponse:
    """Show one run: its counts, and why rows were refused."""
    found = reading.run(key, actor=visit.actor, language=visit.language)
    return visit.show(
        "console/import.html",
        {
            "run": _run(found, visit),
            "undo_url": visit.url("import_undo", key) if may(visit.actor, Verb.CHANGE_REVERT) else "",
            "counts": [(words.COUNTS[name], found.counts.get(name, 0)) for name in words.COUNTS],
            "reasons": [files.reason(item) for item in found.reasons],
        },
        here="imports",
    )


def _run(item: ImportRun, visit: Visit) -> dict[str, Any]:
    early = item.state == "finished" and ENDED_EARLY in item.counts
    return {
        "url": visit.url("import_run", item.id),
        "map": item.map,
        "mark": item.file[:8],
        "by": item.started_by.name,
        "at": item.started_at,
        "finished_at": item.finished_at,
        "state": "failed" if early else item.state,
        "word": _("The file ended early") if early else "",
        "done": item.done,
        "parts": item.parts,
        **{name: item.counts.get(name, 0) for name in words.COUNTS},
    }
