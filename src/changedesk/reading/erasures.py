"""Certificates of erasure: what went, what stays by which rule and until when. They name fields, never a value."""

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
class Certificate:
    """One erasure, and how far it is: requested, journaled, done. ``cause``: request, retention, journal (a restore).

    ``change`` is the entry that confirms it, ``index`` its place in the log: with a receipt of that, anybody can
    check that it is so. ``recipients`` were told by the feed.
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
            erased=tuple(_erased(config, one, language) for one in job.decisions if _is(one, Verdict.ERASE)),
            kept=tuple(_kept(config, one, language) for one in job.decisions if _is(one, Verdict.KEEP)),
        )
        for job in jobs
    )


def _is(told: Mapping[str, Any], verdict: Verdict) -> bool:
    return bool(told["verdict"] == verdict.value)


def _index(seen: Look, change: ChangeId | None) -> int | None:
    row = None if change is None else past.by_change(seen, change)
    return None if row is None else row.idx


def _erased(config: Configuration, told: Mapping[str, Any], language: str) -> ErasedField:
    path = str(told["path"])
    return ErasedField(path=path, label=_label(config, path, language), upto=told.get("upto"))


def _kept(config: Configuration, told: Mapping[str, Any], language: str) -> KeptField:
    path, rule = str(told["path"]), str(told["rule"])
    return KeptField(
        path=path,
        label=_label(config, path, language),
        rule=rule,
        citation=next((one.citation for one in config.rules if one.id == rule), ""),
        retention=str(told["retention"]),
        until=None if told.get("until") is None else date.fromisoformat(str(told["until"])),
    )


def _label(config: Configuration, path: str, language: str) -> str:
    return config.catalogue[path].label_in(language) if path in config.catalogue else path
