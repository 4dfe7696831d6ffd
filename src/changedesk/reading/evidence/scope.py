"""What an evidence bundle is about, how much of it is shown, and for what: as asked, and as found."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from changedesk.base.actor import Actor
from changedesk.base.ids import ChangeId, SubjectId, parse_reference
from changedesk.base.refusal import NotFound, Refusal
from changedesk.ledger.value import Json
from changedesk.reading import sight
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.rules.fields import Catalogue, Sensitivity
from changedesk.store import bundles, past, requests, subjects
from changedesk.store.requests import Request
from changedesk.store.tx import Look

MOST: Final = 1_000
"""Entries of one bundle: what one reader can still read."""
PURPOSES: Final = (
    "court_or_authority", "legal_claim", "customer_request", "dispute", "complaint", "audit", "investigation",
)  # fmt: skip

_REFERENCE: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9 ._:#/-]{0,79})?")


class ScopeUnclear(Refusal):
    """This does not say what the evidence is to be about."""

    code = "scope-unclear"
    hint = "Name one of: a change, a request, a record, or a period from and until, with or without who acted."


class PurposeUnknown(Refusal):
    """Evidence is taken out for one of the purposes that the desk knows."""

    code = "purpose-unknown"
    hint = f"Name one of: {', '.join(PURPOSES)}."


class FieldsUnclear(Refusal):
    """Showing single fields needs the names of fields that may be shown."""

    code = "fields-unclear"
    hint = "Name fields of this client with the level fields, and none with another level."


class ReferenceUnfit(Refusal):
    """This is no file reference."""

    code = "reference-unfit"
    hint = "Write letters, digits, blanks and . _ : # / - only, at most 80, and nothing personal: it is kept."


class BundleTooLarge(Refusal):
    """This is more than one bundle holds.

    ``data``: the most entries that one may have.
    """

    code = "bundle-too-large"
    hint = "Ask for less: one request, one record, or a shorter period."


class Level(StrEnum):
    """How much is shown: everything; the fields that are named; what anybody may see, the rest masked."""

    FULL = "full"
    FIELDS = "fields"
    MASKED = "masked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody asks for. Exactly one of ``change``, ``request``, ``record``, or ``since`` with ``until``.

    ``actor`` narrows a period to what one person or system did. ``reference`` is the asker's own file number: kept with
    the record of this bundle, so nothing personal.
    """

    purpose: str
    level: Level = Level.MASKED
    fields: Sequence[str] = ()
    reference: str = ""
    change: ChangeId | None = None
    request: str | None = None
    record: SubjectId | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def told(self) -> dict[str, Json]:
        """Return the scope as a bundle says it."""
        found: dict[str, Json] = {}
        for name in ("change", "request", "record", "actor"):
            if getattr(self, name) is not None:
                found[name] = str(getattr(self, name))
        for name in ("since", "until"):
            if getattr(self, name) is not None:
                found[name] = getattr(self, name).isoformat()
        return found


@dataclass(frozen=True, slots=True)
class Found:
    """The ids of the entries; the records that are there whole; the request, where it is about one."""

    entries: list[int]
    whole: tuple[SubjectId, ...] = ()
    request: Request | None = None


def require_level(level: Level, *, actor: Actor) -> None:
    """Return when this actor may have evidence that shows this much. Raises Forbidden."""
    access.require(actor, Verb.EVIDENCE_BUILD)
    if level is not Level.MASKED:
        access.require(actor, Verb.VALUE_REVEAL)


def require(wanted: Wanted, catalogue: Catalogue, *, actor: Actor) -> None:
    """Return when this actor may have this. Raises Forbidden, PurposeUnknown, ReferenceUnfit, ScopeUnclear,
    FieldsUnclear.
    """
    require_level(wanted.level, actor=actor)
    if wanted.purpose not in PURPOSES:
        raise PurposeUnknown
    if _REFERENCE.fullmatch(wanted.reference) is None:
        raise ReferenceUnfit
    period = wanted.since is not None and wanted.until is not None and wanted.since < wanted.until
    named = [wanted.change is not None, wanted.request is not None, wanted.record is not None, period]
    stray = not period and any(one is not None for one in (wanted.since, wanted.until, wanted.actor))
    if sum(named) != 1 or stray:
        raise ScopeUnclear
    known = all(path in catalogue and catalogue[path].sensitivity is not Sensitivity.SECRET for path in wanted.fields)
    if not known or bool(wanted.fields) != (wanted.level is Level.FIELDS):
        raise FieldsUnclear


def find(look: Look, wanted: Wanted, *, actor: Actor) -> Found:
    """Return what a bundle is made of. Raises NotFound, BundleTooLarge."""
    limit = MOST + 1
    if wanted.change is not None:
        row = past.by_change(look, wanted.change)
        found = Found([] if row is None else [row.id])
    elif wanted.request is not None:
        canonical = parse_reference(wanted.request)
        asked = None if canonical is None else requests.by_ref(look, canonical)
        found = Found([] if asked is None else bundles.of_request(look, asked.id, limit=limit), request=asked)
    elif wanted.record is not None:
        subject = sight.survivor(look, wanted.record, actor=actor)
        there = subjects.load(look, [subject])
        found = Found(bundles.of_records(look, [subject], limit=limit) if there else [], whole=(subject,))
    else:
        since, until = wanted.since, wanted.until
        if since is None or until is None:
            raise ScopeUnclear
        found = Found(bundles.of_period(look, since, until, actor=wanted.actor, limit=limit))
    if not found.entries:
        raise NotFound
    if len(found.entries) > MOST:
        raise BundleTooLarge(most=MOST)
    return found
