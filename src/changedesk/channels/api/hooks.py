"""Hooks: where the client's own systems are told of events, and what became of each. Set by people who signed in."""

from typing import Annotated, Literal
from uuid import UUID

from ninja import Query, Schema
from pydantic import Field

from changedesk.channels.api import asked
from changedesk.channels.api.calls import Call
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented, nothing, onward
from changedesk.channels.api.house import Limit
from changedesk.channels.api.routes import Routes
from changedesk.channels.refusals import Answer
from changedesk.flow import hooks as flow
from changedesk.flow import resending
from changedesk.reading import hooks as reading
from changedesk.reading.hooks import HookDeliveries, HookPanel

router = Routes(tags=["Hooks"])
Names = Annotated[list[asked.Word], Field(max_length=200)]


class Hook(asked.Asked):
    """Where a hook leads and what it is told: all ``events`` and all ``kinds`` where none are named.

    ``full_values``: values go there in clear; they are masked otherwise.
    """

    url: Annotated[str, Field(min_length=1, max_length=500)]
    events: Names = []
    kinds: Names = []
    full_values: bool = False


class HookChange(asked.Asked):
    """What a hook is to be from now on. What is left out stays as it is."""

    url: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    events: Names | None = None
    kinds: Names | None = None
    full_values: bool | None = None


class ResendRange(asked.Asked):
    """Events that were queued from ``since`` until before ``until``, those that failed or all that were tried.

    ``after``: go on behind the delivery that the last answer named.
    """

    since: asked.Time
    until: asked.Time
    which: Literal["failed", "all"] = "failed"
    after: asked.Id | None = None


class WhichDeliveries(asked.Asked):
    """Those behind one of them, newest first; those that wait, were sent, or were given up."""

    state: Literal["", "waiting", "sent", "given_up"] = ""
    after: asked.Id | None = None
    limit: Limit = 50


class Hooks(Schema):
    items: list[HookPanel]


class HookSecret(Schema):
    """A hook, and the secret that signs from now on. It is told once. ``draft``: what waits for a second person."""

    id: UUID
    secret: str
    draft: UUID | None


class Tested(Schema):
    """The delivery of a test event."""

    delivery: UUID


class HookResent(Schema):
    """How many events go out again. ``next``: where another call goes on, null where all of them do."""

    events: int
    next: UUID | None


@router.get("", **documented(200, Hooks, body=False))
def listed(call: Call) -> Answer:
    """List the client's hooks, oldest first."""
    return tell({"items": reading.hooks(actor=call.actor, at=call.at, language=call.language)})


@router.post("", **documented(201, HookSecret, key=True))
def register(call: Call, body: Hook) -> Answer:
    """Add a hook: it is told of what is recorded from now on; in clear, from when a second person approved it."""
    made = flow.register_hook(_new(body), actor=call.actor, at=call.at, key=call.once())
    return tell(made, status=201, headers={"Location": f"/api/v1/hooks/{made.id}"})


@router.get("/{id}", **documented(200, HookPanel, body=False))
def one(call: Call, id: asked.Id) -> Answer:  # noqa: A002 - the address's word
    """Read how a hook stands."""
    return _shown(call, id)


@router.patch("/{id}", **documented(200, HookPanel))
def change(call: Call, id: asked.Id, body: HookChange) -> Answer:  # noqa: A002 - the address's word
    """Set where a hook leads and what it is told. What lets values leave in clear waits for a second person."""
    wanted = flow.HookChange(url=body.url, events=body.events, kinds=body.kinds, full_values=body.full_values)
    flow.change_hook(id, wanted, actor=call.actor, at=call.at)
    return _shown(call, id)


@router.post("/{id}/drafts/{draft}/approve", **documented(204, None, key=True))
def approve(
    call: Call, id: asked.Id, draft: asked.Id, body: asked.Nothing = asked.Nothing()  # noqa: A002, B008 - the address's word; no members
) -> Answer:  # fmt: skip
    """Put in force what somebody else wrote, exactly as it was looked at."""
    del body
    return nothing(replayed=flow.approve_hook(id, draft, actor=call.actor, at=call.at, key=call.once()))


