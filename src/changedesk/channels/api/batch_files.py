"""A file of requests in one call: read by a map, looked at or entered as a batch, with what became of every line."""

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Annotated, Final, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import File, Form, Router, Schema, UploadedFile
from pydantic import Field, StringConstraints

from changedesk import flow
from changedesk.channels.api import asked
from changedesk.channels.api.calls import Call
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented
from changedesk.channels.api.routes import of, send
from changedesk.channels.bulk import RequestMap, RequestReport, read_request_map, request_batch
from changedesk.channels.bulk.received import lines, received
from changedesk.channels.bulk.report import Line
from changedesk.channels.bulk.request_map import parse_request_map
from changedesk.reading.batches import RouteCount
from changedesk.reading.forms import ground

router = Router(tags=["Batches"])
PATH: Final = "/batches/files"
FORM: Final = "multipart/form-data"
LINES_MOST: Final = 5000
"""Lines of the report that one answer tells; the counts are of all."""


class FileTerms(asked.Asked):
    """By which map a file is read, and what all of its lines have in common, where it is not what the map says.

    ``map`` names one that comes with the program, or is what the map sent along is called.
    """

    map: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,79}$")]
    reason: asked.Word | None = None
    initiated_by: Literal["customer", "business"] | None = None
    acknowledged: Annotated[list[asked.Word], Field(max_length=20)] = []


class LineTold(Schema):
    """What became of one line of the file, counted as a spreadsheet does: ``code`` and ``field`` say why."""

    row: int
    outcome: str
    code: str
    field: str
    what_to_do: str
    ref: str


class ReasonCount(Schema):
    code: str
    field: str
    count: int


class FileTold(Schema):
    """A file that was looked at or entered. ``batch`` and ``digest`` are null while nothing was entered as a whole."""

    batch: UUID | None
    digest: str | None
    counts: dict[str, int]
    reasons: list[ReasonCount]
    routes: list[RouteCount]
    lines: list[LineTold]
    stopped: str


@router.post("/files", **documented(201, FileTold, key=True, also=200, also_answer=FileTold))
def enter_file(
    request: HttpRequest,
    terms: Form[FileTerms],
    file: File[UploadedFile],
    map_file: File[UploadedFile | None] = None,
    dry_run: bool = False,  # noqa: FBT001, FBT002 - the address's word
) -> HttpResponse:
    """Enter the lines of a CSV or XLSX file as one batch, with the terminal's maps (docs/bulk.md) or one sent along.

    With ``dry_run=true`` nothing is entered and no batch is kept: 200, with the counts, the lines that conflict, and
    what policy would ask. The same file again goes on where it was ended.
    """
    call = of(request)
    with received(file.chunks()) as (path, report_to):
        report = request_batch(
            path,
            _map(terms, map_file),
            terms.map,
            actor=call.actor,
            catalogue=ground(actor=call.actor).catalogue,
            now=lambda: call.at,
            dry_run=dry_run,
            report_to=report_to,
            key=None if dry_run else _once(call, terms, path),
        )
        answer = _told(report, islice(lines(report_to), LINES_MOST))
    return send(tell(answer, status=200 if dry_run else 201))


def _map(terms: FileTerms, sent: UploadedFile | None) -> RequestMap:
    found = read_request_map(terms.map) if sent is None else parse_request_map(_text(sent), terms.map)
    return replace(
        found,
        reason=terms.reason or found.reason,
        initiated_by=terms.initiated_by or found.initiated_by,
        acknowledged=found.acknowledged | set(terms.acknowledged),
    )


def _text(sent: UploadedFile) -> str:
    return bytes(sent.read()).decode("utf-8", "replace")


def _once(call: Call, terms: FileTerms, path: Path) -> flow.Once:
    # A form has been read by now, and its boundary is another at each try: its content is what counts.
    content = terms.model_dump_json().encode() + sha256(path.read_bytes()).digest()
    return replace(call, body=lambda: content).once()


def _told(report: RequestReport, told: Iterable[Line]) -> dict[str, object]:
    return {
        "batch": report.batch,
        "digest": report.digest or None,
        "counts": report.totals(),
        "reasons": [{"code": code, "field": path, "count": n} for (code, path), n in report.codes.most_common()],
        "routes": [RouteCount(level=level, consent=consent, approvals=approvals, count=n)
                   for (level, consent, approvals), n in sorted(report.routes.items())],
        "lines": [
            {"row": one.row, "outcome": one.outcome, "code": one.code, "field": one.field,
             "what_to_do": one.what_to_do, "ref": one.record}
            for one in told
        ],
        "stopped": report.stopped,
    }  # fmt: skip
