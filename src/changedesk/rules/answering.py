"""By when a data-subject request is acknowledged and answered: the clocks of every law that applies, strictest wins.

A clock starts at receipt in any channel, whoever may have written it down when (GDPR 12(3): "of receipt of the
request"; 11 CCR 7021(b): from receipt, verified or not). It is extended once, within its first period, and stops only
where its own law stops it (UK GDPR 12A, inserted by the Data (Use and Access) Act 2025, s. 76). Nothing here knows the
time: the moments are given.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from changedesk.base.actor import ActorType, Channel
from changedesk.base.refusal import Refusal
from changedesk.rules.deadline import calendars, due
from changedesk.rules.obligations import Respond, Verify
from changedesk.rules.rights import CATEGORY, COPIES, Right
from changedesk.rules.rule import Ask, Rule

ACKNOWLEDGE: Final = "acknowledge"
ANSWER: Final = frozenset({"answer", "honour"})
APPEAL: Final = "answer_appeal"
HOUSE: Final = "HOUSE-ANSWER"
"""Names the clock that runs where no law of the client's gives one."""
_NO_FRICTION: Final = frozenset({Right.OBJECTION, Right.OPT_OUT})
"""Saying no to marketing needs no proof (11 CCR 7026(d), GDPR 12(6))."""
_GIVES_AWAY: Final = COPIES | {Right.ERASURE}


class ExtendedBefore(Refusal):
    """The time for this request was extended already, and the law extends it once only."""

    code = "extended-before"
    hint = "Answer it by the day that stands there, or refuse it with a ground."
    status = "conflict"


class ExtensionLate(Refusal):
    """The first period is over, and more time can be taken only within it.

    ``data``: due.
    """

    code = "extension-late"
    hint = "Answer it now, and tell the person why it took longer."
    status = "conflict"


class ExtensionNotGiven(Refusal):
    """A law that applies to this request gives no more time.

    ``data``: rule.
    """

    code = "extension-not-given"
    hint = "Answer it by the day that stands there, or refuse it with a ground."
    status = "conflict"


class PauseNotGiven(Refusal):
    """A law that applies to this request does not stop the clock for this.

    ``data``: rule.
    """

    code = "pause-not-given"
    hint = "Ask the person for what you need; the clock goes on while you wait."
    status = "conflict"


