"""Evidence: challenges and their answers, factors, consents, decisions, holds, disputes. One function per query."""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from changedesk.base.ids import ChallengeId, RequestId, SubjectId
from changedesk.ledger import seal
from changedesk.rules.standing import Overtaken
from changedesk.store import keys
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, Tx
from changedesk.store.wire import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One try to verify. ``purpose``: caller (who is on the line), change (this content), new_contact (it arrives)."""

    id: ChallengeId
    subject_id: SubjectId
    request_id: RequestId | None
    purpose: str
    method: str
    contact_path: str | None
    contact_version: int | None
    digest: bytes | None
    code_mac: bytes | None
    state: str = "open"
    tries: int = 0
    started_by: str
    started_at: datetime
    expires_at: datetime
    decided_at: datetime | None = None
    overtaken: tuple[Overtaken, ...] = ()


_CHALLENGE: Final = tuple(name for name in Challenge.__dataclass_fields__ if name != "overtaken")
_INSERTED: Final = tuple(name for name in _CHALLENGE if name not in {"state", "tries", "decided_at"})
_EARLIEST: Final = (datetime.min.replace(tzinfo=UTC, year=1900), UUID(int=0))
_LATEST: Final = (datetime.max.replace(tzinfo=UTC, year=2999), UUID(int=2**128 - 1))


def code_mac(look: Look, challenge: ChallengeId, code: str) -> bytes:
    """Return the keyed digest of a code: the code itself is stored nowhere."""
    return hmac.digest(keys.of_client(look).code, b"code\x00" + challenge.bytes + code.encode(), "sha256")


def start(tx: Tx, challenges: Sequence[Challenge], *, at: datetime) -> None:
    """Record new challenges of different customers; older ones for the same die that are open."""
    if challenges:
        tx.post("challenges.void_open", at=at, **_columns(challenges, "subject_id", "purpose", "method", "request_id"))
        tx.post("challenges.insert", **_columns(challenges, *_INSERTED))


def _columns(rows: Sequence[object], *names: str) -> dict[str, Any]:
    return {name: [getattr(item, name) for item in rows] for name in names}


def hold_challenges(tx: Tx, challenges: Sequence[ChallengeId]) -> dict[ChallengeId, Challenge]:
    """Return challenges, locked until the transaction ends, by id."""
    return {item.id: item for item in opened_challenges(tx.rows("challenges.hold", ids=challenges))}


def decide(tx: Tx, answered: Sequence[Challenge], *, at: datetime) -> None:
    """Move challenges that were locked open to how they stand by now; a wrong answer counts against the customer."""
    wrong = [item for item in answered if item.state != "confirmed"]
    if wrong:
        tx.post(
            "challenges.count_tries",
            subject=[item.subject_id for item in wrong],
            challenge=[item.id for item in wrong],
            nth=[item.tries for item in wrong],
            at=at,
        )
    if answered:
        tx.post("challenges.decide", at=at, **_columns(answered, "id", "state", "tries"))


def challenges_of(look: Look, *subjects: SubjectId, since: datetime) -> list[Challenge]:
    """Return what was started for some customers since an instant, the newest first."""
    return opened_challenges(look.together(challenges_asks(*subjects, since=since))[0])


def challenges_asks(*subjects: SubjectId, since: datetime) -> Call:
    """Return what ``challenges_of`` asks: to be read ahead."""
    return "challenges.of_subjects", {"subjects": subjects, "since": since}


def challenges_of_requests(
    look: Look, requests: Sequence[RequestId], subjects: Sequence[SubjectId], *, since: datetime
) -> list[Challenge]:
    """Return requests' own challenges, and the confirmed callers of their customers since an instant."""
    return opened_challenges(look.together(of_requests(requests, subjects, since=since))[0])


def of_requests(requests: Iterable[RequestId], subjects: Iterable[SubjectId], *, since: datetime) -> Call:
    """Return the call that ``challenges_of_requests`` makes, to be sent together with others."""
    return "challenges.of_requests", {"requests": list(requests), "subjects": sorted(subjects), "since": since}


def opened_challenges(rows: Iterable[Any]) -> list[Challenge]:
    return [_challenge(row) for row in rows]


def lock_budgets(tx: Tx, subjects: Iterable[SubjectId]) -> None:
    """Let only one transaction at a time count against these customers' tries and sends.

    In one order, so that two batches do not wait for each other.
    """
    if wanted := sorted(subjects):
        tx.post("challenges.lock_budgets", subjects=wanted)


def wrong_since(look: Look, *subjects: SubjectId, since: datetime) -> dict[SubjectId, list[datetime]]:
    """Return when wrong answers were given for customers, whatever the code and the channel."""
    found: dict[SubjectId, list[datetime]] = {subject: [] for subject in subjects}
    for row in look.together(wrong_asks(*subjects, since=since))[0]:
        found[row.subject_id].append(row.at)
    return found


def wrong_asks(*subjects: SubjectId, since: datetime) -> Call:
    """Return what ``wrong_since`` asks: to be read ahead."""
    return "challenges.tries_since", {"subjects": subjects, "since": since}


