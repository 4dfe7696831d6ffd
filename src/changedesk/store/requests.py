"""Requests as they stand, one function per query. ``move`` is the only way to another state."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from psycopg.types.json import Jsonb

from changedesk.base.ids import ChangeId, RequestId, SubjectId
from changedesk.base.json import Value
from changedesk.ledger import seal
from changedesk.ledger.value import Json, decode_json, encode_json
from changedesk.rules.lifecycle import ENDINGS, STEPS, RequestState
from changedesk.store import keys
from changedesk.store.tx import Look, Tx
from changedesk.store.wire import Call


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a request asks for: sealed under the subject's key. ``salt`` (hex) keeps the digest from being guessed.

    ``seen`` is the version that had set each field when the request was made, 0 where it held nothing.
    """

    values: Mapping[str, Value]
    salt: str
    seen: Mapping[str, int]
    note: str = ""
    acknowledged: Sequence[str] = ()
    message: str = ""
    told: Mapping[str, str] = field(default_factory=dict)
    """What policy was told beside the values, so that another policy can be asked the same."""


class Request(Struct, frozen=True, kw_only=True):
    """One request, opened. ``route`` is the JSON of ``rules.route.Route``."""

    id: RequestId
    ref: str
    subject_id: SubjectId
    """What changes: a customer or an account."""
    person_id: SubjectId
    """The customer who is verified for it, agrees to it and is told."""
    initiated_by: str = "customer"
    """Whose decision it is: customer, business, system."""
    kind: str
    operation: str
    state: RequestState = RequestState.SUBMITTED
    version: int = 1
    revision: int = 1
    channel: str
    requested_by: str
    entered_by: str
    entered_team: str = ""
    on_behalf_of: str | None = None
    interaction: str | None = None
    reason_code: str
    fields: tuple[str, ...]
    base_ver: int
    digest: bytes
    key_id: UUID
    proposal: Proposal | None
    """None when it is erased."""
    route: Mapping[str, Any]
    needs_level: int
    needs_consent: str | None
    needs_approvals: int
    reverts: ChangeId | None = None
    effective_at: datetime | None = None
    received_at: datetime
    submitted_at: datetime
    state_at: datetime
    expires_at: datetime
    hold_until: datetime | None = None
    applied_change: ChangeId | None = None

    def __repr__(self) -> str:
        """Name it, without what it holds: a representation ends in logs."""
        return f"Request({self.ref})"

    @property
    def team(self) -> str:
        return self.entered_team

    @property
    def earlier_makers(self) -> tuple[str, ...]:
        """Those who entered what it held before it was revised."""
        return tuple(self.route.get("makers", ()))

    @property
    def ended(self) -> bool:
        return self.state in ENDINGS


_MADE: Final = {"proposal", "state", "fields", "digest", "route"}
_PLAIN: Final = tuple(name for name in Request.__struct_fields__ if name not in _MADE)
_START: Final = datetime(1970, 1, 1, tzinfo=UTC)


def seal_proposal(client: int, request: RequestId, key: keys.SubjectKey, proposal: Proposal) -> bytes:
    """Return a proposal sealed for exactly this request."""
    body: dict[str, Json] = {
        "values": dict(proposal.values),
        "salt": proposal.salt,
        "seen": dict(proposal.seen),
        "note": proposal.note,
        "acknowledged": list(proposal.acknowledged),
        "message": proposal.message,
        "told": dict(proposal.told),
    }
    return seal.seal(key.id.bytes, key.cipher, encode_json(body), _aad(client, request))


def resealed(look: Look, request: RequestId, sealed: bytes, old: keys.SubjectKey, new: keys.SubjectKey) -> bytes:
    """Return a proposal sealed anew for the same request, under another key of its subject."""
    aad = _aad(look.client, request)
    return seal.seal(new.id.bytes, new.cipher, seal.unseal(lambda _: old.cipher, sealed, aad), aad)


def _aad(client: int, request: UUID) -> bytes:
    return b"acl/v1/request" + client.to_bytes(8, "big") + request.bytes


def insert(tx: Tx, requests: Sequence[Request], sealed: Sequence[bytes]) -> None:
    """Write new requests, with their proposals sealed, in state submitted."""
    columns: dict[str, Any] = {name: [getattr(item, name) for item in requests] for name in _INSERTED}
    tx.post(
        "requests.insert",
        **columns,
        fields=[" ".join(item.fields) for item in requests],
        proposal_ct=list(sealed),
        route=[encode_json(item.route) for item in requests],
    )


_INSERTED: Final = tuple(
    name
    for name in (*_PLAIN, "digest")
    if name not in {"version", "revision", "state_at", "hold_until", "applied_change"}
)


