"""Deciding on requests, ending them, pausing them, and putting their day elsewhere."""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from changedesk import flow
from changedesk.channels.api import asked, told
from changedesk.channels.api.documented import documented, of
from changedesk.channels.api.requests import receipt

router = Router(tags=["Decisions"])
_DECISION = documented(200, told.Receipt, key=True, seen=True)


@router.post("/{ref}/approve", **_DECISION)
def approve(request: HttpRequest, ref: str, body: asked.Approval) -> HttpResponse:
    """Let a request go ahead, exactly as it was seen: in that version, with that digest. Only staff approve.

    Nobody approves what they entered. The digest stands for the very values; what was revised has another.
    """
    call = of(request)
    made = flow.approve(
        {ref: body.digest},
        versions={ref: call.seen()},
        note=body.note,
        actor=call.actor,
        at=call.at,
        key=call.once(),
    ).one()
    return receipt(made)


@router.post("/{ref}/reject", **_DECISION)
def reject(request: HttpRequest, ref: str, body: asked.Rejection) -> HttpResponse:
    """End a request with a no, and a reason that its asker can read."""
    call = of(request)
    made = flow.reject(
        ref,
        seen_version=call.seen(),
        reason=body.reason,
        message=body.message,
        actor=call.actor,
        at=call.at,
        key=call.once(),
    )
    return receipt(made)


@router.post("/{ref}/request-information", **_DECISION)
def request_information(request: HttpRequest, ref: str, body: asked.Question) -> HttpResponse:
    """Send a request back to whoever entered it, with a question."""
    call = of(request)
    made = flow.ask_information(
        ref, seen_version=call.seen(), message=body.message, actor=call.actor, at=call.at, key=call.once()
    )
    return receipt(made)


@router.post("/{ref}/withdraw", **_DECISION)
def withdraw(request: HttpRequest, ref: str, body: asked.Nothing = asked.Nothing()) -> HttpResponse:  # noqa: B008 - frozen by having no members
    """Take a request back at the wish of whoever asked. Possible until it is applied."""
    del body
    call = of(request)
    return receipt(flow.withdraw(ref, seen_version=call.seen(), actor=call.actor, at=call.at, key=call.once()))


@router.post("/{ref}/cancel", **_DECISION)
def cancel(request: HttpRequest, ref: str, body: asked.Ending) -> HttpResponse:
    """End a request for a reason of the house. Possible until it is applied."""
    call = of(request)
    made = flow.cancel(ref, reason=body.reason, seen_version=call.seen(), actor=call.actor, at=call.at, key=call.once())
    return receipt(made)


@router.post("/{ref}/hold", **_DECISION)
def hold(request: HttpRequest, ref: str, body: asked.Stop) -> HttpResponse:
    """Stop a request until a moment, or until somebody releases it."""
    call = of(request)
    made = flow.hold(
        ref,
        reason=body.reason,
        until=body.until,
        seen_version=call.seen(),
        actor=call.actor,
        at=call.at,
        key=call.once(),
    )
    return receipt(made)


@router.post("/{ref}/release", **_DECISION)
def release(request: HttpRequest, ref: str, body: asked.Nothing = asked.Nothing()) -> HttpResponse:  # noqa: B008 - as above
    """Let a held request go on to where its evidence carries it."""
    del body
    call = of(request)
    return receipt(flow.release(ref, seen_version=call.seen(), actor=call.actor, at=call.at, key=call.once()))


@router.post("/{ref}/apply-now", **_DECISION)
def apply_now(request: HttpRequest, ref: str, body: asked.Nothing = asked.Nothing()) -> HttpResponse:  # noqa: B008 - as above
    """Apply a scheduled request before its day. Waiting times that a rule demands are not shortened."""
    del body
    call = of(request)
    return receipt(flow.apply_now(ref, seen_version=call.seen(), actor=call.actor, at=call.at, key=call.once()))


@router.post("/{ref}/reschedule", **_DECISION)
def reschedule(request: HttpRequest, ref: str, body: asked.Day) -> HttpResponse:
    """Put an approved request's day elsewhere, to come."""
    call = of(request)
    made = flow.reschedule(
        ref,
        effective_at=body.effective_at,
        seen_version=call.seen(),
        actor=call.actor,
        at=call.at,
        key=call.once(),
    )
    return receipt(made)
