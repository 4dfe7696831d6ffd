"""Readers, how their looking compares with their peers', and what was certified of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from changedesk.base.actor import Actor
from changedesk.base.refusal import Refusal
from changedesk.reading.panels import ActorView
from changedesk.reading.people import People
from changedesk.rules import access, readers
from changedesk.rules.access import Verb
from changedesk.rules.readers import Reading, Reason
from changedesk.rules.values.search import name_tokens
from changedesk.store import readers as store
from changedesk.store import settings_read
from changedesk.store.audit_search import own_record
from changedesk.store.readers import Looked, Name
from changedesk.store.seen import Seen
from changedesk.store.settings_records import MembershipRecord, PersonRecord
from changedesk.store.tx import look

CERTIFIED_MOST: Final = 100
Staff = tuple[tuple[PersonRecord, MembershipRecord], ...]


class PeriodTooLong(Refusal):
    """Readers are compared over at most 92 days, from a beginning to a later end."""

    code = "period-too-long"
    hint = "Choose a shorter time, such as a month."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderLine:
    """How one reader looked in a time. ``reasons``: why they stand out; none for most.

    ``verdict``: kept or flagged, as somebody certified for exactly this time; empty where nobody did. ``mine``: it is
    the viewer, whom another certifies.
    """

    by: ActorView
    roles: tuple[str, ...]
    team: str
    days: int
    looks: int
    customers: int
    found: int
    reveals: int
    unasked: int
    outside: int
    reasons: tuple[Reason, ...]
    verdict: str
    mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Certification:
    """Access that somebody certified: for which time, and the readers by verdict."""

    at: datetime
    by: ActorView
    since: datetime
    until: datetime
    kept: tuple[ActorView, ...]
    flagged: tuple[ActorView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """The readers of a time, those who stand out first. ``may_certify``: the time is over, and the viewer may."""

    since: datetime
    until: datetime
    items: tuple[ReaderLine, ...]
    may_certify: bool


def readers_of(*, since: datetime, until: datetime, actor: Actor, at: datetime, language: str) -> Readers:
    """Return who looked in a time, how, and why some stand out (``rules.readers``).

    Raises Forbidden, PeriodTooLong.
    """
    access.require(actor, Verb.ACCESS_READ)
    if not since < until <= since + readers.PERIOD_MOST:
        raise PeriodTooLong(path="since")
    staff = settings_read.members(actor.client)
    zone = settings_read.client(actor.client).time_zone
    with look(actor.client) as tx:
        looked = store.looked(tx, own=own_record(actor.client), since=since, until=until, zone=zone)
        hours = store.hours(tx, since=since, until=until, zone=zone)
        names = _names(looked, staff)
        bearing = store.namesakes(tx, names, since=since, until=until) if names else {}
        said = store.certified(tx, own=own_record(actor.client), limit=CERTIFIED_MOST)
    readings = [_reading(one, _member(one.actor, staff), hours.get(one.actor, ({}, {})), bearing) for one in looked]
    reasons, verdicts = readers.unusual(readings), _verdicts(said, since, until)
    people = People({one.actor for one in looked}, viewer=actor, language=language)
    lines = [
        ReaderLine(
            by=people.show(one.actor),
            roles=tuple(sorted(reading.roles)),
            team=reading.team,
            days=one.days,
            looks=one.looks,
            customers=one.customers,
            found=one.found,
            reveals=one.reveals,
            unasked=one.unasked,
            outside=reading.outside,
            reasons=reasons[one.actor],
            verdict=verdicts.get(one.actor, ""),
            mine=one.actor == actor.id,
        )
        for one, reading in zip(looked, readings, strict=True)
    ]
    return Readers(
        since=since,
        until=until,
        items=tuple(sorted(lines, key=lambda line: (-len(line.reasons), -line.customers, line.by.id))),
        may_certify=access.may(actor, Verb.ACCESS_CERTIFY) and readers.fits(since, until, at),
    )


def certifications(*, actor: Actor, language: str) -> tuple[Certification, ...]:
    """Return what was certified of readers, newest first. Raises Forbidden."""
    access.require(actor, Verb.ACCESS_READ)
    with look(actor.client) as tx:
        found = store.certified(tx, own=own_record(actor.client), limit=CERTIFIED_MOST)
    ids = {who for one in found for who in (one.actor, *_said(one))}
    people = People(ids, viewer=actor, language=language)
    return tuple(
        Certification(
            at=one.at,
            by=people.show(one.actor),
            since=_when(one, "since"),
            until=_when(one, "until"),
            kept=tuple(people.show(who) for who, verdict in _said(one).items() if verdict == "kept"),
            flagged=tuple(people.show(who) for who, verdict in _said(one).items() if verdict == "flagged"),
        )
        for one in found
    )


def _reading(
    one: Looked,
    member: MembershipRecord | None,
    hours: tuple[Mapping[int, int], Mapping[int, int]],
    bearing: Mapping[tuple[str, bool], int],
) -> Reading:
    # Programs are compared with programs.
    roles = {"integration"} if one.actor.startswith("k") else set() if member is None else set(map(str, member.roles))
    return Reading(
        actor=one.actor,
        roles=frozenset(roles),
        team="" if member is None else member.team,
        days=one.days,
        customers=one.customers,
        found=one.found,
        reveals=one.reveals,
        unasked=one.unasked,
        outside=readers.outside(*hours),
        own_name=bearing.get((one.actor, True), 0),
        colleagues=bearing.get((one.actor, False), 0),
    )


def _member(reader: str, staff: Staff) -> MembershipRecord | None:
    return next((member for person, member in staff if person.actor_id == reader), None)


def _names(looked: Sequence[Looked], staff: Staff) -> list[Name]:
    """Return the names to look for: of each reader the surname, and the whole names of all others of their team."""
    found: list[Name] = []
    for one in looked:
        mine = _member(one.actor, staff)
        for person, member in staff if mine is not None else ():
            words = tuple(dict.fromkeys(name_tokens(person.display_name)))
            if person.actor_id == one.actor:
                if words and len(words[-1]) >= readers.SURNAME_LEAST:
                    found.append(Name(one.actor, True, person.actor_id, words[-1:]))
            elif mine is not None and member.team == mine.team and member.team and len(words) > 1:
                found.append(Name(one.actor, False, person.actor_id, words))
    return found


def _verdicts(said: Sequence[Seen], since: datetime, until: datetime) -> dict[str, str]:
    """Return the newest verdict on each reader for exactly this time."""
    found: dict[str, str] = {}
    for one in said:
        if (_when(one, "since"), _when(one, "until")) == (since, until):
            found = {**_said(one), **found}
    return found


def _said(one: Seen) -> dict[str, str]:
    told = one.facts.get("verdicts")
    return {who: str(verdict) for who, verdict in told.items()} if isinstance(told, dict) else {}


def _when(one: Seen, name: str) -> datetime:
    return datetime.fromisoformat(str(one.facts[name]))