def take_fields(tx: Tx, requests: Sequence[Request]) -> dict[RequestId, set[str]]:
    """Claim the fields of requests; return, by request, those that another open request holds."""
    wanted = {item.id: set(item.fields) for item in requests}
    pairs = [(item, path) for item in sorted(requests, key=_place) for path in sorted(item.fields)]
    rows = tx.rows(
        "requests.take_fields",
        subject_id=[item.subject_id for item, _ in pairs],
        field=[path for _, path in pairs],
        request_id=[item.id for item, _ in pairs],
    )
    for row in rows:
        wanted[row.request_id].discard(row.field)
    return {request: missing for request, missing in wanted.items() if missing}


def _place(request: Request) -> tuple[int, int]:
    # By subject first: two batches that want the same fields then wait for each other in one order only.
    return request.subject_id.int, request.id.int


def give_back_fields(tx: Tx, requests: Iterable[RequestId]) -> None:
    tx.run(_GIVE_BACK, requests=list(requests))


def holders_of_fields(look: Look, subjects: Sequence[SubjectId], paths: Sequence[str]) -> dict[tuple[UUID, str], str]:
    """Return the reference of the open request that holds a (subject, field), where one does."""
    rows = look.rows("requests.holders_of_fields", subjects=list(subjects), fields=list(paths))
    return {(row.subject_id, row.field): row.ref for row in rows}


def load(look: Look, ids: Iterable[RequestId]) -> dict[RequestId, Request]:
    return {item.id: item for item in opened(look, look.rows("requests.load", ids=list(ids)))}


def by_refs(look: Look, refs: Iterable[str]) -> dict[str, Request]:
    """Return the requests of some canonical references, those that there are."""
    return {item.ref: item for item in opened(look, look.together(by_refs_asks(refs))[0])}


def by_refs_asks(refs: Iterable[str]) -> Call:
    """Return what ``by_refs`` asks: to be read ahead."""
    return "requests.by_refs", {"refs": list(refs)}


def by_ref(look: Look, ref: str) -> Request | None:
    return by_refs(look, [ref]).get(ref)


def hold(tx: Tx, ids: Iterable[RequestId]) -> list[Request]:
    """Return requests locked until the transaction ends, so that verbs on one request follow one another."""
    return opened(tx, tx.together(hold_asks(list(ids)))[0])


def hold_asks(ids: Sequence[RequestId]) -> Call:
    """Return the call that ``hold`` makes, to be sent together with others; ``opened`` opens its rows."""
    return "requests.hold", {"ids": ids}


def move(
    tx: Tx,
    ids: Sequence[RequestId],
    step: str,
    *,
    at: datetime,
    changes: Mapping[RequestId, ChangeId] | None = None,
    hold_until: Mapping[RequestId, datetime] | None = None,
) -> list[Request]:
    """Move requests along one step of ``rules.lifecycle``; those not in a source state are missing from the answer.

    An ending gives back the fields that the request held.
    """
    if not ids:
        return []
    rows = tx.rows(_MOVE, **_moved(ids, step, at=at, changes=changes or {}, hold_until=hold_until or {}))
    _end(tx, step, [row.id for row in rows])
    return opened(tx, rows)


def move_held(
    tx: Tx,
    held: Sequence[Request],
    step: str,
    *,
    at: datetime,
    changes: Mapping[RequestId, ChangeId] | None = None,
    hold_until: Mapping[RequestId, datetime] | None = None,
) -> list[Request]:
    """Move requests as ``move`` does that were locked or made in this transaction, and return them as they then stand.

    They move with the next statement, which raises Astray if one of them was not locked.
    """
    target, going = STEPS[step].target, [item for item in held if item.state in STEPS[step].sources]
    changes, until = changes or {}, hold_until or {}
    if going:
        given = _moved([item.id for item in going], step, at=at, changes=changes, hold_until=until)
        tx.post(_MOVE, touches=len(going), **given)
        _end(tx, step, given["id"])
    return [
        replace(
            item,
            state=target,
            version=item.version + 1,
            state_at=at,
            applied_change=changes.get(item.id, item.applied_change),
            hold_until=until.get(item.id),
        )
        for item in going
    ]


_MOVE: Final = "requests.move"


def _end(tx: Tx, step: str, ids: Sequence[RequestId]) -> None:
    # One that ends gives its fields back.
    if STEPS[step].target in ENDINGS:
        tx.post(_GIVE_BACK, requests=ids)


_GIVE_BACK: Final = "requests.give_back_fields"