@dataclass(frozen=True, slots=True)
class Clock:
    """What one rule gives for one duty: an amount of a unit on a calendar, once more, and what stops it."""

    duty: str
    rule: str
    version: int
    amount: int
    unit: str
    calendar: str = "weekdays"
    extend: int = 0
    pauses: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return the clock as it is stored."""
        return {**asdict(self), "pauses": list(self.pauses)}

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Clock":
        return cls(**{**data, "pauses": tuple(data["pauses"])})


@dataclass(frozen=True, slots=True)
class Law:
    """What applies to one request: its clocks, and the level to which the person is verified before it is answered."""

    clocks: tuple[Clock, ...]
    level: int


@dataclass(frozen=True, slots=True)
class Stop:
    """A time in which the person was asked for something. ``until`` None: they still are."""

    ground: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """An instant, in UTC, and the rule that sets it."""

    at: datetime
    rule: str


def law(
    rules: Iterable[Rule],
    right: Right,
    *,
    industries: Iterable[str],
    jurisdictions: Iterable[str],
    channel: Channel,
    received_at: datetime,
) -> Law:
    """Return what the rules in force at receipt say of such a request. Where none gives a time, the house does."""
    category = CATEGORY[right]
    ask = Ask(
        kind="subject_request",
        categories=frozenset({category}),
        operation="update",
        channel=channel,
        actor=ActorType.CUSTOMER,
        at=received_at,
        industry=frozenset(industries),
        jurisdictions=frozenset(jurisdictions),
        attributes={"opts_out": "true"} if right is Right.OPT_OUT else {},
    ).named()
    matching = [rule for rule in rules if rule.in_force(received_at) and rule.scope.matches(ask)]
    clocks = [
        Clock(found.duty, rule.id, rule.version, found.amount, found.unit, found.calendar, found.extend,
              tuple(sorted(found.pauses)))
        for rule in matching
        for found in rule.obligations
        if isinstance(found, Respond) and (found.duty in ANSWER or found.duty in (ACKNOWLEDGE, APPEAL))
    ]  # fmt: skip
    if not any(clock.duty in ANSWER for clock in clocks):
        clocks.append(Clock("answer", HOUSE, 1, 30, "days", extend=30))
    asked = [found for rule in matching for found in rule.obligations if isinstance(found, Verify)]
    return Law(tuple(sorted(clocks, key=lambda one: (one.duty, one.rule))), _level(right, asked))


def _level(right: Right, asked: Sequence[Verify]) -> int:
    if right in _NO_FRICTION:
        return 0
    wanted = max([found.level for found in asked], default=0)
    house = 2 if right in _GIVES_AWAY else 1
    return min([max(wanted, house), *(found.most for found in asked if found.most is not None)])


def acknowledge_by(clocks: Iterable[Clock], received_at: datetime) -> Due | None:
    """Return by when receipt is confirmed, None where no law asks for it."""
    return _first([one for one in clocks if one.duty == ACKNOWLEDGE], received_at)


def answer_by(
    clocks: Iterable[Clock],
    received_at: datetime,
    *,
    extended: bool = False,
    stops: Sequence[Stop] = (),
    now: datetime,
) -> Due:
    """Return by when the request is answered. Each clock is extended and stopped as far as its own law lets it."""
    found = _first(
        [one for one in clocks if one.duty in ANSWER], received_at, extended=extended, stops=stops, now=now
    )  # fmt: skip
    if found is None:
        raise ValueError("a request has a clock to answer")
    return found


def appeal_by(clocks: Iterable[Clock], appealed_at: datetime) -> Due | None:
    """Return by when an appeal is answered, None where no law that applies gives one."""
    return _first([one for one in clocks if one.duty == APPEAL], appealed_at)


def _first(
    clocks: Sequence[Clock],
    start: datetime,
    *,
    extended: bool = False,
    stops: Sequence[Stop] = (),
    now: datetime | None = None,
) -> Due | None:
    found = [Due(_end(one, start, extended=extended, stops=stops, now=now), one.rule) for one in clocks]
    return min(found, key=lambda one: (one.at, one.rule), default=None)


def _end(clock: Clock, start: datetime, *, extended: bool, stops: Sequence[Stop], now: datetime | None) -> datetime:
    calendar = calendars()[clock.calendar]
    end = due(start, clock.amount + (clock.extend if extended else 0), clock.unit, calendar)
    days = sum(
        _days(stop.since, stop.until or now or stop.since, calendar.zone)
        for stop in stops
        if stop.ground in clock.pauses
    )
    if not days:
        return end
    local = end.astimezone(calendar.zone)
    return datetime.combine(local.date() + timedelta(days=days), time(23, 59, 59), calendar.zone).astimezone(end.tzinfo)


def _days(since: datetime, until: datetime, zone: Any) -> int:
    """Return how many days of a calendar lie between: the clock goes on on the day on which the answer came."""
    return max((_day(until, zone) - _day(since, zone)).days, 0)


def _day(moment: datetime, zone: Any) -> date:
    return moment.astimezone(zone).date()


def may_extend(
    clocks: Sequence[Clock], received_at: datetime, *, extended: bool, stops: Sequence[Stop], now: datetime
) -> Due:
    """Return by when the request is then answered. Raises ExtendedBefore, ExtensionLate, ExtensionNotGiven."""
    if extended:
        raise ExtendedBefore
    first = answer_by(clocks, received_at, stops=stops, now=now)
    if now > first.at:
        raise ExtensionLate(due=first.at)
    later = answer_by(clocks, received_at, extended=True, stops=stops, now=now)
    if later.at <= first.at:
        raise ExtensionNotGiven(rule=later.rule)
    return later


def may_pause(clocks: Sequence[Clock], ground: str) -> None:
    """Return if every law that applies stops its clock for this. Raises PauseNotGiven."""
    for clock in clocks:
        if clock.duty in ANSWER and ground not in clock.pauses:
            raise PauseNotGiven(rule=clock.rule)


def days_left(end: datetime, *, now: datetime, zone: Any) -> int:
    """Return how many days are left, as a calendar on the wall counts them; below zero: so many days too late."""
    return (_day(end, zone) - _day(now, zone)).days
