"""How readers looked, who of them stands out among their peers, and certifying that their access was reviewed."""

from typing import Annotated, Literal

from ninja import Query, Schema
from pydantic import Field

from changedesk import flow
from changedesk.channels.api import asked
from changedesk.channels.api.calls import Call
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented, nothing
from changedesk.channels.api.routes import Routes
from changedesk.channels.api.seeing import Whose
from changedesk.channels.refusals import Answer
from changedesk.reading import readers
from changedesk.reading.readers import Certification, Readers

router = Routes(tags=["Access"])


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
def looked(call: Call, query: Query[ReadPeriod]) -> Answer:
    """List who looked in a time, how much, and why some of them stand out among their peers."""
    found = readers.readers_of(
        since=query.since, until=query.until, actor=call.actor, at=call.at, language=call.language
    )
    return tell(found)


@router.post("/access/certifications", **documented(204, None, key=True))
def certify(call: Call, body: Certified) -> Answer:
    """Put on record that the access of all readers of a time was reviewed. Nobody certifies themselves."""
    done = flow.certify_access(body.since, body.until, body.readers, actor=call.actor, at=call.at, key=call.once())
    return nothing(replayed=done)


@router.get("/access/certifications", **documented(200, Certifications, body=False))
def certifications(call: Call) -> Answer:
    """List what was certified of readers, newest first: the last hundred."""
    return tell({"items": readers.certifications(actor=call.actor, language=call.language)})
