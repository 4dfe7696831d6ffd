"""Data-subject requests as a privacy officer sees them: the most urgent first, one with its steps, a year's figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import mean, median
from typing import Final
from zoneinfo import ZoneInfo

from changedesk.base.actor import Actor
from changedesk.base.ids import SubjectId, parse_reference
from changedesk.base.refusal import NotFound
from changedesk.ledger.entry import EntryKind
from changedesk.reading import lines, sight, words
from changedesk.reading.panels import ActorView, Page
from changedesk.reading.people import People
from changedesk.reading.queue import cursor, place
from changedesk.reading.sight import Eyes
from changedesk.rules import access, answering
from changedesk.rules.access import Verb
from changedesk.rules.answering import ANSWER, Due
from changedesk.rules.rights import COPIES, DISAGREEABLE, Right
from changedesk.store import evidence, past, requests, subject_requests, subjects
from changedesk.store.past import Filter
from changedesk.store.settings_read import Configuration, configuration
from changedesk.store.subject_requests import SubjectRequest
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, look

LIMIT_MAX: Final = 200
_STEPS: Final = tuple(kind.value for kind in EntryKind if kind.value.startswith("privacy."))
_MANY: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRequestLine:
    """One request in a list. ``days_left`` as a calendar on the wall counts them, below zero: overdue.

    ``due_at`` moves on with every day while the clock is ``stopped``. ``level`` of ``needed``: how well the person is
    known by now.
    """

    ref: str
    right: str
    subject: SubjectId
    name: str
    name_masked: bool
    state: str
    channel: str
    received_at: datetime
    due_at: datetime
    due_rule: str
    days_left: int
    overdue: bool
    stopped: bool
    extended: bool
    acknowledge_by: datetime | None
    acknowledged_at: datetime | None
    identified: bool
    level: int
    needed: int
    closed_at: datetime | None
    outcome: str
    ground: str
    version: int


@dataclass(frozen=True, slots=True)
class ClockView:
    """What one rule gives for one duty, in the words of its law."""

    duty: str
    rule: str
    version: int
    citation: str
    amount: int
    unit: str
    extend: int
    pauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DataRequestStep:
    at: datetime
    kind: str
    title: str
    by: ActorView


@dataclass(frozen=True, slots=True)
class NoteView:
    """What was written at a step; ``text`` is empty for who may not see values, and where it is erased."""

    step: str
    text: str
    by: ActorView
    at: datetime


@dataclass(frozen=True, slots=True)
class LinkedView:
    ref: str
    kind: str
    kind_label: str
    state: str


@dataclass(frozen=True, slots=True)
class HoldLine:
    """What stops things for this person now: by which rule, who placed it, when it ends (None: when it is lifted)."""

    rule: str
    by: ActorView
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class CopyView:
    built_at: datetime
    by: ActorView
    expires_at: datetime
    available: bool
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRequestPanel:
    """One request with everything about it. ``may``: the steps that can be taken now, were it by the right person.

    ``extendable_to``: by when it were answered then, None where there is no more time to take.
    """

    line: DataRequestLine
    jurisdictions: tuple[str, ...]
    clocks: tuple[ClockView, ...]
    extendable_to: datetime | None
    pauses: tuple[str, ...]
    steps: tuple[DataRequestStep, ...]
    notes: tuple[NoteView, ...]
    linked: tuple[LinkedView, ...]
    holds: tuple[HoldLine, ...]
    copy: CopyView | None
    may: tuple[str, ...]


def waiting(
    *, actor: Actor, at: datetime, language: str, after: str | None = None, limit: int = 50
) -> Page[DataRequestLine]:
    """Return a page of what is not closed, the most urgent first. Raises Forbidden, BadCursor."""
    access.require(actor, Verb.PRIVACY_READ)
    limit = max(1, min(limit, LIMIT_MAX))
    with look(actor.client) as seen:
        found = subject_requests.waiting(seen, after=place(after), limit=limit + 1)
        shown = _lines(seen, found[:limit], actor=actor, at=at, language=language)
    last = found[limit - 1] if len(found) > limit else None
    return Page(shown, next=None if last is None else cursor(last.due_at, last.id))


def newest(
    *, actor: Actor, at: datetime, language: str, before: str | None = None, limit: int = 50
) -> Page[DataRequestLine]:
    """Return a page of all requests, closed ones too, the newest first. Raises Forbidden, BadCursor."""
    access.require(actor, Verb.PRIVACY_READ)
    limit = max(1, min(limit, LIMIT_MAX))
    with look(actor.client) as seen:
        found = subject_requests.newest(seen, before=place(before), limit=limit + 1)
        shown = _lines(seen, found[:limit], actor=actor, at=at, language=language)
    last = found[limit - 1] if len(found) > limit else None
    return Page(shown, next=None if last is None else cursor(last.created_at, last.id))


def of_subject(subject: SubjectId, *, actor: Actor, at: datetime, language: str) -> tuple[DataRequestLine, ...]:
    """Return what one person asked about their data, newest first. Raises Forbidden, NotFound."""
    access.require(actor, Verb.PRIVACY_READ)
    with look(actor.client) as seen:
        sight.find(seen, subject, actor=actor, type="customer")
        return _lines(seen, subject_requests.of_subject(seen, subject), actor=actor, at=at, language=language)


def one(ref: str, *, actor: Actor, at: datetime, language: str) -> DataRequestPanel:
    """Return one request with its clocks, steps, notes, links, holds and copy. Raises Forbidden, NotFound."""
    access.require(actor, Verb.PRIVACY_READ)
    canonical = parse_reference(ref)
    with look(actor.client) as seen:
        found = None if canonical is None else subject_requests.by_ref(seen, canonical)
        if found is None:
            raise NotFound
        (line,) = _lines(seen, [found], actor=actor, at=at, language=language)
        return _panel(seen, found, line, actor=actor, at=at, language=language)


def places(*, actor: Actor) -> tuple[str, ...]:
    """Return the jurisdictions under whose law a request may fall here. Raises Forbidden."""
    access.require(actor, Verb.PRIVACY_RECEIVE)
    return tuple(sorted(configuration(actor.client).settings.jurisdictions))


def _lines(
    seen: Look, found: Sequence[SubjectRequest], *, actor: Actor, at: datetime, language: str
) -> tuple[DataRequestLine, ...]:
    config = configuration(actor.client)
    known = subjects.load(seen, {item.subject_id for item in found})
    sights = sight.of_subjects(seen, known.values(), actor=actor, at=at)
    zone = ZoneInfo(config.settings.time_zone)
    return tuple(
        _line(item, known[item.subject_id], Eyes(sights[item.subject_id], config.catalogue, language), at=at, zone=zone)
        for item in found
    )


def _line(item: SubjectRequest, subject: Subject, eyes: Eyes, *, at: datetime, zone: ZoneInfo) -> DataRequestLine:
    due = _due(item, at=at)
    called = sight.title(eyes, subject)
    open_ = item.closed_at is None
    return DataRequestLine(
        ref=item.ref,
        right=item.right.value,
        subject=item.subject_id,
        name=called.text,
        name_masked=called.masked,
        state=item.state,
        channel=item.channel,
        received_at=item.received_at,
        due_at=due.at,
        due_rule=due.rule,
        days_left=answering.days_left(due.at, now=at, zone=zone),
        overdue=open_ and at > due.at,
        stopped=item.stopped,
        extended=item.extended_at is not None,
        acknowledge_by=item.ack_by,
        acknowledged_at=item.acknowledged_at,
        identified=item.identity_level >= item.level,
        level=item.identity_level,
        needed=item.level,
        closed_at=item.closed_at,
        outcome=item.outcome,
        ground=item.ground,
        version=item.version,
    )


def _due(item: SubjectRequest, *, at: datetime) -> Due:
    if not item.stopped:
        return Due(item.due_at, item.due_rule)
    extended = item.extended_at is not None
    return answering.answer_by(item.clocks, item.received_at, extended=extended, stops=item.stops, now=at)


def _panel(
    seen: Look, item: SubjectRequest, line: DataRequestLine, *, actor: Actor, at: datetime, language: str
) -> DataRequestPanel:
    subject = subjects.load(seen, [item.subject_id])[item.subject_id]
    # Entries are kept in whole milliseconds.
    since = item.created_at.replace(microsecond=item.created_at.microsecond // 1000 * 1000)
    entries = past.timeline(seen, subject, limit=_MANY, only=Filter(kinds=_STEPS, since=since))
    steps = [entry for entry in reversed(entries) if entry.facts.get("subject_request") == item.ref]
    notes = subject_requests.notes_of(seen, item, subject)
    holds = evidence.active_holds(seen, {subject.id}, now=at)
    copy = subject_requests.copy_of(seen, item)
    asked = requests.load(seen, subject_requests.linked(seen, item.id)).values()
    names = {entry.actor for entry in steps} | {note.written_by for note in notes} | {one.placed_by for one in holds}
    people = People(names | ({copy.built_by} if copy else set()), viewer=actor, language=language)
    reads = access.may(actor, Verb.VALUE_REVEAL)
    later = _extendable(item, at=at)
    return DataRequestPanel(
        line=line,
        jurisdictions=item.jurisdictions,
        clocks=tuple(_clocks(item, configuration(actor.client))),
        extendable_to=None if later is None else later.at,
        pauses=_pauses(item),
        steps=tuple(
            DataRequestStep(x.recorded_at, x.kind.value, words.title(x.kind, (), language), people.show(x.actor))
            for x in steps
        ),
        notes=tuple(
            NoteView(note.step, note.text if reads else "", people.show(note.written_by), note.written_at)
            for note in notes
        ),
        linked=tuple(LinkedView(x.ref, x.kind, lines.kind_label(x.kind, language), x.state.value) for x in asked),
        holds=tuple(HoldLine(x.rule, people.show(x.placed_by), x.starts_at, x.ends_at) for x in holds),
        copy=None if copy is None else CopyView(
            copy.built_at, people.show(copy.built_by), copy.expires_at,
            copy.sealed is not None and at < copy.expires_at, copy.digest.hex(),
        ),
        may=tuple(_may(item, later, stated=any(note.step == "statement" for note in notes), copied=copy is not None)),
    )  # fmt: skip


def _clocks(item: SubjectRequest, config: Configuration) -> list[ClockView]:
    citations = {rule.id: rule.citation for rule in config.rules}
    return [
        ClockView(x.duty, x.rule, x.version, citations.get(x.rule, ""), x.amount, x.unit, x.extend, x.pauses)
        for x in item.clocks
    ]


def _extendable(item: SubjectRequest, *, at: datetime) -> Due | None:
    if item.state != "open":
        return None
    extended = item.extended_at is not None
    try:
        return answering.may_extend(item.clocks, item.received_at, extended=extended, stops=item.stops, now=at)
    except (answering.ExtendedBefore, answering.ExtensionLate, answering.ExtensionNotGiven):
        return None


def _pauses(item: SubjectRequest) -> tuple[str, ...]:
    """Return for what the clock can be stopped: what every law that applies stops it for."""
    if item.state != "open" or item.stopped:
        return ()
    given = [set(clock.pauses) for clock in item.clocks if clock.duty in ANSWER]
    return tuple(sorted(set.intersection(*given)))


def _may(item: SubjectRequest, later: Due | None, *, stated: bool, copied: bool) -> list[str]:
    if item.closed_at is not None:
        appealable = item.appealed_at is None and any(clock.duty == answering.APPEAL for clock in item.clocks)
        disagreed = item.state == "refused" and item.right in DISAGREEABLE and not stated
        return [word for word, can in (("appeal", appealable), ("state", disagreed)) if can]
    known = item.identity_level >= item.level
    can = {
        "acknowledge": item.acknowledged_at is None,
        "identify": not known,
        "doubt": bool(item.level),
        "extend": later is not None,
        "resume": item.stopped,
        "pause": bool(_pauses(item)),
        "link": item.right not in COPIES,
        "copy": item.right in COPIES and known and not copied,
        "answer": known,
        "refuse": True,
    }
    return [word for word, now in can.items() if now]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a year came to for one right (11 CCR 7102(a)): received, complied with in whole or in part, denied.

    Days are those to the answer, whatever it was; None where nothing is answered yet.
    """

    right: str
    received: int
    whole: int
    part: int
    denied: int
    open: int
    median_days: float | None
    mean_days: float | None


def figures(*, actor: Actor, since: datetime, until: datetime) -> tuple[Figures, ...]:
    """Return the figures of what was received from an instant until before another. Raises Forbidden."""
    access.require(actor, Verb.PRIVACY_READ)
    with look(actor.client) as seen:
        rows = subject_requests.received_in(seen, since, until)
    found: list[Figures] = []
    for right in Right:
        mine = [row for row in rows if row.asked == right.value]
        days = [(row.closed_at - row.received_at).days for row in mine if row.closed_at is not None]
        found.append(
            Figures(
                right=right.value,
                received=len(mine),
                whole=sum(row.outcome == "whole" for row in mine),
                part=sum(row.outcome == "part" for row in mine),
                denied=sum(row.state == "refused" for row in mine),
                open=sum(row.closed_at is None for row in mine),
                median_days=round(float(median(days)), 1) if days else None,
                mean_days=round(mean(days), 1) if days else None,
            )
        )
    return tuple(found)
