"""A customer, or an account, as one viewer may see it now."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from changedesk import kinds
from changedesk.base.actor import Actor
from changedesk.base.ids import SubjectId
from changedesk.reading import lines, sight
from changedesk.reading.panels import AccountLine, CustomerPanel, FieldView, Group, HolderLine
from changedesk.reading.people import People
from changedesk.reading.sight import Eyes
from changedesk.rules.access import Verb, may
from changedesk.rules.fields import Catalogue, Field, Sensitivity
from changedesk.store import evidence, links, past, requests, subjects
from changedesk.store.requests import Request
from changedesk.store.settings_read import configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, look
from changedesk.store.wire import Call

NUMBER: Final = "account.number"
_MINUTE: Final = timedelta(minutes=1)


def customer(id: SubjectId, *, actor: Actor, at: datetime, language: str) -> CustomerPanel:  # noqa: A002 - as everywhere
    """Return a customer: what stands, since when, by whom, how verified; what is open; what holds them.

    Raises Forbidden, NotFound.
    """
    return record(id, actor=actor, at=at, language=language, type="customer")


def account(id: SubjectId, *, actor: Actor, at: datetime, language: str) -> CustomerPanel:  # noqa: A002 - as everywhere
    """Return an account, and who holds it. Raises Forbidden, NotFound."""
    return record(id, actor=actor, at=at, language=language, type="account")


def record(
    id: SubjectId,  # noqa: A002 - as everywhere
    *,
    actor: Actor,
    at: datetime,
    language: str,
    type: str | None = None,  # noqa: A002 - the column's name
) -> CustomerPanel:
    """Return a customer or an account, whichever it is. An account is seen as the best verified holder is.

    Raises Forbidden, NotFound.
    """
    sight.require(actor, Verb.CUSTOMER_READ)
    catalogue = configuration(actor.client).catalogue
    with look(actor.client) as seen:
        seen.ahead(*_asks(id, actor=actor, at=at), requests.of_subject_asks(id), evidence.holds_on([id], now=at))
        asked_for, id = id, sight.survivor(seen, id, actor=actor)  # noqa: A001 - as everywhere
        subject, holder_ids = sight.find(seen, id, actor=actor, type=type)
        views = sight.of_subjects(seen, [subject], actor=actor, at=at, holders={id: holder_ids})
        asked = _asked(seen, subject, actor=actor)
        seen.ahead(past.provenance_asks(subject))
        disputes = evidence.disputes_of(seen, [one.id for one in asked])
        found = _Found(
            asked=asked,
            holds=evidence.active_holds(seen, dict.fromkeys([id, *holder_ids]), now=at),
            disputes=[one for one in disputes if one.resolved_at is None],
            provenance=_own(past.provenance(seen, subject), sight.own_since(seen, subject, actor=actor)),
            accounts=_accounts(seen, subject, catalogue, actor=actor, at=at, language=language),
            holders=_holders(seen, subject, catalogue, actor=actor, at=at, language=language),
            merged_from=None if asked_for == id else asked_for,
            merged=_merged(seen, id, actor=actor),
        )
    return _panel(subject, Eyes(views[id], catalogue, language), found, actor=actor, at=at)


def _asks(id: SubjectId, *, actor: Actor, at: datetime) -> list[Call]:  # noqa: A002 - as everywhere
    """Return what is asked of nearly every customer: to be read ahead."""
    merged = () if actor.type in sight.CUSTOMERS else (links.asks(id),)
    return [*merged, *sight.find_asks(id, actor=actor, at=at), subjects.accounts_of_asks(id)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What was read about a record, for its panel."""

    asked: Sequence[Request]
    holds: Sequence[evidence.Hold]
    disputes: Sequence[evidence.Dispute]
    provenance: Mapping[int, past.Entry]
    accounts: tuple[AccountLine, ...]
    holders: tuple[HolderLine, ...]
    merged_from: SubjectId | None
    merged: tuple[SubjectId, ...]