@router.post("/{id}/drafts/{draft}/drop", **documented(204, None, key=True))
def drop(
    call: Call, id: asked.Id, draft: asked.Id, body: asked.Nothing = asked.Nothing()  # noqa: A002, B008 - as above
) -> Answer:  # fmt: skip
    """Let a hook stay as it is, instead of what waits. One that is new is removed."""
    del body
    return nothing(replayed=flow.drop_draft(id, draft, actor=call.actor, at=call.at, key=call.once()))


@router.post("/{id}/rotate", **documented(200, HookSecret, key=True))
def rotate(call: Call, id: asked.Id, body: asked.Nothing = asked.Nothing()) -> Answer:  # noqa: A002, B008 - the address's word; no members
    """Give a hook a new secret. The one before it signs too, for 24 hours."""
    del body
    return tell(flow.rotate_hook(id, actor=call.actor, at=call.at, key=call.once()))


@router.post("/{id}/pause", **documented(204, None, key=True))
def pause(call: Call, id: asked.Id, body: asked.Nothing = asked.Nothing()) -> Answer:  # noqa: A002, B008 - as above
    """Send a hook nothing until it is resumed. What happens meanwhile waits for it."""
    del body
    return nothing(replayed=flow.pause_hook(id, actor=call.actor, at=call.at, key=call.once()))


@router.post("/{id}/resume", **documented(204, None, key=True))
def resume(call: Call, id: asked.Id, body: asked.Nothing = asked.Nothing()) -> Answer:  # noqa: A002, B008 - as above
    """Send a paused or disabled hook what waits for it, and go on."""
    del body
    return nothing(replayed=flow.resume_hook(id, actor=call.actor, at=call.at, key=call.once()))


@router.post("/{id}/remove", **documented(204, None, key=True))
def remove(call: Call, id: asked.Id, body: asked.Nothing = asked.Nothing()) -> Answer:  # noqa: A002, B008 - as above
    """End a hook for good, and forget its address and secrets."""
    del body
    return nothing(replayed=flow.remove_hook(id, actor=call.actor, at=call.at, key=call.once()))


@router.post("/{id}/test", **documented(202, Tested, key=True))
def send_test(call: Call, id: asked.Id, body: asked.Nothing = asked.Nothing()) -> Answer:  # noqa: A002, B008 - as above
    """Send a hook an event that tells nothing, signed like any other. Its delivery says what came of it."""
    del body
    made = resending.try_hook(id, actor=call.actor, at=call.at, key=call.once())
    return tell({"delivery": made}, status=202)


@router.get("/{id}/deliveries", **documented(200, HookDeliveries, body=False))
def deliveries(call: Call, id: asked.Id, query: Query[WhichDeliveries]) -> Answer:  # noqa: A002 - the address's word
    """List what became of events, newest first: for 30 days."""
    found = reading.deliveries(id, actor=call.actor, state=query.state, after=query.after, limit=query.limit)
    link = onward(call.path, query, after=None if found.next is None else str(found.next))
    return tell(found, headers=link)


@router.post("/{id}/resend", **documented(202, HookResent, key=True))
def resend_range(call: Call, id: asked.Id, body: ResendRange) -> Answer:  # noqa: A002 - the address's word
    """Send the events of a time to a hook once more, under the same ids, as the log tells of them now."""
    made = resending.resend_range(
        id, since=body.since, until=body.until, failed=body.which == "failed", after=body.after, actor=call.actor,
        at=call.at, key=call.once(),
    )  # fmt: skip
    return tell(made, status=202)


@router.post("/{id}/deliveries/{delivery}/resend", **documented(204, None, key=True))
def resend(
    call: Call, id: asked.Id, delivery: asked.Id, body: asked.Nothing = asked.Nothing()  # noqa: A002, B008 - as above
) -> Answer:  # fmt: skip
    """Send an event to a hook once more, under the same id, as the log tells of it now."""
    del body
    return nothing(replayed=resending.resend(id, delivery, actor=call.actor, at=call.at, key=call.once()))


def _new(body: Hook) -> flow.NewHook:
    return flow.NewHook(url=body.url, events=body.events, kinds=body.kinds, full_values=body.full_values)


def _shown(call: Call, id_: UUID) -> Answer:
    return tell(reading.hook(id_, actor=call.actor, at=call.at, language=call.language))
