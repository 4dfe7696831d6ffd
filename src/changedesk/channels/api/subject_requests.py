"""Data-subject requests: received in any channel, answered by the clocks of the law, with a copy where one is asked."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from ninja import Query, Schema
from pydantic import Field

from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.channels import copies
from changedesk.channels.api import asked
from changedesk.channels.api.calls import Call
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented, onward
from changedesk.channels.api.routes import Routes
from changedesk.channels.refusals import Answer
from changedesk.flow import subject_answer, subject_request
from changedesk.flow.subject_steps import Handled
from changedesk.reading import recipients
from changedesk.reading import subject_requests as reading
from changedesk.reading.recipients import Disclosure
from changedesk.reading.subject_requests import DataRequestLine, DataRequestPanel, Figures
from changedesk.rules.rights import Right

router = Routes(tags=["Data-subject requests"])
of_customer = Routes(tags=["Data-subject requests"])
YEAR: Final = timedelta(days=365)
Cursor = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:=-]{1,120}$")]
_NONE: Final = asked.Nothing()
Place = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]


class Received(asked.Asked):
    """What a person asks about their data. ``received_at``: when it came in, by any channel: the clocks start there.

    ``jurisdictions``: whose law holds for this person; left out, all of the client's count and the strictest wins.
    """

    subject: asked.Id
    right: Literal[
        "access", "portability", "rectification", "erasure", "restriction", "objection", "opt_out", "amendment",
        "accounting",
    ]  # fmt: skip
    channel: asked.Asking = "api"
    received_at: asked.Time | None = None
    jurisdictions: Annotated[list[Place], Field(max_length=20)] = []
    note: asked.Text = ""


class Acknowledged(asked.Asked):
    """``spoken``: said in the conversation in which it came in, so that no notice goes out."""

    spoken: bool = False


class Doubted(asked.Asked):
    """``note``: what the reasonable doubt is; kept sealed."""

    note: asked.Said


class Extended(asked.Asked):
    reason: asked.Word
    note: asked.Text = ""


class Paused(asked.Asked):
    ground: Literal["identity", "clarification"]
    note: asked.Text = ""


class Linked(asked.Asked):
    """The change request that carries it out."""

    change_request: Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{5,20}$")]


class Refused(asked.Asked):
    """``note``: what the decision rests on; kept sealed. The person is told the ground."""

    ground: asked.Word
    note: asked.Said


class Noted(asked.Asked):
    note: asked.Text = ""


class DataRequestAnswer(Noted):
    """``part``: what was asked is done in part; the note says what is not, and why."""

    part: bool = False


class Stated(asked.Asked):
    """The person's own words, which go with later disclosures of the record."""

    text: asked.Said


class Step(Schema):
    """A request after a step. ``due_at``: by when it is answered, and the rule that says so."""

    ref: str
    state: Literal["open", "answered", "refused", "appealed"]
    version: int
    due_at: datetime
    due_rule: str


class Lines(Schema):
    items: list[DataRequestLine]
    next: str | None


class Register(Schema):
    items: list[Disclosure]


class Year(Schema):
    items: list[Figures]


class DataRequests(asked.Asked):
    """``waiting``: the most urgent first. ``all``: closed ones too, the newest first."""

    state: Literal["waiting", "all"] = "waiting"
    after: Cursor | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class Period(asked.Asked):
    """From ``since`` until before ``until``; left out, the last 365 days."""

    since: asked.Time | None = None
    until: asked.Time | None = None


@router.post("", **documented(201, Step, key=True, problems=[409]))
def receive(call: Call, body: Received) -> Answer:
    """Write down what a person asks about their data. The clock of every law that applies starts at receipt."""
    made = subject_request.receive(
        SubjectId(body.subject),
        Right(body.right),
        jurisdictions=body.jurisdictions,
        channel=Channel(body.channel),
        received_at=body.received_at,
        note=body.note,
        actor=call.actor,
        at=call.at,
        key=call.once(),
    )
    return _step(made, status=201, location=f"/api/v1/subject-requests/{made.ref}")


@router.get("", **documented(200, Lines, body=False))
def requests(call: Call, query: Query[DataRequests]) -> Answer:
    """List requests with the days that are left."""
    given: dict[str, Any] = {"actor": call.actor, "at": call.at, "language": call.language, "limit": query.limit}
    if query.state == "waiting":
        page = reading.waiting(after=query.after, **given)
    else:
        page = reading.newest(before=query.after, **given)
    link = onward(call.path, query, after=page.next)
    return tell({"items": page.items, "next": page.next}, headers=link)


@router.get("/figures", **documented(200, Year, body=False))
def figures(call: Call, query: Query[Period]) -> Answer:
    """Read how many were received, complied with and denied, and in how many days (11 CCR 7102)."""
    until = query.until or call.at
    since = query.since or until - YEAR
    return tell({"items": reading.figures(actor=call.actor, since=since, until=until)})


@router.get("/{ref}", **documented(200, DataRequestPanel, body=False))
def one(call: Call, ref: str) -> Answer:
    """Read one request: its clocks, steps and notes, what carries it out, and the steps that can be taken."""
    return tell(reading.one(ref, actor=call.actor, at=call.at, language=call.language))


