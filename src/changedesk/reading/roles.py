"""Who had which role at the desk, when, and who gave it: what an access review holds against what people did."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from changedesk.base.actor import Actor
from changedesk.reading.panels import ActorView
from changedesk.reading.people import People
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.rules.roles import MembershipSet, grants
from changedesk.store import settings_read

_MOST: Final = 1_000_000
"""More memberships than a client ever sets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleHeld:
    """One role of one person. ``until`` and ``ended_by`` are None while it stands."""

    person: ActorView
    role: str
    by: ActorView
    since: datetime
    until: datetime | None
    ended_by: ActorView | None


def roles_of(*, since: datetime, until: datetime, actor: Actor, language: str) -> tuple[RoleHeld, ...]:
    """Return the roles that stood at any moment of a time, the newest first. Raises Forbidden."""
    access.require(actor, Verb.ACCESS_READ)
    found = settings_read.config_changes(actor.client, verb="membership.set", limit=_MOST)
    told = [
        MembershipSet(
            person=f"s{one.target.removeprefix('person/')}",
            roles=frozenset(one.new["roles"] if one.new["active"] else ()),
            by=one.actor,
            at=one.at,
        )
        for one in reversed(found)
    ]
    stood = [one for one in grants(told) if one.stood(since, until)]
    people = People(
        {who for one in stood for who in (one.person, one.by, one.ended_by) if who is not None},
        viewer=actor,
        language=language,
    )
    return tuple(
        RoleHeld(
            person=people.show(one.person),
            role=one.role,
            by=people.show(one.by),
            since=one.since,
            until=one.until,
            ended_by=None if one.ended_by is None else people.show(one.ended_by),
        )
        for one in stood
    )