def _challenge(row: Any) -> Challenge:
    given = {name: getattr(row, name) for name in _CHALLENGE}
    for name in ("digest", "code_mac"):
        given[name] = None if given[name] is None else bytes(given[name])
    since = getattr(row, "overtaken", None) or ()
    given["overtaken"] = tuple(
        Overtaken(by, None if at is None else datetime.fromtimestamp(at, UTC)) for by, at in since
    )
    return Challenge(**given)


@dataclass(frozen=True, slots=True)
class Factor:
    """An authenticator of a customer. ``secret`` opens only while their key stands."""

    id: UUID
    subject_id: SubjectId
    method: str
    secret: str = field(repr=False)
    last_step: int
    bound_at: datetime


_ASLEEP: Final = frozenset({"deactivated", "closed"})
"""Not of what is merged: whoever undoes that proves who they are as before."""


def bind_factor(tx: Tx, factor: UUID, subject: Subject, method: str, secret: str, *, at: datetime) -> None:
    """Keep an authenticator's secret, sealed under the customer's key."""
    if subject.key is None:
        raise keys.Erased("this subject's key was destroyed")
    sealed = seal.seal(subject.key.id.bytes, subject.key.cipher, secret.encode(), factor_aad(tx.client, factor))
    tx.run("factors.insert", id=factor, subject=subject.id, method=method, secret_ct=sealed, at=at)


def factors_asks(*subjects: SubjectId) -> Call:
    return "factors.of_subjects", {"subjects": subjects}


def factors_of(look: Look, *subjects: Subject) -> list[Factor]:
    """Return customers' authenticators; they sleep while the customer is deactivated or closed."""
    awake = {one.id: one.key for one in subjects if one.key is not None and one.status not in _ASLEEP}
    rows = look.together(factors_asks(*awake))[0] if awake else []
    return [_factor(look, row, awake[row.subject_id]) for row in rows]


def _factor(look: Look, row: Any, key: keys.SubjectKey) -> Factor:
    secret = seal.unseal(lambda _: key.cipher, bytes(row.secret_ct), factor_aad(look.client, row.id))
    return Factor(row.id, row.subject_id, row.method, secret.decode(), row.last_step, row.bound_at)


def use_step(tx: Tx, factor: UUID, step: int) -> bool:
    """Use up a time step of an authenticator; False when it, or a later one, was used already (RFC 6238, 5.2)."""
    return tx.run("factors.use_step", id=factor, step=step) == 1


def factor_aad(client: int, factor: UUID) -> bytes:
    """Return what the secret of an authenticator is bound to."""
    return _sealed_for(b"factor", client, factor)


def _sealed_for(what: bytes, client: int, row: UUID) -> bytes:
    return b"acl/v1/" + what + client.to_bytes(8, "big") + row.bytes


def seal_text(look: Look, key: keys.SubjectKey, row: UUID, text: str) -> bytes:
    """Return free text of an evidence row, sealed under the customer's key."""
    return seal.seal(key.id.bytes, key.cipher, text.encode(), _sealed_for(b"note", look.client, row))


def open_text(look: Look, key: keys.SubjectKey | None, row: UUID, sealed: bytes | None) -> str:
    """Return the text; empty when there is none or it is erased, be it with an earlier key of its subject."""
    if key is None or sealed is None or seal.sealed_with(bytes(sealed)) != key.id.bytes:
        return ""
    cipher = key.cipher
    return seal.unseal(lambda _: cipher, bytes(sealed), _sealed_for(b"note", look.client, row)).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    request_id: RequestId
    digest: bytes
    statement: str
    version: int
    language: str
    wording_hash: bytes
    way: str
    evidence_ct: bytes | None = None
    recorded_by: str
    given_at: datetime


def give_consents(tx: Tx, given: Sequence[Consent]) -> None:
    """Record consents to contents that have none, of requests that are locked."""
    if given:
        columns: dict[str, Any] = {
            name: [getattr(item, name) for item in given] for name in Consent.__dataclass_fields__
        }
        tx.post("consents.insert", **columns)


def consents_of(look: Look, requests: Iterable[RequestId]) -> list[Consent]:
    return opened_consents(look.together(consents_to(requests))[0])


def consents_to(requests: Iterable[RequestId]) -> Call:
    return "consents.of_requests", {"requests": list(requests)}


def opened_consents(rows: Iterable[Any]) -> list[Consent]:
    return [
        Consent(**{name: getattr(row, name) for name in Consent.__dataclass_fields__ if name not in _HASHES},
                digest=bytes(row.digest), wording_hash=bytes(row.wording_hash))
        for row in rows
    ]  # fmt: skip


