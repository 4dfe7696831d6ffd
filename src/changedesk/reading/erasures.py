"""Certificates of erasure: what went, what stays by which rule and until when, of which records, and what became of
the accounts. They name fields, never a value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.ids import ChangeId, SubjectId
from changedesk.base.refusal import NotFound
from changedesk.reading import sight
from changedesk.reading.panels import ActorView, Page
from changedesk.reading.people import People
from changedesk.reading.queue import cursor, place
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.rules.forgetting import Verdict
from changedesk.store import forget, past, requests
from changedesk.store.forget import Job
from changedesk.store.settings_read import Configuration, configuration
from changedesk.store.tx import Look, look

LIMIT_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedField:
    """A field that went. ``upto``: only what it held in its versions up to this one; None: all of it."""

    path: str
    label: str
    upto: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptField:
    """A field that stays, and why. ``until`` None: the time has not begun to run (an account that is not closed)."""

    path: str
    label: str
    rule: str
    citation: str
    retention: str
    until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedRecord:
    """A record that had been merged into the one that was erased, and came along. ``id``: its own certificate."""

    id: UUID
    subject: SubjectId
    state: str
    whole: bool
    erased: tuple[ErasedField, ...]
    kept: tuple[KeptField, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountHeld:
    """An account that the person held, and what became of it when the erasure began (``flow.left_behind``).

    ``becomes``: stays (with another holder), empty (it was erased itself), kept (by ``rule``, ``until`` a day).
    """

    account: SubjectId
    becomes: str
    rule: str
    citation: str
    until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One erasure, and how far it is: requested, journaled, done.

    ``cause``: request, merged (it came along with ``along``, the erasure of the record it was merged into), retention,
    journal (a restore). ``change`` is the entry that confirms it, ``index`` its place in the log: with a receipt of
    that, anybody can check that it is so. ``recipients`` were told by the feed.
    """

    id: UUID
    subject: SubjectId
    ref: str | None
    cause: str
    whole: bool
    state: str
    requested_at: datetime
    requested_by: ActorView
    journaled_at: datetime | None
    confirmed_at: datetime | None
    change: ChangeId | None
    index: int | None
    recipients: tuple[str, ...]
    erased: tuple[ErasedField, ...]
    kept: tuple[KeptField, ...]
    along: UUID | None
    merged: tuple[ErasedRecord, ...]
    accounts: tuple[AccountHeld, ...]


def certificates(
    *, actor: Actor, language: str = "en", before: str | None = None, limit: int = 50
) -> Page[Certificate]:
    """Return a page of the client's erasures, newest first. Raises Forbidden, BadCursor."""
    access.require(actor, Verb.REQUEST_READ)
    limit = max(1, min(limit, LIMIT_MAX))
    with look(actor.client) as seen:
        found = forget.newest(seen, before=place(before), limit=limit + 1)
        shown = _shown(seen, found[:limit], actor=actor, language=language)
    last = found[limit - 1] if len(found) > limit else None
    return Page(shown, next=None if last is None else cursor(last.requested_at, last.id))


def certificate(id: UUID, *, actor: Actor, language: str = "en") -> Certificate:  # noqa: A002 - as everywhere
    """Return one erasure. Raises Forbidden, NotFound."""
    access.require(actor, Verb.REQUEST_READ)
    with look(actor.client) as seen:
        found = forget.one(seen, id)
        if found is None:
            raise NotFound
        return _shown(seen, [found], actor=actor, language=language)[0]


def of_subject(subject_id: SubjectId, *, actor: Actor, language: str = "en") -> tuple[Certificate, ...]:
    """Return what was forgotten of a customer or an account, newest first. Raises Forbidden, NotFound."""
    sight.require(actor, Verb.TIMELINE_READ)
    with look(actor.client) as seen:
        sight.find(seen, subject_id, actor=actor)
        return _shown(seen, forget.of_subject(seen, subject_id), actor=actor, language=language)


def _shown(seen: Look, jobs: list[Job], *, actor: Actor, language: str) -> tuple[Certificate, ...]:
    config = configuration(actor.client)
    people = People({job.requested_by for job in jobs}, viewer=actor, language=language)
    asked = requests.load(seen, [job.request_id for job in jobs if job.request_id is not None])
    merged = forget.taken_along(seen, [job.id for job in jobs])
    return tuple(
        Certificate(
            id=job.id,
            subject=job.subject_id,
            ref=None if job.request_id is None else asked[job.request_id].ref,
            cause=job.cause,
            whole=job.whole,
            state=job.state,
            requested_at=job.requested_at,
            requested_by=people.show(job.requested_by),
            journaled_at=job.journaled_at,
            confirmed_at=job.confirmed_at,
            change=job.confirmed_change,
            index=_index(seen, job.confirmed_change),
            recipients=tuple(job.recipients),
            erased=_erased(config, job, language),
            kept=_kept(config, job, language),
            along=job.along,
            merged=tuple(_record(config, one, language) for one in merged if one.along == job.id),
            accounts=tuple(_account(config, one) for one in job.accounts),
        )
        for job in jobs
    )


def _record(config: Configuration, job: Job, language: str) -> ErasedRecord:
    return ErasedRecord(
        id=job.id,
        subject=job.subject_id,
        state=job.state,
        whole=job.whole,
        erased=_erased(config, job, language),
        kept=_kept(config, job, language),
    )


def _account(config: Configuration, told: Mapping[str, Any]) -> AccountHeld:
    rule = str(told["rule"])
    return AccountHeld(
        account=SubjectId(UUID(str(told["account"]))),
        becomes=str(told["becomes"]),
        rule=rule,
        citation=_citation(config, rule),
        until=_day(told["until"]),
    )


def _is(told: Mapping[str, Any], verdict: Verdict) -> bool:
    return bool(told["verdict"] == verdict.value)


def _index(seen: Look, change: ChangeId | None) -> int | None:
    row = None if change is None else past.by_change(seen, change)
    return None if row is None else row.idx


def _erased(config: Configuration, job: Job, language: str) -> tuple[ErasedField, ...]:
    return tuple(
        ErasedField(path=one["path"], label=_label(config, one["path"], language), upto=one.get("upto"))
        for one in job.decisions
        if _is(one, Verdict.ERASE)
    )


def _kept(config: Configuration, job: Job, language: str) -> tuple[KeptField, ...]:
    return tuple(_kept_field(config, one, language) for one in job.decisions if _is(one, Verdict.KEEP))


def _kept_field(config: Configuration, told: Mapping[str, Any], language: str) -> KeptField:
    path, rule = str(told["path"]), str(told["rule"])
    return KeptField(
        path=path,
        label=_label(config, path, language),
        rule=rule,
        citation=_citation(config, rule),
        retention=str(told["retention"]),
        until=_day(told.get("until")),
    )


def _citation(config: Configuration, rule: str) -> str:
    return next((one.citation for one in config.rules if one.id == rule), "")


def _day(told: object) -> date | None:
    return None if told is None else date.fromisoformat(str(told))


def _label(config: Configuration, path: str, language: str) -> str:
    return config.catalogue[path].label_in(language) if path in config.catalogue else path
