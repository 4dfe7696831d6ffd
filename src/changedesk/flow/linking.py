"""Bringing records together and apart, and giving accounts away: carried out in the transaction that applies it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID, uuid4

from changedesk.base.actor import Actor
from changedesk.base.clock import micros
from changedesk.base.ids import ChangeId, RequestId, SubjectId, uuid7
from changedesk.flow import carrying
from changedesk.flow.indexing import terms_for
from changedesk.flow.observed import observe, request_facts
from changedesk.flow.parties import MERGE, TRANSFER
from changedesk.kinds import Merge, Transfer
from changedesk.kinds.merge import LEFT_OUT
from changedesk.ledger.commitment import FOREVER, Assertion
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.revert import Finding, Later, plan_revert
from changedesk.ledger.value import Json
from changedesk.rules.fields import Catalogue
from changedesk.rules.status import OVERLAYS
from changedesk.store import evidence, history, links, past, subjects
from changedesk.store.requests import Request
from changedesk.store.settings_read import configuration
from changedesk.store.subjects import Holding, Subject
from changedesk.store.tx import Look, Tx

_LEGAL_HOLD: Final = OVERLAYS["legal_hold"]
_BY_MERGES: Final = frozenset({EntryKind.MERGE_APPLIED, EntryKind.MERGE_UNDONE})


def busy(tx: Tx, due: Sequence[Request]) -> set[RequestId]:
    """Lock what these requests will close; return those that must wait, because somebody is acting on it just now.

    The clock tries again.
    """
    return {item.id for item in due if item.kind in (MERGE, TRANSFER) and not links.hold_pending(tx, item.subject_id)}


def merge(tx: Tx, request: Request, change: ChangeId, effect: Merge, *, actor: Actor, at: datetime) -> list[Request]:
    """Link the merged record to the survivor, which takes the chosen values; its accounts and holds go along.

    What was asked for the merged record and still waits ends: it was verified and agreed to for another record.
    Returns what is asked anew of the survivor instead.
    """
    into = SubjectId(UUID(effect.into))
    found = subjects.load(tx, [request.subject_id, into])
    merged, survivor = found[request.subject_id], found[into]
    link = links.Link(
        id=change,
        merged_id=merged.id,
        survivor_id=survivor.id,
        survivor_change=ChangeId(uuid7()),
        request_id=request.id,
        since=_moment(at),
        until=None,
        undo_request_id=None,
        undo_change=None,
    )
    links.begin(tx, link)
    now_us = micros(link.since)
    taken = [
        Assertion(path, _text(survivor, path), _text(merged, path), now_us, FOREVER)
        for path in sorted(effect.take)
        if _text(survivor, path) != _text(merged, path)
    ]
    _carry_holds(tx, evidence.active_holds(tx, [merged.id], now=at), survivor.id, actor=actor, at=at)
    ended = carrying.end(tx, request, at=at)
    facts: dict[str, Json] = {
        "merged": str(merged.id),
        "survivorship": {"take": dict(effect.take), "keep": dict(effect.keep)},
        "repointed": cast("Json", _repoint(tx, merged, survivor, at=link.since)),
        "closed": [*sorted(item.ref for item in ended)],
    }
    _write(tx, request, survivor, EntryKind.MERGE_APPLIED, link.survivor_change, taken, facts, actor=actor, at=at)
    return carrying.carry(tx, ended, merged.id, survivor.id, effect.close, actor=actor, at=at)


def _moment(at: datetime) -> datetime:
    # Entries are kept in milliseconds: what begins with one begins exactly then.
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _text(subject: Subject, path: str) -> bytes | None:
    held = subject.state.get(path)
    return None if held is None else held.text


def _write(
    tx: Tx,
    request: Request,
    subject: Subject,
    kind: EntryKind,
    change: ChangeId,
    assertions: Sequence[Assertion],
    facts: Mapping[str, Json],
    *,
    actor: Actor,
    at: datetime,
) -> None:
    draft = history.Draft(
        subject=subject,
        kind=kind,
        actor=actor,
        at=at,
        assertions=assertions,
        facts={**request_facts(request), **facts},
        request=request.id,
        channel=request.channel,
        change=change,
    )
    history.append(tx, [draft], terms=terms_for(tx.client))


def _other_side(one: Holding, merged: Subject, new: SubjectId) -> Holding:
    if merged.type == "customer":
        return Holding(one.account, new, one.role, one.since, None)
    return Holding(new, one.customer, one.role, one.since, None)


def _standing(look: Look, subject: Subject) -> list[Holding]:
    customer = subject.type == "customer"
    found = subjects.accounts_of(look, subject.id) if customer else subjects.holders_of(look, [subject.id])
    return [item for item in found if item.until is None]


def _repoint(tx: Tx, merged: Subject, survivor: Subject, *, at: datetime) -> list[dict[str, Any]]:
    """Give the survivor what the merged record holds; return each, and whether that is new to the survivor."""
    ended = links.end_holdings(tx, _standing(tx, merged), at=at)
    wanted = [_other_side(item, merged, survivor.id) for item in ended]
    begun = {(item.account, item.customer, item.role) for item in links.begin_holdings(tx, wanted, at=at)}
    return [
        {
            "account": str(old.account),
            "customer": str(old.customer),
            "role": old.role,
            "begun": (new.account, new.customer, new.role) in begun,
        }
        for old, new in zip(ended, wanted, strict=True)
    ]


def _carry_holds(tx: Tx, standing: Sequence[evidence.Hold], to: SubjectId, *, actor: Actor, at: datetime) -> None:
    """What stops the one stops the other from now on: a merge is no way out of a hold."""
    carried = [
        evidence.Hold(
            id=uuid4(),
            subject_id=to,
            request_id=item.request_id,
            blocks=item.blocks,
            rule=item.rule,
            release=item.release,
            placed_by=actor.id,
            starts_at=at,
            ends_at=item.ends_at,
            carried_from=item.carried_from or item.id,
        )
        for item in standing
    ]
    if carried:
        evidence.place_holds(tx, carried)


def _part_holds(tx: Tx, link: links.Link, survivor: Subject, *, actor: Actor, at: datetime) -> None:
    """Each record stands under its own holds again, and both under what came while they were one.

    What came then was meant for the person: nobody can say for which of the two records.
    """
    links.hand_holds_back(tx, merged=link.merged_id, survivor=survivor.id, by=actor.id, at=at)
    since = [one for one in evidence.active_holds(tx, [survivor.id], now=at) if one.starts_at > link.since]
    _carry_holds(tx, since, link.merged_id, actor=actor, at=at)
    legal, merged = survivor.state.get(_LEGAL_HOLD), subjects.load(tx, [link.merged_id])[link.merged_id]
    before = past.opened(tx, past.by_change(tx, link.survivor_change), survivor).version
    if legal is None or legal.ver <= before or not survivor.values().get(_LEGAL_HOLD) or merged.key is None:
        return
    if not merged.values().get(_LEGAL_HOLD):
        said = Assertion(_LEGAL_HOLD, _text(merged, _LEGAL_HOLD), legal.text, micros(_moment(at)), FOREVER)
        facts: dict[str, Json] = {"undoes": str(link.id), "hold_of": str(survivor.id)}
        # Of no request: it is not what was asked for and agreed to, and nobody is to be told of a legal hold by it.
        draft = history.Draft(merged, EntryKind.CHANGE_RECORDED, actor, at, [said], facts)
        history.append(tx, [draft], terms=terms_for(tx.client))


@dataclass(frozen=True, slots=True)
class Parting:
    """What an unmerge does: values given back, holdings given back and taken away, and what is left to a person."""

    link: links.Link
    back: tuple[Assertion, ...] = field(repr=False)
    returned: tuple[Holding, ...]
    taken: tuple[Holding, ...]
    work: tuple[tuple[str, str], ...]
    """(what, why): a path or the id of an account or holder; changed_since, changed_while_merged, account_moved,
    account_new."""


def unmerge(tx: Tx, request: Request, *, actor: Actor, at: datetime) -> None:
    """Close the link and give back what came with it and still stands so; list the rest for a person to look at."""
    link = links.of_merged(tx, [request.subject_id])[request.subject_id]
    moment, change = _moment(at), ChangeId(uuid7())
    parts = parting(tx, link, at=moment)
    survivor = subjects.load(tx, [link.survivor_id])[link.survivor_id]
    links.end(tx, link.id, request=request.id, change=change, at=moment)
    links.end_holdings(tx, parts.taken, at=moment)
    links.begin_holdings(tx, parts.returned, at=moment)
    if parts.work:
        links.list_work(tx, link.id, parts.work, at=at)
    facts: dict[str, Json] = {
        "merged": str(link.merged_id),
        "undoes": str(link.id),
        "returned": [
            {"account": str(one.account), "customer": str(one.customer), "role": one.role} for one in parts.returned
        ],
        "work": [[what, why] for what, why in parts.work],
    }
    _write(tx, request, survivor, EntryKind.MERGE_UNDONE, change, parts.back, facts, actor=actor, at=at)
    _part_holds(tx, link, survivor, actor=actor, at=at)


def parting(look: Look, link: links.Link, *, at: datetime) -> Parting:
    """Return what undoing a merge would do now. Writes nothing."""
    found = subjects.load(look, [link.merged_id, link.survivor_id])
    merged, survivor = found[link.merged_id], found[link.survivor_id]
    entry = past.opened(look, past.by_change(look, link.survivor_change), survivor)
    back, work = _values_back(look, survivor, entry, at=at)
    returned, taken, unclear = _holdings_back(look, merged, survivor, entry, link.since)
    return Parting(link, tuple(back), tuple(returned), tuple(taken), (*work, *unclear))


def _values_back(
    look: Look, survivor: Subject, entry: past.Entry, *, at: datetime
) -> tuple[list[Assertion], list[tuple[str, str]]]:
    """Return what undoes the values that came with the merge, and what is not clear: three-way, field by field."""
    later = [item for item in past.changes_since(look, survivor, entry.version) if item.assertions]
    now_us = micros(at)
    said = [Assertion(one.path, one.old, one.new, now_us, one.valid_to_us) for one in entry.assertions or ()]
    current = {path: held.text for path, held in survivor.state.items()}
    plans = plan_revert(said, current, [Later(item.change, item.assertions or ()) for item in later], now_us)
    back = [
        Assertion(plan.assertion.path, plan.standing, plan.assertion.old, now_us, FOREVER)
        for plan in plans
        if plan.finding is Finding.RESTORE
    ]
    work = [(plan.assertion.path, "changed_since") for plan in plans if plan.finding is Finding.CONFLICT]
    taken = {plan.assertion.path for plan in plans}
    catalogue = configuration(look.client).catalogue
    edited = {
        one.path
        for item in later
        if item.kind not in _BY_MERGES
        for one in item.assertions or ()
        if one.path not in taken and _of_the_person(catalogue, one.path)
    }
    return back, [*work, *((path, "changed_while_merged") for path in sorted(edited))]


def _of_the_person(catalogue: Catalogue, path: str) -> bool:
    return path not in catalogue or catalogue[path].kind not in LEFT_OUT


def _holdings_back(
    look: Look, merged: Subject, survivor: Subject, entry: past.Entry, since: datetime
) -> tuple[list[Holding], list[Holding], list[tuple[str, str]]]:
    """Return the holdings to give back, those to end for it, and what is not as the merge left it."""
    told: Any = entry.facts.get("repointed")
    now = {(item.account, item.customer, item.role): item.since for item in _standing(look, survivor)}
    known: set[tuple[SubjectId, SubjectId]] = set()
    returned: list[Holding] = []
    taken: list[Holding] = []
    work: list[tuple[str, str]] = []
    for one in told or ():
        old = Holding(SubjectId(UUID(one["account"])), SubjectId(UUID(one["customer"])), one["role"], since, None)
        new = _other_side(old, merged, survivor.id)
        known.add((new.account, new.customer))
        stands = now.get((new.account, new.customer, new.role))
        if stands is None or (one["begun"] and stands != since):
            work.append((_what(old, merged), "account_moved"))
            continue
        returned.append(old)
        if one["begun"]:
            taken.append(new)
    fresh = [
        Holding(account, customer, role, begun, None)
        for (account, customer, role), begun in now.items()
        if begun > since
    ]
    work += [(_what(item, merged), "account_new") for item in fresh if (item.account, item.customer) not in known]
    return returned, taken, work


def _what(item: Holding, merged: Subject) -> str:
    return str(item.account if merged.type == "customer" else item.customer)


def transfer(tx: Tx, request: Request, effect: Transfer, *, actor: Actor, at: datetime) -> None:
    """End what the old holder held of the account, and begin it for the new one; members stay only if agreed.

    What else was asked for the account and still waits is closed: whoever asked does not hold it any more.
    """
    to, moment = SubjectId(UUID(effect.to)), _moment(at)
    standing = [item for item in subjects.holders_of(tx, [request.subject_id]) if item.until is None]
    old = [item for item in standing if item.customer == request.person_id]
    roles = {item.role for item in old}
    members = [] if "members" in effect.keep else [item for item in standing if item.role not in roles]
    links.end_holdings(tx, [*old, *members], at=moment)
    new = [Holding(item.account, to, item.role, moment, None) for item in old]
    links.begin_holdings(tx, new, at=moment)
    ended = carrying.end(tx, request, at=at)
    if ended:
        facts = {"cancel_reason": "transferred", "to": str(to)}
        observe(tx, ended, EntryKind.REQUEST_CANCELLED, actor=actor, at=at, facts=facts)
