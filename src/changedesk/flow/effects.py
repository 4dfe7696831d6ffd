"""What applying a request brings beside its values: carried out in the transaction that applies it."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import cast

from changedesk.base.actor import Actor
from changedesk.base.clock import micros
from changedesk.base.ids import ChangeId
from changedesk.base.json import Value
from changedesk.flow import forget, linking
from changedesk.kinds import (
    Announce,
    Effect,
    Erase,
    Merge,
    Proposal,
    Say,
    Transfer,
    Unmerge,
    find,
)
from changedesk.ledger.commitment import FOREVER, Assertion
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json, encode_value
from changedesk.store.requests import Request
from changedesk.store.settings_read import Configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Tx


def true_from(request: Request, at: datetime) -> datetime:
    """Return since when the values hold: the day that was asked for where it lay before the request, else now."""
    return request.effective_at if request.effective_at and request.effective_at < request.submitted_at else at


def entry_of(request: Request) -> EntryKind:
    """Return what the history calls this request once it is applied."""
    if request.reverts is not None:
        return EntryKind.CHANGE_REVERTED
    kind = EntryKind(find(request.kind).entry)
    backdated = true_from(request, request.submitted_at) < request.submitted_at
    return EntryKind.CHANGE_BACKDATED if kind is EntryKind.CHANGE_APPLIED and backdated else kind


def of(config: Configuration, request: Request, subject: Subject, *, at: datetime) -> Sequence[Effect]:
    """Return what a request brings, read against the subject as it stands before it."""
    values = {} if request.proposal is None else request.proposal.values
    region = config.settings.region
    zone = config.settings.time_zone
    proposal = Proposal(
        subject.values(), values, config.catalogue, region, at, request.operation, subject.type, subject.status, zone
    )
    return find(request.kind).effects(proposal)


def over(config: Configuration, request: Request, subject: Subject, *, at: datetime) -> list[str]:
    """Return the fields that would end before they begin: what was asked for until a day that has passed meanwhile."""
    begins = true_from(request, at)
    brought = of(config, request, subject, at=at)
    return sorted({item.path for item in brought if isinstance(item, Say) and item.starts and item.starts <= begins})


def assertions(subject: Subject, request: Request, effects: Sequence[Effect], from_us: int) -> list[Assertion]:
    """Return what an applied request says of its fields, and what follows from the moment of applying.

    What was asked for a field holds until a later saying of the same field starts; one that starts with the change
    stands in its place. Edges are whole milliseconds: entries hold no finer ones.
    """
    values = {} if request.proposal is None else request.proposal.values
    said: dict[str, dict[int, Value]] = {path: {from_us: values.get(path)} for path in request.fields}
    for item in effects:
        if isinstance(item, Say):
            starts = from_us if item.starts is None else micros(item.starts) // 1000 * 1000
            said.setdefault(item.path, {})[starts] = item.value
    found: list[Assertion] = []
    for path, ranges in said.items():
        edges = [*sorted(ranges), FOREVER]
        found += [assertion(subject, path, ranges[start], start, end) for start, end in pairwise(edges)]
    return found


def assertion(subject: Subject, path: str, value: object, from_us: int, to_us: int = FOREVER) -> Assertion:
    """Return "this field holds this from then on", with what it held before."""
    old = subject.state.get(path)
    return Assertion(
        path,
        None if old is None else old.text,
        None if value is None else encode_value(value),  # type: ignore[arg-type]  # a proposal holds canonical values
        from_us,
        to_us,
    )


def announced(effects: Sequence[Effect]) -> dict[str, Json]:
    """Return what stands in the entry for other systems: it goes out with the feed."""
    told = [
        {"event": item.event, **cast("dict[str, Json]", item.facts)} for item in effects if isinstance(item, Announce)
    ]
    return {"announces": cast("Json", told)} if told else {}


def carries(effects: Sequence[Effect]) -> bool:
    """Say whether ``carry_out`` does anything for these."""
    return any(isinstance(item, Merge | Unmerge | Transfer | Erase) for item in effects)


def carry_out(
    tx: Tx, request: Request, change: ChangeId, effects: Sequence[Effect], *, actor: Actor, at: datetime
) -> list[Request]:
    """Write what the effects of an applied request ask for; return the requests that come of it.

    Announcements stand in its entry already.
    """
    asked: list[Request] = []
    for item in effects:
        if isinstance(item, Merge):
            asked += linking.merge(tx, request, change, item, actor=actor, at=at)
        elif isinstance(item, Unmerge):
            linking.unmerge(tx, request, actor=actor, at=at)
        elif isinstance(item, Transfer):
            linking.transfer(tx, request, item, actor=actor, at=at)
        elif isinstance(item, Erase):
            forget.start(tx, request, item.classes, actor=actor, at=at)
    return asked
