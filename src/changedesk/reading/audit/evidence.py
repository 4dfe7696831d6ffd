"""Requests, consents, decisions and challenges, where an entry speaks of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from changedesk.ledger.audit import Fault
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.reading.audit.run import Run
from changedesk.store import audit as store

_TOLD: Final = ("kind", "operation", "initiated_by", "requested_by")
"""What a request keeps from its first entry to its last."""
_FREE: Final = frozenset(
    {EntryKind.CHANGE_RECORDED, EntryKind.CUSTOMER_CREATED, EntryKind.ACCOUNT_CREATED, EntryKind.IDENTITY_CHALLENGED,
     EntryKind.IDENTITY_VERIFIED, EntryKind.IDENTITY_FAILED}
)  # fmt: skip
"""Whose facts may name a request that the entry is not about."""
_ERASED: Final = frozenset({EntryKind.ERASURE_REQUESTED, EntryKind.ERASURE_CONFIRMED})
"""Whose facts are of the erasure, behind those of its request."""
_BESIDE: Final = frozenset({EntryKind.MERGE_APPLIED, EntryKind.MERGE_UNDONE, *_ERASED})
"""Changes that a request brings beside the one that it names."""


class Spoken(NamedTuple):
    """An entry and what is sealed of its circumstances."""

    place: int | None
    row: Any
    facts: Mapping[str, Json]


class _Held(NamedTuple):
    requests: dict[UUID, Any]
    consents: dict[tuple[UUID, bytes], Any]
    decisions: dict[tuple[UUID, bytes, str], Any]
    challenges: dict[UUID, Any]


def check(run: Run, spoken: Sequence[Spoken]) -> None:
    """Hold the rows that some entries speak of against what the entries say."""
    ids = list({one.row.request_id for one in spoken if one.row.request_id is not None})
    tried = {id_ for one in spoken if "challenge" in one.facts and (id_ := _id(one.facts["challenge"])) is not None}
    held = _Held(
        store.requests(run.seen, ids) if ids else {},
        store.consents(run.seen, ids) if ids else {},
        store.decisions(run.seen, ids) if ids else {},
        store.challenges(run.seen, list(tried)) if tried else {},
    )
    for one in spoken:
        for fault, about in _wrong(one, held):
            run.bad(fault, one.place, one.row.change_id, about)


def _wrong(one: Spoken, held: _Held) -> Iterator[tuple[Fault, str]]:
    row, facts = one.row, one.facts
    if row.request_id is None:
        if row.kind not in _FREE and not facts.keys().isdisjoint({"ref", "request"}):
            yield Fault.CLEAR, "request_id"
    elif row.request_id not in held.requests:
        yield Fault.EVIDENCE, "no request"
    else:
        request = held.requests[row.request_id]
        named = {"ref": request.ref, "request": str(request.id)}
        if any(facts.get(name, own) != own for name, own in named.items() if row.kind not in _FREE or name == "ref"):
            yield Fault.CLEAR, "request_id"
        elif "digest" in facts:
            yield from _of_request(row, facts, request)
            yield from _of_decision(row, facts, held)
    if row.kind == EntryKind.IDENTITY_VERIFIED and "challenge" in facts:
        challenge = held.challenges.get(_id(facts["challenge"]) or UUID(int=0))
        said = (facts.get("method"), facts.get("purpose"))
        if challenge is None or (challenge.method, challenge.purpose) != said or challenge.state not in _CONFIRMED:
            yield Fault.EVIDENCE, "challenge"


_CONFIRMED: Final = ("confirmed", "void")


def _of_request(row: Any, facts: Mapping[str, Json], request: Any) -> Iterator[tuple[Fault, str]]:
    for name in _TOLD:
        if name in facts and row.kind not in _FREE | _ERASED and facts[name] != getattr(request, name):
            yield Fault.EVIDENCE, f"request: {name}"
    if row.ver is None or row.kind in _BESIDE:
        return
    if request.applied_change != row.change_id:
        yield Fault.EVIDENCE, "request: applied_change"
    elif facts["digest"] != request.digest.hex():
        yield Fault.EVIDENCE, "request: digest"
    elif facts.get("reason", request.reason_code) != request.reason_code:
        yield Fault.EVIDENCE, "request: reason_code"
    elif facts.get("entered_by", request.entered_by) != request.entered_by:
        yield Fault.EVIDENCE, "request: entered_by"


def _of_decision(row: Any, facts: Mapping[str, Json], held: _Held) -> Iterator[tuple[Fault, str]]:
    digest = bytes.fromhex(str(facts["digest"]))
    if row.kind == EntryKind.CONSENT_RECORDED:
        given = held.consents.get((row.request_id, digest))
        said = tuple(facts.get(name) for name in ("statement", "version", "language", "way", "wording", "actor"))
        if given is None or said != (
            given.statement, given.version, given.language, given.way, given.wording_hash.hex(), given.recorded_by,
        ):  # fmt: skip
            yield Fault.EVIDENCE, "consent"
    elif row.kind in (EntryKind.REQUEST_APPROVED, EntryKind.REQUEST_REJECTED):
        decided = held.decisions.get((row.request_id, digest, row.actor))
        verdict = "approve" if row.kind == EntryKind.REQUEST_APPROVED else "reject"
        if decided is None or (decided.verdict, decided.reason_code) != (verdict, facts.get("verdict_reason")):
            yield Fault.EVIDENCE, "decision"


def unspoken(run: Run) -> None:
    """Look for evidence that no entry speaks of: somebody put it there, or took the entry away."""
    for row in store.unspoken(run.seen):
        run.bad(Fault.EVIDENCE, None, about=f"{row.what} without an entry")


def _id(text: Json) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None
