from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from changedesk.base.actor import Actor, ActorType, Channel, Role
from changedesk.base.ids import ClientId
from changedesk.rules import access, seeing
from changedesk.rules.limits import Limits

CLIENT = ClientId(1)
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = Actor(CLIENT, ActorType.INTEGRATION, "k1", Channel.API, "test")


def staff(*roles: Role) -> Actor:
    return Actor(CLIENT, ActorType.STAFF, "s1", Channel.PHONE, "test", roles=frozenset(roles))


@given(st.lists(st.integers(min_value=0, max_value=86_400), max_size=200), st.integers(1, 40), st.integers(1, 150))
def test_nobody_reveals_more_than_the_quota_and_the_time_told_is_when_it_goes_on(
    seconds: list[int], an_hour: int, a_day: int
) -> None:
    """Revealing whenever the rule lets one never passes a quota, and waiting as told is always enough."""
    limits = Limits(reveals_an_hour=an_hour, reveals_a_day=a_day)
    done: list[timedelta] = []
    for moment in sorted(timedelta(seconds=one) for one in seconds):
        wait = seeing.again_at([START + one for one in done], START + moment, limits)
        if wait is None:
            done.append(moment)
        else:
            assert wait > START + moment
            assert seeing.again_at([START + one for one in done], wait, limits) is None
    for span, most in ((timedelta(hours=1), an_hour), (timedelta(days=1), a_day)):
        for first in done:
            assert sum(first <= one < first + span for one in done) <= most


def test_a_view_says_what_the_role_exists_for() -> None:
    assert seeing.purpose_of(staff(Role.AGENT, Role.FRAUD)) == "fraud_prevention"
    assert seeing.purpose_of(staff(Role.ADMINISTRATOR)) == "administration"
    assert seeing.purpose_of(KEY) == "connected_system"
    assert seeing.purpose_of(access.terminal(CLIENT)) == "operation"
    assert seeing.role_of(staff(Role.SUPERVISOR, Role.AGENT)) == "agent supervisor"
    assert seeing.role_of(KEY) == "integration"


def test_a_review_is_late_after_a_day() -> None:
    assert not seeing.overdue(START, START + timedelta(hours=24))
    assert seeing.overdue(START, START + timedelta(hours=24, seconds=1))
