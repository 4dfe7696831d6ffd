"""How a customer or an account stands and stood: states, overlays, what they stop; and how many changed, by month."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.ids import SubjectId
from changedesk.kinds import KINDS
from changedesk.packs.pack import Reason
from changedesk.reading import sight, words
from changedesk.rules import status as rules
from changedesk.rules.access import Verb
from changedesk.rules.fields import Catalogue
from changedesk.rules.values import display
from changedesk.store import status as kept
from changedesk.store.settings_read import configuration
from changedesk.store.trends import Moved
from changedesk.store.tx import look


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRecord:
    """One change of how a subject stands. ``of``: state, or the overlay's name; an overlay is set or lifted.

    ``was`` and ``became`` are codes, ``*_label`` the same in the reader's language; empty for what was not said.
    """

    change: UUID
    of: str
    label: str
    was: str
    was_label: str
    became: str
    became_label: str
    reason: str
    reason_label: str
    initiated_by: str
    effective_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingView:
    """One thing that stands against changes: what it stops, in words of the taxonomy, and what lifts it.

    ``blocks_kinds`` are the kinds of change that it stops in part or whole, in the reader's language.
    """

    name: str
    label: str
    blocks: tuple[str, ...]
    blocks_kinds: tuple[str, ...]
    lifted_by: str
    lifted_by_label: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class MonthCount:
    """How often one thing became of customers and accounts in a month (YYYY-MM of the client's own time zone)."""

    month: str
    what: str
    times: int


_NAMED: Final = {
    ("pending", "active"): "activated",
    ("active", "suspended"): "suspended",
    ("suspended", "active"): "reinstated",
    ("active", "deactivated"): "deactivated",
    ("suspended", "deactivated"): "deactivated",
    ("deactivated", "active"): "reactivated",
    ("closed", "active"): "reopened",
    ("merged", "active"): "unmerged",
}


def status_records(subject_id: SubjectId, *, actor: Actor, at: datetime, language: str) -> list[StatusRecord]:
    """Return how a customer or an account stood, the newest first. Raises Forbidden, NotFound."""
    del at
    sight.require(actor, Verb.TIMELINE_READ)
    with look(actor.client) as seen:
        sight.find(seen, subject_id, actor=actor)
        moves = kept.of_subject(seen, subject_id)
    config = configuration(actor.client)
    return [_record(move, config.catalogue, config.reason_codes, language) for move in moves]


def standing(subject_id: SubjectId, *, actor: Actor, language: str) -> list[StandingView]:
    """Return what stands against changes of a customer or an account now. Raises Forbidden, NotFound."""
    sight.require(actor, Verb.CUSTOMER_READ)
    with look(actor.client) as seen:
        subject, _ = sight.find(seen, subject_id, actor=actor)
    catalogue, state = configuration(actor.client).catalogue, subject.values()
    told = state.get(rules.UNTIL)
    return [
        StandingView(
            name=name,
            label=_name(catalogue, name, language),
            blocks=tuple(sorted(stops.words)),
            blocks_kinds=_kinds(catalogue, stops, language),
            lifted_by=stops.lifted_by,
            lifted_by_label=words.in_language(_LIFTS.get(stops.lifted_by, {"en": stops.lifted_by}), language),
            until=date.fromisoformat(str(told)) if told is not None and name == rules.Status.SUSPENDED else None,
        )
        for name, stops in rules.blocked(state).items()
    ]


def moves_of(moved: Iterable[Moved]) -> list[MonthCount]:
    """Name what became of a client's customers and accounts, and count it by month."""
    counted: dict[tuple[str, str], int] = {}
    for one in moved:
        key = one.month, _NAMED.get((one.was, one.became), one.became)
        counted[key] = counted.get(key, 0) + one.times
    return [MonthCount(month, what, times) for (month, what), times in sorted(counted.items())]


_LIFTS: Final = {
    **KINDS["account_status"].operations,
    "lift_restriction": KINDS["restriction"].operations["lift"],
    "activate_profile": KINDS["inactivation"].operations["wake"],
    "unmerge": KINDS["unmerge"].label,
    "end_of_transfer": KINDS["ownership_transfer"].label,
}


def _kinds(catalogue: Catalogue, stops: rules.Stops, language: str) -> tuple[str, ...]:
    found = {item.kind for item in catalogue if rules.stops_category(stops, item.category)}
    return tuple(words.in_language(kind.label, language) for name, kind in KINDS.items() if name in found)


def _record(move: kept.StatusMove, catalogue: Catalogue, reasons: Mapping[str, Reason], language: str) -> StatusRecord:
    reason = reasons.get(move.reason)
    return StatusRecord(
        change=move.change_id,
        of="state" if move.path == rules.STATE else move.path.partition(".")[2],
        label=catalogue[move.path].label_in(language) if move.path in catalogue else move.path,
        was=move.was or "",
        was_label=_word(catalogue, move.path, move.was, language),
        became=move.became or "",
        became_label=_word(catalogue, move.path, move.became, language),
        reason=move.reason,
        reason_label=move.reason if reason is None else words.in_language(reason.label, language),
        initiated_by=move.initiated_by,
        effective_at=move.effective_at,
        recorded_at=move.recorded_at,
    )


def _word(catalogue: Catalogue, path: str, code: str | None, language: str) -> str:
    if code is None or path not in catalogue:
        return code or ""
    return display(catalogue[path], code == "true" if code in ("true", "false") else code, language)


def _name(catalogue: Catalogue, name: str, language: str) -> str:
    path = rules.OVERLAYS.get(name) or {"restriction": rules.RESTRICTED_BY_LAW, "inactivation": rules.INACTIVE}.get(
        name
    )
    if path is not None:
        return catalogue[path].label_in(language) if path in catalogue else name
    return display(catalogue[rules.STATE], name, language) if rules.STATE in catalogue else name