def _panel(subject: Subject, eyes: Eyes, found: _Found, *, actor: Actor, at: datetime) -> CustomerPanel:
    names = {entry.actor for entry in found.provenance.values()} | {hold.placed_by for hold in found.holds}
    people = People(names, viewer=actor, language=eyes.language)
    view = eyes.sight
    called = sight.title(eyes, subject) if subject.type == "customer" else _number(eyes, subject)
    waiting = [item for item in found.asked if not item.ended]
    mine = [item for item in waiting if item.subject_id == subject.id]
    return CustomerPanel(
        id=subject.id,
        type=subject.type,
        version=subject.ver,
        etag=etag(subject),
        title=called.text,
        title_masked=called.masked,
        status=subject.status,
        created_at=subject.created_at,
        erased=subject.erased_at is not None or subject.key is None,
        level=view.level,
        level_until=view.until,
        level_minutes=0 if view.until is None else max(0, math.ceil((view.until - at) / _MINUTE)),
        open=view.everything,
        holds=tuple(lines.hold_view(item, people) for item in found.holds),
        disputes=lines.dispute_views(found.disputes, {item.id: item.ref for item in found.asked}),
        groups=_groups(subject, eyes, _Sources(found.provenance, people, _pending(mine))),
        accounts=found.accounts,
        holders=found.holders,
        requests=tuple(lines.request_line(item, eyes) for item in waiting),
        merged_from=found.merged_from,
        merged=found.merged,
        transfer_pending=next((item.ref for item in mine if item.kind == "ownership_transfer"), ""),
    )


def _asked(seen: Look, subject: Subject, *, actor: Actor) -> list[Request]:
    """Return what was asked about a record, as far as the viewer may read it: customers read their own requests."""
    if not may(actor, Verb.REQUEST_READ, subject=subject.id if subject.type == "customer" else actor.subject):
        return []
    asked = requests.of_subject(seen, subject.id)
    return [item for item in asked if actor.type not in sight.CUSTOMERS or item.person_id == actor.subject]


def _merged(seen: Look, id: SubjectId, *, actor: Actor) -> tuple[SubjectId, ...]:  # noqa: A002 - as everywhere
    if actor.type in sight.CUSTOMERS:
        return ()
    return tuple(link.merged_id for link in links.of_survivor(seen, id) if link.until is None)


def _own(provenance: Mapping[int, past.Entry], since: datetime | None) -> Mapping[int, past.Entry]:
    """Leave out where values came from before an account was this customer's."""
    return {ver: one for ver, one in provenance.items() if since is None or one.recorded_at >= since}


def _holders(
    seen: Look, subject: Subject, catalogue: Catalogue, *, actor: Actor, at: datetime, language: str
) -> tuple[HolderLine, ...]:
    if subject.type != "account":
        return ()
    holdings = [one for one in subjects.holders_of(seen, [subject.id]) if _may_know(actor, one.customer)]
    held_by = subjects.load(seen, {item.customer for item in holdings})
    theirs = sight.of_subjects(seen, held_by.values(), actor=actor, at=at)
    called = {one.id: sight.title(Eyes(theirs[one.id], catalogue, language), one) for one in held_by.values()}
    return tuple(
        HolderLine(
            id=item.customer,
            title=called[item.customer].text,
            title_masked=called[item.customer].masked,
            role=item.role,
            since=item.since,
            until=item.until,
        )
        for item in holdings
    )


def customer_json(id: SubjectId, *, actor: Actor, at: datetime, language: str = "en") -> dict[str, Any]:  # noqa: A002 - as everywhere
    """Return a customer as the API tells it: ``fields`` hold ``value`` and ``text``, or ``masked`` alone.

    Raises Forbidden, NotFound.
    """
    return _json(id, "customer", actor=actor, at=at, language=language)


def account_json(id: SubjectId, *, actor: Actor, at: datetime, language: str = "en") -> dict[str, Any]:  # noqa: A002 - as everywhere
    """Return an account as the API tells it. Raises Forbidden, NotFound."""
    return _json(id, "account", actor=actor, at=at, language=language)


def etag(subject: Subject) -> str:
    """Return the strong entity tag of a subject's version (RFC 9110, section 8.8.3)."""
    return f'"{subject.ver}"'