def _moved(
    ids: Sequence[RequestId],
    step: str,
    *,
    at: datetime,
    changes: Mapping[RequestId, ChangeId],
    hold_until: Mapping[RequestId, datetime],
) -> dict[str, Any]:
    taken = STEPS[step]
    return {
        "id": list(ids),
        "target": [taken.target.value] * len(ids),
        "change_id": [changes.get(item) for item in ids],
        "hold_until": [hold_until.get(item) for item in ids],
        "sources": [source.value for source in taken.sources],
        "at": at,
    }


def revise(tx: Tx, request: Request, sealed: bytes) -> Request | None:
    """Put a request's new content in place of the old; None when it has moved since it was read."""
    rows = tx.rows(
        "requests.revise",
        id=request.id,
        version=request.version,
        operation=request.operation,
        fields=list(request.fields),
        base_ver=request.base_ver,
        digest=request.digest,
        proposal_ct=sealed,
        route=Jsonb(request.route),
        needs_level=request.needs_level,
        needs_consent=request.needs_consent,
        needs_approvals=request.needs_approvals,
        effective_at=request.effective_at,
        reason_code=request.reason_code,
        entered_by=request.entered_by,
        entered_team=request.entered_team,
        at=request.state_at,
        expires_at=request.expires_at,
        sources=[source.value for source in STEPS["revise"].sources],
    )
    return opened(tx, rows)[0] if rows else None


def ask(tx: Tx, request: Request, key: keys.SubjectKey, proposal: Proposal) -> None:
    """Keep what a request waits with; ``proposal`` differs from the request's own in its message only."""
    tx.run("requests.ask", id=request.id, proposal_ct=seal_proposal(tx.client, request.id, key, proposal))


def reschedule(tx: Tx, request: Request, effective_at: datetime, *, at: datetime) -> Request | None:
    """Put an approved request's moment elsewhere; None when it has moved meanwhile."""
    rows = tx.rows("requests.reschedule", id=request.id, version=request.version, effective_at=effective_at, at=at)
    return opened(tx, rows)[0] if rows else None


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """What a queue is narrowed to. An absent condition is None."""

    states: Sequence[RequestState]
    kind: str | None = None
    channel: str | None = None
    entered_by: str | None = None


def queue(look: Look, only: QueueFilter, *, after: tuple[datetime, UUID] | None = None, limit: int) -> list[Request]:
    """Return requests in some states, oldest first, from after a (received_at, id) on."""
    after_at, after_id = after or (_START, UUID(int=0))
    rows = look.rows(
        "requests.queue",
        states=[state.value for state in only.states],
        kind=only.kind,
        channel=only.channel,
        entered_by=only.entered_by,
        after_at=after_at,
        after_id=after_id,
        limit=limit,
    )
    return opened(look, rows)


def newest(look: Look, *, limit: int) -> list[Request]:
    """Return the newest requests, whatever became of them."""
    return opened(look, look.rows("requests.newest", limit=limit))


def of_subject(look: Look, subject: SubjectId, *, limit: int = 100) -> list[Request]:
    return opened(look, look.together(of_subject_asks(subject, limit=limit))[0])


def of_subject_asks(subject: SubjectId, *, limit: int = 100) -> Call:
    """Return what ``of_subject`` asks: to be read ahead."""
    return "requests.of_subject", {"subject": subject, "limit": limit}


def due(look: Look, now: datetime, *, limit: int) -> dict[str, list[RequestId]]:
    """Return what the clock must do now: request ids by duty (apply, release, expire)."""
    found: dict[str, list[RequestId]] = {"apply": [], "release": [], "expire": []}
    for row in look.rows("requests.due", now=now, limit=limit):
        found[row.duty].append(row.id)
    return found


def opened(look: Look, rows: Sequence[Any]) -> list[Request]:
    """Return requests from their rows, with their proposals opened."""
    if not rows:
        return []
    by_id = keys.wrapped(look, {(row.subject_id, row.key_id) for row in rows})
    return [_request(look, row, by_id[row.key_id]) for row in rows]


def _request(look: Look, row: Any, key_row: Any) -> Request:
    proposal: Proposal | None = None
    try:
        key = keys.of_subject(look, row.subject_id, row.key_id, key_row.epoch, key_row.wrapped)
    except keys.Erased:
        key = None
    if key is not None and row.proposal_ct is not None:
        cipher = key.cipher
        body: Any = decode_json(seal.unseal(lambda _: cipher, bytes(row.proposal_ct), _aad(look.client, row.id)))
        proposal = Proposal(**body)
    return Request(
        **{name: getattr(row, name) for name in _PLAIN},
        proposal=proposal,
        state=RequestState(row.state),
        fields=tuple(row.fields),
        digest=bytes(row.digest),
        route=row.route,
    )
