"""Deciding on requests, ending them, pausing them, and putting their day elsewhere."""

from changedesk import flow
from changedesk.channels.api import asked, told
from changedesk.channels.api.calls import Call
from changedesk.channels.api.documented import documented
from changedesk.channels.api.requests import receipt
from changedesk.channels.api.routes import Routes
from changedesk.channels.refusals import Answer

router = Routes(tags=["Decisions"])
_DECISION = documented(200, told.Receipt, key=True, seen=True)


@router.post("/{ref}/approve", **_DECISION)
def approve(call: Call, ref: str, body: asked.Approval) -> Answer:
    """Let a request go ahead, exactly as it was seen: in that version, with that digest. Only staff approve.

    Nobody approves what they entered. The digest stands for the very values; what was revised has another.
    """
    item = flow.Approval(ref=ref, digest=body.digest, seen_version=call.seen(), note=body.note, key=call.once())
    return receipt(flow.approve_joined(item, actor=call.actor, at=call.at))


@router.post("/{ref}/reject", **_DECISION)
def reject(call: Call, ref: str, body: asked.Rejection) -> Answer:
    """End a request with a no, and a reason that its asker can read."""
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
def request_information(call: Call, ref: str, body: asked.Question) -> Answer:
    """Send a request back to whoever entered it, with a question."""
    made = flow.ask_information(
        ref, seen_version=call.seen(), message=body.message, actor=call.actor, at=call.at, key=call.once()
    )
    return receipt(made)


@router.post("/{ref}/withdraw", **_DECISION)
def withdraw(call: Call, ref: str, body: asked.Nothing = asked.Nothing()) -> Answer:  # noqa: B008 - frozen by having no members
    """Take a request back at the wish of whoever asked. Possible until it is applied."""
    del body
    return receipt(flow.withdraw(ref, seen_version=call.seen(), actor=call.actor, at=call.at, key=call.once()))


@router.post("/{ref}/cancel", **_DECISION)
def cancel(call: Call, ref: str, body: asked.Ending) -> Answer:
    """End a request for a reason of the house. Possible until it is applied."""
    made = flow.cancel(ref, reason=body.reason, seen_version=call.seen(), actor=call.actor, at=call.at, key=call.once())
    return receipt(made)


@router.post("/{ref}/hold", **_DECISION)
def hold(call: Call, ref: str, body: asked.Stop) -> Answer:
    """Stop a request until a moment, or until somebody releases it."""
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
def release(call: Call, ref: str, body: asked.Nothing = asked.Nothing()) -> Answer:  # noqa: B008 - as above
    """Let a held request go on to where its evidence carries it."""
    del body
    return receipt(flow.release(ref, seen_version=call.seen(), actor=call.actor, at=call.at, key=call.once()))


@router.post("/{ref}/apply-now", **_DECISION)
def apply_now(call: Call, ref: str, body: asked.Nothing = asked.Nothing()) -> Answer:  # noqa: B008 - as above
    """Apply a scheduled request before its day. Waiting times that a rule demands are not shortened."""
    del body
    return receipt(flow.apply_now(ref, seen_version=call.seen(), actor=call.actor, at=call.at, key=call.once()))


@router.post("/{ref}/reschedule", **_DECISION)
def reschedule(call: Call, ref: str, body: asked.Day) -> Answer:
    """Put an approved request's day elsewhere, to come."""
    made = flow.reschedule(
        ref,
        effective_at=body.effective_at,
        seen_version=call.seen(),
        actor=call.actor,
        at=call.at,
        key=call.once(),
    )
    return receipt(made)