def _json(id: SubjectId, type: str, *, actor: Actor, at: datetime, language: str) -> dict[str, Any]:  # noqa: A002 - as everywhere
    sight.require(actor, Verb.CUSTOMER_READ)
    catalogue = configuration(actor.client).catalogue
    with look(actor.client) as seen:
        seen.ahead(*_asks(id, actor=actor, at=at), last=type == "customer")
        asked_for, id = id, sight.survivor(seen, id, actor=actor)  # noqa: A001 - as everywhere
        subject, holder_ids = sight.find(seen, id, actor=actor, type=type)
        view = sight.of_subjects(seen, [subject], actor=actor, at=at, holders={id: holder_ids})[id]
        held = subjects.accounts_of(seen, id) if type == "customer" else subjects.holders_of(seen, [id])
    eyes = Eyes(view, catalogue, language)
    fields: dict[str, dict[str, Any]] = {}
    for path, value in subject.values().items():
        if path in catalogue and catalogue[path].sensitivity is Sensitivity.SECRET:
            continue
        shown = eyes.show(path, value)
        fields[path] = {"masked": shown.text} if shown.masked else {"value": shown.value, "text": shown.text}
    return {
        "id": str(id),
        "type": type,
        "version": subject.ver,
        "status": subject.status,
        "created_at": subject.created_at,
        "erased": subject.erased_at is not None or subject.key is None,
        "merged_from": None if asked_for == id else str(asked_for),
        "fields": fields,
        "accounts" if type == "customer" else "holders": [
            {"id": str(item.account if type == "customer" else item.customer), "role": item.role}
            for item in held
            if item.until is None and (type == "customer" or _may_know(actor, item.customer))
        ],
    }


def _may_know(actor: Actor, holder: SubjectId) -> bool:
    # Joint holders of an account are not told of one another here.
    return actor.type not in sight.CUSTOMERS or actor.subject == holder


def _accounts(
    seen: Look, subject: Subject, catalogue: Catalogue, *, actor: Actor, at: datetime, language: str
) -> tuple[AccountLine, ...]:
    holdings = subjects.accounts_of(seen, subject.id) if subject.type == "customer" else []
    loaded = subjects.load(seen, {item.account for item in holdings})
    holders = {item: [subject.id] for item in loaded}
    views = sight.of_subjects(seen, loaded.values(), actor=actor, at=at, holders=holders) if loaded else {}
    found: list[AccountLine] = []
    for item in holdings:
        one = loaded[item.account]
        number = _number(Eyes(views[one.id], catalogue, language), one)
        found.append(
            AccountLine(
                id=one.id,
                number=number.text,
                number_masked=number.masked,
                role=item.role,
                status=one.status,
                since=item.since,
                until=item.until,
            )
        )
    return tuple(found)


def _number(eyes: Eyes, subject: Subject) -> sight.Shown:
    return eyes.show(NUMBER, subject.values().get(NUMBER))


def _pending(waiting: Sequence[Request]) -> dict[str, str]:
    return {path: item.ref for item in waiting for path in item.fields}


@dataclass(frozen=True, slots=True)
class _Sources:
    """Where values come from (entries by version), who brought them, and which requests would change them."""

    provenance: Mapping[int, past.Entry]
    people: People
    pending: Mapping[str, str]


def _groups(subject: Subject, eyes: Eyes, sources: _Sources) -> tuple[Group, ...]:
    by_kind: dict[str, list[Field]] = {}
    for item in _fields_of(eyes.catalogue, subject):
        by_kind.setdefault(item.kind, []).append(item)
    return tuple(
        Group(
            kind=kind,
            label=lines.kind_label(kind, eyes.language),
            icon=kinds.find(kind).icon if kind in kinds.KINDS else "tag",
            fields=tuple(
                _field(item, subject, eyes, sources)
                for item in (_in_form_order(kind, eyes.catalogue, found) if kind in kinds.KINDS else found)
            ),
        )
        for kind, found in by_kind.items()
    )


def _in_form_order(kind: str, catalogue: Catalogue, found: Sequence[Field]) -> list[Field]:
    return [item for item in kinds.find(kind).fields(catalogue) if item in found]


def _fields_of(catalogue: Catalogue, subject: Subject) -> list[Field]:
    """Return the fields that such a subject has: all of its own, and others only where they hold something."""
    held = subject.state
    return [
        item
        for item in catalogue
        if item.sensitivity is not Sensitivity.SECRET and (item.is_of(subject.type) or item.path in held)
    ]


def _field(item: Field, subject: Subject, eyes: Eyes, sources: _Sources) -> FieldView:
    held = subject.state.get(item.path)
    return lines.field_view(
        item,
        None if held is None else held.value,
        eyes,
        entry=None if held is None else sources.provenance.get(held.ver),
        people=sources.people,
        pending=sources.pending.get(item.path),
    )