_HASHES: Final = frozenset({"digest", "wording_hash"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    request_id: RequestId
    digest: bytes
    actor: str
    team: str
    verdict: str
    reason_code: str | None
    note_ct: bytes | None
    at: datetime


def record_decisions(tx: Tx, decided: Sequence[Decision]) -> None:
    """Record one person's verdict on requests, the same on each."""
    if decided:
        said = decided[0]
        tx.post(
            "decisions.insert",
            request=[item.request_id for item in decided],
            digest=[item.digest for item in decided],
            note=[item.note_ct for item in decided],
            actor=said.actor,
            team=said.team,
            verdict=said.verdict,
            reason_code=said.reason_code,
            at=said.at,
        )


def decisions_on(requests: Iterable[RequestId]) -> Call:
    return "decisions.of_requests", {"requests": list(requests)}


def opened_decisions(rows: Iterable[Any]) -> list[Decision]:
    return [
        Decision(**{name: getattr(row, name) for name in Decision.__dataclass_fields__ if name != "digest"},
                 digest=bytes(row.digest))
        for row in rows
    ]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    id: UUID
    subject_id: SubjectId
    request_id: RequestId | None
    blocks: tuple[str, ...]
    rule: str
    release: str
    placed_by: str
    starts_at: datetime
    ends_at: datetime | None
    carried_from: UUID | None = None
    """The hold that this one is a copy of, on another record of the same person."""


def place_holds(tx: Tx, holds: Sequence[Hold]) -> None:
    columns = _columns(holds, *(name for name in Hold.__dataclass_fields__ if name != "blocks"))
    tx.post("holds.insert", **columns, blocks=[" ".join(item.blocks) for item in holds])


def active_holds(look: Look, subjects: Iterable[SubjectId], *, now: datetime) -> list[Hold]:
    return opened_holds(look.together(holds_on(subjects, now=now))[0])


def holds_on(subjects: Iterable[SubjectId], *, now: datetime) -> Call:
    return "holds.active", {"subjects": sorted(subjects), "now": now}


def opened_holds(rows: Iterable[Any]) -> list[Hold]:
    return [
        Hold(**{name: getattr(row, name) for name in Hold.__dataclass_fields__ if name != "blocks"},
             blocks=tuple(row.blocks))
        for row in rows
    ]  # fmt: skip


def release_hold(tx: Tx, hold: UUID, *, by: str, at: datetime) -> None:
    """Lift a hold that stands, with its copies."""
    tx.run("holds.release", id=hold, by=by, at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A "this wasn't me" link, and what came of it."""

    id: UUID
    subject_id: SubjectId
    request_id: RequestId
    issued_at: datetime
    expires_at: datetime
    opened_at: datetime | None = None
    hold_id: UUID | None = None
    resolved_at: datetime | None = None
    resolution: str | None = None


def token_mac(look: Look, token: str) -> bytes:
    """Return the keyed digest under which a link's secret is found again."""
    return hmac.digest(keys.of_client(look).code, b"dispute\x00" + token.encode(), "sha256")


def issue_dispute_link(tx: Tx, dispute: Dispute, token: str) -> None:
    tx.run(
        "disputes.insert", id=dispute.id, subject=dispute.subject_id, request=dispute.request_id,
        token_mac=token_mac(tx, token), at=dispute.issued_at, expires_at=dispute.expires_at,
    )  # fmt: skip


def dispute_by_token(look: Look, token: str, *, locked: bool) -> Dispute | None:
    """Return what a link's secret stands for; locked, two clicks at once are one after the other."""
    query = "disputes.hold_by_token" if locked else "disputes.by_token"
    rows = _disputes(look.rows(query, token_mac=token_mac(look, token)))
    return rows[0] if rows else None


def open_dispute(tx: Tx, dispute: UUID, hold: UUID, *, at: datetime) -> bool:
    """Open a dispute; False when it is open already."""
    return tx.run("disputes.open", id=dispute, hold=hold, at=at) == 1


def open_disputes(look: Look, *, after: tuple[datetime, UUID] | None = None, limit: int = 100) -> list[Dispute]:
    """Return disputes that nobody has cleared up, the oldest first, from after an (opened_at, id) on."""
    at, id_ = after or _EARLIEST
    return _disputes(look.rows("disputes.open_now", after_at=at, after_id=id_, limit=limit))


def resolved_disputes(look: Look, *, before: tuple[datetime, UUID] | None = None, limit: int = 100) -> list[Dispute]:
    """Return disputes that were cleared up, the newest first, from before a (resolved_at, id) on."""
    at, id_ = before or _LATEST
    return _disputes(look.rows("disputes.resolved", before_at=at, before_id=id_, limit=limit))


def disputes_of(look: Look, requests: Iterable[RequestId]) -> list[Dispute]:
    asked = list(requests)
    return _disputes(look.together(disputes_asks(asked))[0]) if asked else []


def disputes_asks(requests: Sequence[RequestId]) -> Call:
    return "disputes.of_requests", {"requests": requests}


def resolve_dispute(tx: Tx, dispute: UUID, resolution: str, *, at: datetime) -> Any | None:
    """Close an open dispute; return its (subject_id, request_id, hold_id), or None when it is not open."""
    return tx.row("disputes.resolve", id=dispute, resolution=resolution, at=at)


def _disputes(rows: Sequence[Any]) -> list[Dispute]:
    return [Dispute(**{name: getattr(row, name) for name in Dispute.__dataclass_fields__}) for row in rows]
