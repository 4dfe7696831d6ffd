"""Who had which role from when until when, read from what was set of people's memberships."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipSet:
    """What somebody was made at a client at a moment. ``roles`` are none where the membership was switched off."""

    person: str
    roles: frozenset[str]
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One role of one person: who gave it and since when; who ended it and when, None while it stands."""

    person: str
    role: str
    by: str
    since: datetime
    ended_by: str | None = None
    until: datetime | None = None

    def stood(self, since: datetime, until: datetime) -> bool:
        """Say whether it stood at any moment from ``since`` until before ``until``."""
        return self.since < until and (self.until is None or self.until > since)


def grants(told: Iterable[MembershipSet]) -> list[Grant]:
    """Return every role that anybody ever had, the newest first. ``told`` is in the order of time."""
    standing: dict[tuple[str, str], Grant] = {}
    ended: list[Grant] = []
    for one in told:
        taken = [key for key in standing if key[0] == one.person and key[1] not in one.roles]
        ended += [replace(standing.pop(key), ended_by=one.by, until=one.at) for key in taken]
        for role in one.roles:
            standing.setdefault((one.person, role), Grant(person=one.person, role=role, by=one.by, since=one.at))
    return sorted([*ended, *standing.values()], key=lambda one: (one.since, one.person, one.role), reverse=True)