@router.post("/{ref}/acknowledge", **documented(200, Step, key=True))
def acknowledge(call: Call, ref: str, body: Acknowledged = Acknowledged()) -> Answer:  # noqa: B008 - never written to
    """Confirm receipt to the person, with the day by which it is answered."""
    return _do(call, lambda **given: subject_request.acknowledge(ref, spoken=body.spoken, **given))


@router.post("/{ref}/identify", **documented(200, Step, key=True))
def identify(call: Call, ref: str, body: asked.Nothing = _NONE) -> Answer:
    """Bind what the person proved as a caller since it came in (`POST /customers/{id}/verification`)."""
    del body
    return _do(call, lambda **given: subject_request.identify(ref, **given))


@router.post("/{ref}/doubt", **documented(200, Step, key=True))
def doubt(call: Call, ref: str, body: Doubted) -> Answer:
    """Ask for more to know who asks, where there is reasonable doubt (GDPR 12(6))."""
    return _do(call, lambda **given: subject_request.doubt(ref, body.note, **given))


@router.post("/{ref}/extend", **documented(200, Step, key=True))
def extend(call: Call, ref: str, body: Extended) -> Answer:
    """Take more time, once, within the first period. The person is told why and until when."""
    return _do(call, lambda **given: subject_request.extend(ref, body.reason, note=body.note, **given))


@router.post("/{ref}/pause", **documented(200, Step, key=True))
def pause(call: Call, ref: str, body: Paused) -> Answer:
    """Stop the clock while the person is asked, where every law that applies lets it stop."""
    return _do(call, lambda **given: subject_request.pause(ref, body.ground, note=body.note, **given))


@router.post("/{ref}/resume", **documented(200, Step, key=True))
def resume(call: Call, ref: str, body: asked.Nothing = _NONE) -> Answer:
    """Let the clock go on."""
    del body
    return _do(call, lambda **given: subject_request.resume(ref, **given))


@router.post("/{ref}/link", **documented(200, Step, key=True))
def link(call: Call, ref: str, body: Linked) -> Answer:
    """Say which change request carries it out: a correction, an erasure, a restriction."""
    return _do(call, lambda **given: subject_answer.link(ref, body.change_request, **given))


@router.post("/{ref}/copy", **documented(200, Step, key=True))
def copy(call: Call, ref: str, body: asked.Nothing = _NONE) -> Answer:
    """Build the copy that answers it, once: data for machines and a page to read, kept for seven days."""
    del body
    language = call.language
    return _do(call, lambda **given: copies.build(ref, language=language, **given))


def _zip() -> dict[str, Any]:
    made = documented(200, None)
    schema = {"type": "string", "format": "binary"}
    made["openapi_extra"]["responses"][200] = {"description": "OK", "content": {copies.MEDIA: {"schema": schema}}}
    return made


@router.post("/{ref}/copy/download", **_zip())
def download(call: Call, ref: str, body: asked.Nothing = _NONE) -> Answer:
    """Download the copy. Every download is recorded as a disclosure."""
    del body
    made = subject_answer.hand_over(ref, actor=call.actor, at=call.at)
    told = {"Content-Type": copies.MEDIA, "Content-Disposition": f'attachment; filename="{copies.name_of(made.ref)}"'}
    return Answer(200, made.data, told)


@router.post("/{ref}/answer", **documented(200, Step, key=True))
def answer(call: Call, ref: str, body: DataRequestAnswer = DataRequestAnswer()) -> Answer:  # noqa: B008 - never written to
    """Answer: what was asked is done, and the person is told. Refused until it is known that it is they who ask."""
    return _do(call, lambda **given: subject_answer.answer(ref, part=body.part, note=body.note, **given))


@router.post("/{ref}/refuse", **documented(200, Step, key=True))
def refuse(call: Call, ref: str, body: Refused) -> Answer:
    """Refuse with a ground; the person is told it and what they can do."""
    return _do(call, lambda **given: subject_answer.refuse(ref, body.ground, note=body.note, **given))


@router.post("/{ref}/appeal", **documented(200, Step, key=True))
def appeal(call: Call, ref: str, body: Noted = Noted()) -> Answer:  # noqa: B008 - never written to
    """Open it again because the person appeals, where the law gives an appeal."""
    return _do(call, lambda **given: subject_answer.appeal(ref, note=body.note, **given))


@router.post("/{ref}/statement", **documented(200, Step, key=True))
def statement(call: Call, ref: str, body: Stated) -> Answer:
    """Put the person's own statement beside a record whose correction was refused."""
    return _do(call, lambda **given: subject_answer.state_disagreement(ref, body.text, **given))


@of_customer.get("/{id}/recipients", **documented(200, Register, body=False))
def register(call: Call, id: asked.Id) -> Answer:  # noqa: A002 - the address's word
    """List who was given what of a customer's data, newest first: systems, evidence, copies, notices."""
    found = recipients.register(SubjectId(id), actor=call.actor, at=call.at, language=call.language)
    return tell({"items": found})


def _do(call: Call, act: Callable[..., Handled]) -> Answer:
    return _step(act(actor=call.actor, at=call.at, key=call.once()))


def _step(made: Handled, *, status: int = 200, location: str = "") -> Answer:
    body = {name: getattr(made, name) for name in Step.model_fields}
    headers = {"Location": location} if location else None
    return tell(body, status=status, replayed=made.replayed, headers=headers)
