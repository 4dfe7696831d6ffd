"""Searching the whole history, its entries one by one, kept searches, and files of what was found.

What is searched for comes in bodies only: it may hold a customer's own value, and addresses end in logs.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Router, Schema
from pydantic import Field

from changedesk.channels import audit_search as searching
from changedesk.channels import exports
from changedesk.channels.api import asked
from changedesk.channels.api.calls import Call
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented
from changedesk.channels.api.routes import Routes, of
from changedesk.channels.refusals import Answer
from changedesk.flow import audit_trail
from changedesk.reading import audit_search
from changedesk.reading.audit_search import Facet, event
from changedesk.reading.audit_search.facets import complete
from changedesk.reading.panels import EntryView
from changedesk.rules import query

router = Routes(tags=["Audit search"])
files = Router(tags=["Audit search"])
Text = Annotated[str, Field(max_length=query.LONGEST)]
Place = Annotated[int, Field(ge=0, lt=2**43)]


class AuditQuery(asked.Asked):
    """``query``: such as ``actor:maria action:apply -channel:phone created:2026-01-01..2026-03-31``.

    ``before`` and ``after``: a place of the page before.
    """

    query: Text = ""
    before: Place | None = None
    after: Place | None = None
    limit: Annotated[int, Field(ge=1, le=audit_search.LIMIT_MAX)] = 50
    facets: bool = False


class AuditText(asked.Asked):
    query: Text = ""


class AuditLine(Schema):
    """An entry that was found. ``place``: its index in the log. ``whose``: the record's name, as it may be seen."""

    place: int
    type: str
    whose: str
    whose_masked: bool
    view: EntryView


class AuditFound(Schema):
    """A page, newest first. ``count`` is exact or, where ``exact`` is false, the least that there are."""

    items: list[AuditLine]
    older: int | None
    newer: int | None
    count: int | None
    exact: bool
    counted: int
    facets: list[Facet]
    behind: int


class AuditEntry(Schema):
    """An entry with its neighbours: in the log, and among the changes of the same record."""

    line: AuditLine
    before: int | None
    after: int | None
    change_before: int | None
    change_after: int | None
    leaf: str
    previous_leaf: str
    policy: int
    size: int


class AuditVerdict(Schema):
    """Whether an entry is what was published: under the checkpoint of this size and root."""

    word: Literal["sound", "waiting", "changed", "broken"]
    size: int
    root: str


class AuditOffers(Schema):
    """Whole searches that a half-typed one may become; ``missing``: keys that have no source, with why."""

    offers: list[str]
    missing: dict[str, str]


class KeptSearch(Schema):
    id: UUID
    name: str
    query: str


class KeptSearches(Schema):
    items: list[KeptSearch]


class KeepSearch(asked.Asked):
    name: Annotated[str, Field(min_length=1, max_length=audit_trail.NAME_MOST)]
    query: Text = ""


class Kept(Schema):
    id: UUID


class ExportWanted(asked.Asked):
    query: Text = ""
    format: Literal["csv", "xlsx", "json", "ocsf", "xes"] = "csv"


class ExportMade(Schema):
    """A file that waits: fetched once, by the key that made it, until it expires."""

    id: UUID
    format: str
    entries: int
    sha256: str
    expires_at: datetime


@router.post("/search", **documented(200, AuditFound))
def search(call: Call, body: AuditQuery) -> Answer:
    """Search everything that was recorded at this client. A first page is put on record before it is answered."""
    found = searching.searched(
        body.query,
        actor=call.actor,
        at=call.at,
        language=call.language,
        before=body.before,
        after=body.after,
        limit=body.limit,
        with_facets=body.facets,
    )
    return tell({name: getattr(found, name) for name in AuditFound.model_fields})


@router.post("/completions", **documented(200, AuditOffers))
def completions(call: Call, body: AuditText) -> Answer:
    """Say how a half-typed search may go on."""
    found = complete(body.query, actor=call.actor)
    return tell({"offers": found.offers, "missing": found.missing})


@router.get("/entries/{place}", **documented(200, AuditEntry, body=False))
def entry(call: Call, place: Place) -> Answer:
    """Read one entry by its index in the log."""
    return tell(event.event(place, actor=call.actor, at=call.at, language=call.language))


@router.get("/entries/{place}/verification", **documented(200, AuditVerdict, body=False))
def verification(call: Call, place: Place) -> Answer:
    """Check one entry against the newest published checkpoint."""
    return tell(event.verify(place, actor=call.actor))


@router.get("/searches", **documented(200, KeptSearches, body=False))
def searches(call: Call) -> Answer:
    """List the searches that this key keeps."""
    return tell({"items": audit_search.kept(actor=call.actor)})


@router.post("/searches", **documented(201, Kept, key=True))
def keep(call: Call, body: KeepSearch) -> Answer:
    """Keep a search by name. One for a customer's own value is not kept."""
    call.once()  # the same search under the same name is one, whatever the key
    personal = query.personal(audit_search.read_query(body.query, actor=call.actor, at=call.at))
    made = audit_trail.keep_search(body.name, body.query, personal=personal, actor=call.actor, at=call.at)
    return tell({"id": made}, status=201)


@router.delete("/searches/{id}", **documented(204, None, body=False))
def drop(call: Call, id: asked.Id) -> Answer:  # noqa: A002 - the path's word
    """Drop a kept search."""
    audit_trail.drop_search(id, actor=call.actor)
    return Answer(204)


@router.post("/exports", **documented(201, ExportMade))
def export(call: Call, body: ExportWanted) -> Answer:
    """Write what a search finds into a file, always masked, and put on record who made it of what."""
    made = exports.make(body.query, body.format, actor=call.actor, at=call.at, language=call.language)
    return tell(made, status=201)


def _file() -> dict[str, Any]:
    made = documented(200, None, body=False)
    schema = {"type": "string", "format": "binary"}
    media = {one.media for one in exports.FORMATS.values()}
    content = {name: {"schema": schema} for name in sorted(media)}
    made["openapi_extra"]["responses"][200] = {"description": "OK", "content": content}
    return made


@files.post("/exports/{id}/download", **_file())
def download(request: HttpRequest, id: asked.Id) -> StreamingHttpResponse:  # noqa: A002 - the path's word
    """Fetch a file, once."""
    call = of(request)
    return sent(id, *exports.take(id, actor=call.actor, at=call.at))


def sent(export_: UUID, format_: str, data: Iterator[bytes]) -> StreamingHttpResponse:
    """Return a file as it is sent."""
    headers = {"Content-Disposition": f'attachment; filename="{exports.name(export_, format_)}"', **_NOT_KEPT}
    return StreamingHttpResponse(data, content_type=exports.FORMATS[format_].media, headers=headers)


_NOT_KEPT: Final = {"Cache-Control": "no-store"}
