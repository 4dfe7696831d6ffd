"""A privacy officer at work: data-subject requests walked through the real verbs."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.cast import Desk, desk, soon, staff
from tests.flow.walk import LATER, history, vouch

from changedesk import outbound
from changedesk.base.actor import Actor, Channel, Role
from changedesk.base.ids import SubjectId
from changedesk.flow import subject_request as asks
from changedesk.flow.subject_steps import Handled
from changedesk.outbound.notices import decide
from changedesk.rules.rights import Right
from changedesk.store import deliveries, subject_requests
from changedesk.store.tx import look

DAY = timedelta(days=1)


def at_work(*places: str, pack: str = "retail") -> tuple[Desk, Actor, SubjectId]:
    d = desk(packs=(pack,), jurisdictions=places)
    return d, staff(d.client, 6, Role.PRIVACY, team="privacy"), d.customer()


def ask(d: Desk, dana: SubjectId, right: Right = Right.ACCESS, *, at: datetime = LATER, **more: Any) -> Handled:
    return asks.receive(dana, right, channel=Channel.PHONE, actor=d.ben, at=at, **more)


def known(d: Desk, dana: SubjectId, ref: str, officer: Actor, *, at: datetime = LATER) -> None:
    """The caller reads out a code, and that is bound to the request."""
    vouch(d, dana, soon(at))
    asks.identify(ref, actor=officer, at=soon(at, 2))


def of(d: Desk, ref: str) -> subject_requests.SubjectRequest:
    with look(d.client) as seen:
        found = subject_requests.by_ref(seen, ref)
    assert found is not None
    return found


def facts(d: Desk, dana: SubjectId, kind: str) -> dict[str, Any]:
    return dict(next(entry.facts for entry in history(d, dana) if entry.kind == kind))


def told(d: Desk) -> list[tuple[str, str, str]]:
    """What was written to people about their requests, in the order of the log."""
    while outbound.sequence(d.client) or decide.run(d.client):
        pass
    with look(d.client) as seen:
        box = deliveries.outbox(seen, before=datetime(2100, 1, 1, tzinfo=UTC))
    found = sorted((one for one in box if one.event.startswith("privacy_")), key=lambda one: one.id)
    return [(one.event, one.channel, one.message.body) for one in found if one.message is not None]


def copy_id(d: Desk, ref: str) -> UUID:
    with look(d.client) as seen:
        copy = subject_requests.copy_of(seen, of(d, ref))
    assert copy is not None
    return copy.id
