"""How readers looked, who of them stands out among their peers, and certifying that their access was reviewed."""

from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from changedesk import flow
from changedesk.channels.api import asked
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented, nothing, of, send
from changedesk.channels.api.seeing import Whose
from changedesk.reading import readers
from changedesk.reading.readers import Certification, Readers

router = Router(tags=["Access"])


class ReadPeriod(asked.Asked):
    """From an instant until before another, 92 days at most."""

    since: asked.Time
    until: asked.Time


class Certified(asked.Asked):
    """Of each reader of a time that is over, but for the caller: kept, or flagged for somebody to act on."""

    since: asked.Time
    until: asked.Time
    readers: Annotated[dict[Whose, Literal["kept", "flagged"]], Field(max_length=10_000)]


class Certifications(Schema):
    items: list[Certification]


@router.get("/access/readers", **documented(200, Readers, body=False))
def looked(request: HttpRequest, query: Query[ReadPeriod]) -> HttpResponse:
    """List who looked in a time, how much, and why some of them stand out among their peers."""
    call = of(request)
    found = readers.readers_of(
        since=query.since, until=query.until, actor=call.actor, at=call.at, language=call.language
    )
    return send(tell(found))


@router.post("/access/certifications", **documented(204, None, key=True))
def certify(request: HttpRequest, body: Certified) -> HttpResponse:
    """Put on record that the access of all readers of a time was reviewed. Nobody certifies themselves."""
    call = of(request)
    done = flow.certify_access(body.since, body.until, body.readers, actor=call.actor, at=call.at, key=call.once())
    return send(nothing(replayed=done))


@router.get("/access/certifications", **documented(200, Certifications, body=False))
def certifications(request: HttpRequest) -> HttpResponse:
    """List what was certified of readers, newest first: the last hundred."""
    call = of(request)
    return send(tell({"items": readers.certifications(actor=call.actor, language=call.language)}))
