"""Who had which role when is read from what was set, one role at a time."""

from datetime import UTC, datetime, timedelta

import pytest

from changedesk.rules.roles import Grant, MembershipSet, grants

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def made(person: str, day: int, *roles: str, by: str = "s9") -> MembershipSet:
    return MembershipSet(person=person, roles=frozenset(roles), by=by, at=DAY + timedelta(days=day))


def test_each_role_stands_from_when_it_was_given_until_it_was_taken() -> None:
    told = [
        made("s1", 0, "agent"),
        made("s2", 1, "agent"),
        made("s1", 2, "agent", "supervisor", by="s8"),
        made("s1", 4, "supervisor", by="s7"),
        made("s1", 5),
        made("s1", 6, "agent"),
    ]
    shown = [
        (one.person, one.role, one.by, (one.since - DAY).days, one.until and (one.until - DAY).days, one.ended_by)
        for one in grants(told)
    ]
    assert shown == [
        ("s1", "agent", "s9", 6, None, None),
        ("s1", "supervisor", "s8", 2, 5, "s9"),
        ("s2", "agent", "s9", 1, None, None),
        ("s1", "agent", "s9", 0, 4, "s7"),
    ]


@pytest.mark.parametrize(
    ("since", "until", "stood"), [(0, 3, True), (3, 9, False), (-2, 0, False), (-2, 1, True), (2, 9, True)]
)
def test_a_role_that_ends_as_a_time_begins_did_not_stand_in_it(since: int, until: int, *, stood: bool) -> None:
    days = [DAY + timedelta(days=day) for day in (since, until)]
    held = Grant(person="s1", role="agent", by="s9", since=DAY, ended_by="s9", until=DAY + timedelta(days=3))
    assert held.stood(*days) is stood
    assert Grant(person="s1", role="agent", by="s9", since=DAY).stood(DAY + timedelta(days=5), DAY + timedelta(days=6))
