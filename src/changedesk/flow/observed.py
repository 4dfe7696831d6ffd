"""Entries about requests that change no value: what happened to them, and what every one of them says."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from changedesk.base.actor import Actor
from changedesk.base.ids import RequestId
from changedesk.flow.writing import Writing
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.store import history
from changedesk.store.requests import Request
from changedesk.store.subjects import Subject
from changedesk.store.tx import Tx


def observe(
    tx: Tx,
    about: Sequence[Request],
    kind: EntryKind,
    *,
    actor: Actor,
    at: datetime,
    facts: Mapping[str, Json] | None = None,
    each: Mapping[RequestId, Mapping[str, Json]] | None = None,
    writing: Writing | None = None,
    channel: str = "",
) -> None:
    """Record something that happened to requests; it changes no value. With ``writing`` it is written at its end.

    It happened by the way on which each was asked for, unless the customer came by another ``channel`` with it.
    """
    into = writing or Writing(tx)
    known = into.subjects({item.subject_id for item in about})
    into.add(
        history.Draft(
            subject=known[item.subject_id],
            kind=kind,
            actor=actor,
            at=at,
            facts={**request_facts(item), **(facts or {}), **((each or {}).get(item.id, {}))},
            request=item.id,
            channel=channel or item.channel,
        )
        for item in about
    )
    if writing is None:
        into.write()


def request_facts(request: Request) -> dict[str, Json]:
    """Return what every entry about a request says of it: references and codes, never a value."""
    facts: dict[str, Json] = {
        "ref": request.ref,
        "kind": request.kind,
        "fields": list(request.fields),
        "reason": request.reason_code,
        "requested_by": request.requested_by,
        "entered_by": request.entered_by,
        "operation": request.operation,
        "initiated_by": request.initiated_by,
        "digest": request.digest.hex(),
    }
    if request.person_id != request.subject_id:
        facts["person"] = str(request.person_id)
    if request.effective_at is not None:
        facts["effective_at"] = request.effective_at.isoformat()
    if request.on_behalf_of:
        facts["on_behalf_of"] = request.on_behalf_of
    if request.interaction:
        facts["interaction"] = request.interaction
    return facts


def version_of(subject: Subject, path: str) -> int:
    """Return the version that set a field as it stands, 0 where it holds nothing."""
    held = subject.state.get(path)
    return 0 if held is None else held.ver
