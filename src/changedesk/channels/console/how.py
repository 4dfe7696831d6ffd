"""How something is asked for, as the forms of the console say it."""

from uuid import UUID

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.channels.console.show import words
from changedesk.channels.console.visit import Visit


def how(visit: Visit, once: flow.Once | None = None, *, reason: str = "") -> flow.How:
    """Return what a form says beside its content; ``reason`` is that of a form that does not ask for one."""
    return flow.How(
        reason=visit.given("reason") or reason,
        channel=channel(visit),
        note=visit.given("note"),
        person=person(visit),
        initiated_by=visit.given("initiated_by") or "customer",
        acknowledged=tuple(visit.request.POST.getlist("acknowledged")),
        once=once,
    )


def once(visit: Visit, body: bytes) -> flow.Once | None:
    """Return the key of a form that was sent: sent twice, it asks once."""
    submission = visit.given("submission")
    return flow.Once(f"console:{submission}", body) if submission else None


def channel(visit: Visit) -> Channel:
    """Return how we heard of it."""
    told = visit.given("channel")
    return Channel(told) if told in words.CHANNELS else Channel.PHONE


def person(visit: Visit) -> SubjectId | None:
    """Return which holder of an account asks, where several were to choose from."""
    try:
        return SubjectId(UUID(visit.given("person")))
    except ValueError:
        return None
