"""Merges, their undoing and transfers, walked through the real verbs up to the clock that applies them."""

from collections.abc import Collection
from datetime import datetime, timedelta

from tests.cast import Desk, soon, staff
from tests.flow.walk import LATER, agree, code_to, prove, request_of, vouch

from changedesk import flow
from changedesk.base.actor import Actor, Channel, Role
from changedesk.base.ids import ChangeId, SubjectId

WAIT = timedelta(hours=25)
"""Longer than the wait that the floor sets between the last approval and the change."""


def approved(d: Desk, asked: flow.Receipt, at: datetime) -> flow.Receipt:
    """Two supervisors of other teams than the maker's let it go ahead."""
    flow.approve({asked.ref: asked.digest}, actor=d.ines, at=at).one()
    return flow.approve({asked.ref: asked.digest}, actor=d.omar, at=at).one()


def applied(d: Desk, asked: flow.Receipt, at: datetime) -> flow.Receipt:
    """What the clock makes of an approved request a day later."""
    flow.apply_due(d.client, at=at + WAIT)
    return state_of(d, asked)


def state_of(d: Desk, asked: flow.Receipt) -> flow.Receipt:
    return flow.Receipt.of(request_of(d, asked.ref))


def merging(
    d: Desk, merged: SubjectId, into: SubjectId, at: datetime = LATER, *, person: SubjectId | None = None,
    choices: dict[str, str] | None = None, close: Collection[str] = (),
) -> flow.Receipt:  # fmt: skip
    """A merge that the customer has proved and that two have approved; it waits for its hour."""
    vouch(d, person or merged, at)
    asked = flow.merge(
        merged,
        into,
        flow.How(person=person, reason="duplicate_account", channel=Channel.PHONE),
        choices=choices,
        close=close,
        actor=d.ben,
        at=soon(at, 0.2),
    )
    prove(d, asked, soon(at))
    asked = agree(d, asked, soon(at, 2))
    return approved(d, asked, soon(at, 3))


def merged_now(d: Desk, merged: SubjectId, into: SubjectId, at: datetime = LATER, **more: object) -> flow.Receipt:
    asked = merging(d, merged, into, at, **more)  # type: ignore[arg-type]
    assert asked.state == "scheduled", asked
    done = applied(d, asked, at)
    assert done.state == "applied", done
    return done


def unmerging(
    d: Desk, change: ChangeId | None, merged: SubjectId, at: datetime, *, person: SubjectId | None = None
) -> flow.Receipt:
    assert change is not None
    vouch(d, person or merged, at, agent=d.ines)
    asked = flow.unmerge(
        change,
        flow.How(person=person, reason="correction_of_error", channel=Channel.PHONE),
        actor=d.ines,
        at=soon(at, 0.2),
    )
    prove(d, asked, soon(at), agent=d.ines)
    asked = agree(d, asked, soon(at, 2), agent=d.ines)
    sam = other_supervisor(d)
    flow.approve({asked.ref: asked.digest}, actor=d.omar, at=soon(at, 3)).one()
    return flow.approve({asked.ref: asked.digest}, actor=sam, at=soon(at, 3)).one()


def other_supervisor(d: Desk) -> Actor:
    return staff(d.client, 6, Role.SUPERVISOR, team="four")


def unmerged_now(d: Desk, change: ChangeId | None, merged: SubjectId, at: datetime, **more: object) -> flow.Receipt:
    asked = unmerging(d, change, merged, at, **more)  # type: ignore[arg-type]
    assert asked.state == "scheduled", asked
    done = applied(d, asked, at)
    assert done.state == "applied", done
    return done


def new_holder_confirms(d: Desk, ref: str, at: datetime) -> flow.Confirmed:
    started = flow.challenge_new_holder(ref, method="code_email", path="contact.email", actor=d.sofia, at=at)
    return flow.confirm(started.id, code_to(d), ref=ref, actor=d.sofia, at=soon(at, 0.5))
