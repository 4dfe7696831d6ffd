"""Who looked at whom; showing one masked value for a minute; breaking the glass, and its review."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Query, Schema
from pydantic import Field, StrictInt, StringConstraints

from changedesk import flow
from changedesk.base.ids import ChangeId, SubjectId
from changedesk.channels.api import asked
from changedesk.channels.api.calls import Call
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented, nothing, onward
from changedesk.channels.api.routes import Routes
from changedesk.channels.refusals import Answer
from changedesk.reading import seen
from changedesk.reading.seen import GlassLine, RevealedValue, SeenLine, ViewerLine

router = Routes(tags=["Access"])
Place = Annotated[str, Field(pattern=r"^[0-9]{1,17}-[0-9]{1,19}$")]
Whose = Annotated[str, StringConstraints(pattern=r"^([sk][0-9]{1,18}|a\.[a-z_]{1,40})$", strict=True)]


class Reveal(asked.Asked):
    """Which value of a customer or an account, and why. ``reference``: of the call, case or fault."""

    subject: asked.Id
    path: asked.Word
    reason: Literal[
        "customer_asks", "reach_customer", "correct_record", "fraud_review", "legal_request", "other_system"
    ]
    reference: asked.Opaque | None = None
    note: Annotated[str, StringConstraints(max_length=500, strict=True)] = ""
    """Sealed under the customer's key."""


class Looks(asked.Asked):
    """At one customer or account, by one actor, in a time; newest first."""

    subject: asked.Id | None = None
    actor: Whose | None = None
    since: asked.Time | None = None
    until: asked.Time | None = None
    before: Place | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class Whom(asked.Asked):
    """A customer or an account."""

    subject: asked.Id


class Glass(asked.Asked):
    """See as if verified at a level, for so many minutes. ``reference``: the file that says why."""

    level: Annotated[StrictInt, Field(ge=2, le=3)] = 2
    minutes: Annotated[StrictInt, Field(ge=1, le=60)]
    reason: Literal["emergency", "verification_down", "fraud_in_progress", "authority_order"]
    reference: asked.Opaque


class Verdict(asked.Asked):
    """Whether the wider sight was justified."""

    verdict: Literal["justified", "not_justified"]


class WhichGlass(asked.Asked):
    """All of it, newest first; or what waits for a review, oldest first."""

    waiting: bool = False


class LookedAt(Schema):
    items: list[SeenLine]
    next: str | None


class Viewers(Schema):
    items: list[ViewerLine]


class GlassList(Schema):
    items: list[GlassLine]


class Broken(Schema):
    """The wider sight, and when it ends by itself."""

    id: UUID
    level: int
    until: datetime


@router.post("/reveals", **documented(201, RevealedValue))
def reveal(call: Call, body: Reveal) -> Answer:
    """Show one masked value in clear for a minute. Who, what and why is on record before it is told."""
    made = flow.reveal(
        SubjectId(body.subject),
        body.path,
        reason=body.reason,
        note=body.note,
        reference=body.reference or "",
        actor=call.actor,
        at=call.at,
    )
    shown = seen.revealed(made.id, actor=call.actor, at=call.at, language=call.language)
    return tell(shown, status=201, headers={"Location": f"/api/v1/reveals/{made.id}"})


@router.get("/access/viewers", **documented(200, Viewers, body=False))
def viewers(call: Call, query: Query[Whom]) -> Answer:
    """List everybody who looked at a customer or an account in the last sixty days, and how often."""
    found = seen.viewers(SubjectId(query.subject), actor=call.actor, at=call.at, language=call.language)
    return tell({"items": found})


@router.get("/reveals/{id}", **documented(200, RevealedValue, body=False))
def revealed(call: Call, id: asked.Id) -> Answer:  # noqa: A002 - the address's word
    """Read a value that this caller revealed: in clear until its minute is over, masked from then on."""
    return tell(seen.revealed(ChangeId(id), actor=call.actor, at=call.at, language=call.language))


@router.get("/access", **documented(200, LookedAt, body=False))
def looked(call: Call, query: Query[Looks]) -> Answer:
    """List who looked at whom: views, searches, reveals and broken glass, with reason and fields, never a value."""
    page = seen.who_looked(
        actor=call.actor,
        language=call.language,
        subject=None if query.subject is None else SubjectId(query.subject),
        who=query.actor,
        since=query.since,
        until=query.until,
        before=query.before,
        limit=query.limit,
    )
    return tell({"items": page.items, "next": page.next}, headers=onward(call.path, query, before=page.next))


@router.post("/break-glass", **documented(201, Broken, key=True))
def break_glass(call: Call, body: Glass) -> Answer:
    """See all customers as if they were verified, for an hour at most. It is marked, told, and must be reviewed."""
    made = flow.break_glass(
        level=body.level,
        minutes=body.minutes,
        reason=body.reason,
        reference=body.reference,
        actor=call.actor,
        at=call.at,
        key=call.once(),
    )
    return tell({"id": made.id, "level": made.level, "until": made.until}, status=201)


@router.get("/break-glass", **documented(200, GlassList, body=False))
def broken(call: Call, query: Query[WhichGlass]) -> Answer:
    """List broken glass, with what was said of it; ``waiting`` lists what nobody has reviewed."""
    found = seen.broken_glass(actor=call.actor, at=call.at, language=call.language, waiting=query.waiting)
    return tell({"items": found})


@router.post("/break-glass/{id}/review", **documented(204, None, key=True))
def review(call: Call, id: asked.Id, body: Verdict) -> Answer:  # noqa: A002 - the address's word
    """Say whether somebody else's wider sight was justified."""
    done = flow.review_break_glass(id, verdict=body.verdict, actor=call.actor, at=call.at, key=call.once())
    return nothing(replayed=done)
