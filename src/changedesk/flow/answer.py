"""Proving that the person is the customer: what is answered, and what that is worth."""

import hmac
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pyotp

from changedesk.base.actor import Actor
from changedesk.base.ids import ChallengeId, SubjectId, parse_reference
from changedesk.base.refusal import NotFound
from changedesk.flow import asking, named, progress, standing
from changedesk.flow.asking import Receipt
from changedesk.flow.verify import About, observe
from changedesk.flow.writing import Writing
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules import access, identity, policy
from changedesk.rules.identity import Method, Purpose
from changedesk.rules.lifecycle import OPEN
from changedesk.rules.route import Route
from changedesk.rules.standing import proof_of
from changedesk.rules.status import today_in
from changedesk.rules.values import BadValue, normalise, same
from changedesk.store import evidence, hand, once, places
from changedesk.store.begin import begin
from changedesk.store.evidence import Challenge
from changedesk.store.settings_read import configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, Tx, look

_TOTP_WINDOW: Final = 1
_TOTP_SECONDS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """What became of an answer. ``level`` is what the proofs are worth now; ``receipt`` where a request moved."""

    matched: bool
    tries_left: int
    level: int
    receipt: Receipt | None = None
    replayed: bool = False

    def reply(self) -> dict[str, Json]:
        """Return what a retry is answered with: words and numbers of ours."""
        moved = None if self.receipt is None else self.receipt.reply()
        return {"matched": self.matched, "tries_left": self.tries_left, "level": self.level, "receipt": moved}

    @classmethod
    def replay(cls, reply: Mapping[str, Any]) -> "Confirmed":
        moved = reply["receipt"]
        receipt = None if moved is None else Receipt.replay(moved)
        return cls(**{**reply, "receipt": receipt}, replayed=True)


@dataclass(frozen=True, slots=True)
class CallerStanding:
    """What the caller on the line has proved to this actor, and until when it counts."""

    level: int
    until: datetime | None


def confirm(
    challenge_id: UUID,
    answer: str,
    *,
    ref: str | None = None,
    subject: SubjectId | None = None,
    actor: Actor,
    at: datetime,
    key: once.Once | None = None,
) -> Confirmed:
    """Compare an answer. The asker learns "matched" or "not matched", nothing else.

    ``ref`` or ``subject`` is what the asker takes the challenge to be about: a challenge of something else is not
    found.

    Wrong answers are counted for the customer across codes and channels, and the count is kept whatever comes of
    it. A right one takes the request as far as its evidence carries it.
    """
    with begin(actor) as tx:
        tx.ahead(places.of_challenge_asks(ChallengeId(challenge_id)))
        claimed = named.claim_one(tx, key, actor)
        if claimed is not None and claimed.reply is not None:
            return Confirmed.replay(claimed.reply)
        writing = Writing(tx)
        confirmed = _confirm(writing, ChallengeId(challenge_id), answer, ref=ref, subject=subject, actor=actor, at=at)
        writing.end([] if claimed is None else [(claimed, confirmed.reply())], actor=actor, at=at)
        return confirmed


def _confirm(
    writing: Writing,
    challenge: ChallengeId,
    answer: str,
    *,
    ref: str | None,
    subject: SubjectId | None,
    actor: Actor,
    at: datetime,
) -> Confirmed:
    tx = writing.tx
    found = _hold(tx, challenge, actor=actor, at=at)
    about, wrong = _again(tx, found, at=at)
    writing.known[about.subject.id] = about.subject
    if ref is not None and (about.request is None or about.request.ref != parse_reference(ref)):
        raise NotFound
    if subject is not None and (about.request is not None or found.subject_id != subject):
        raise NotFound
    digest = None if about.request is None else about.request.digest
    identity.may_try(
        identity.CodeHistory(
            wrong=wrong,
            sent_at=found.started_at,
            wrong_on_code=found.tries,
            used=found.state in ("confirmed", "void"),
            bound_digest=found.digest,
        ),
        at,
        digest=digest,
    )
    if not _matches(tx, about, found, answer, at=at):
        return _count_wrong(writing, about, found, actor=actor, at=at)
    return _matched(writing, about, found, actor=actor, at=at)


def _matched(writing: Writing, about: About, found: Challenge, *, actor: Actor, at: datetime) -> Confirmed:
    """Record a right answer, and take the request on with it."""
    tx, request = writing.tx, about.request
    # As it was read under the lock, and with what is written here: nobody else decides this challenge meanwhile.
    read = None if request is None else progress.in_hand(writing, [request], at=at)
    evidence.decide(tx, found.id, "confirmed", tries=0, at=at)
    observe(writing, about, EntryKind.IDENTITY_VERIFIED, found, actor=actor, at=at)
    left = identity.TRIES_PER_CODE - found.tries
    if request is None or read is None:
        level = _caller(tx, about.subject.id, actor=actor, at=at).level
        return Confirmed(matched=True, tries_left=left, level=level)
    confirmed = replace(found, state="confirmed", decided_at=at)
    evident = replace(read, challenges=[confirmed if one.id == found.id else one for one in read.challenges])
    now = progress.advance(tx, [request], actor=actor, at=at, hand=evident, writing=writing)[request.id]
    level = standing.weighed(tx, [now], evident, at=at)[now.id].hand.level
    return Confirmed(matched=True, tries_left=left, level=level, receipt=Receipt.of(now))


def _hold(tx: Tx, challenge: ChallengeId, *, actor: Actor, at: datetime) -> Challenge:
    """Return a challenge locked, its customer's budget first, as starting one does: so that none waits in a circle.

    What a right answer is weighed with is read with it, once the request is locked, too.
    """
    told = places.of_challenge(tx, challenge)
    if told is None:
        raise NotFound
    subject, place = told
    access.require(actor, access.Verb.IDENTITY_CONFIRM, subject=subject)
    evidence.lock_budget(tx, subject)
    asked = [] if place is None else [place]
    tx.ahead(*hand.behind_asks(subject, [one.id for one in asked], since=at - identity.TRIES_WINDOW))
    tx.ahead(*standing.asks(asked, at=at))
    return evidence.hold_challenge(tx, challenge)


def _again(tx: Tx, found: Challenge, *, at: datetime) -> tuple[About, list[datetime]]:
    """Return what a challenge is about as it stands now, locked, and when wrong answers were given for its customer."""
    request, subject, wrong = hand.behind(tx, found, since=at - identity.TRIES_WINDOW)
    if request is not None and request.state not in OPEN:
        raise named.TooLate(state=request.state.value)
    if subject.key is None:
        raise asking.Gone
    moved = found.contact_path is not None and found.purpose != Purpose.NEW_CONTACT
    if moved and progress.version_of(subject, str(found.contact_path)) != found.contact_version:
        raise identity.CodeForOtherContent
    route = Route(level=0, approvals=0) if request is None else policy.from_json(request.route)
    return About(subject, request, route), wrong


def _matches(tx: Tx, about: About, found: Challenge, answer: str, *, at: datetime) -> bool:
    given = _digits(answer)
    match found.method:
        case Method.CODE_EMAIL | Method.CODE_SMS:
            return found.code_mac is not None and hmac.compare_digest(
                found.code_mac, evidence.code_mac(tx, found.id, given)
            )
        case Method.TOTP:
            return any(_totp(tx, factor, given, at=at) for factor in evidence.factors_of(tx, about.subject))
        case Method.CALLBACK:
            return answer.strip().casefold() == "reached"
        case _:
            return _knows(tx, about.subject, found.contact_path, answer, at=at)


def _digits(answer: str) -> str:
    """Return the digits of an answer in ASCII, however they are written, grouped or in another script."""
    return "".join(str(unicodedata.decimal(sign)) for sign in answer if sign.isdecimal())


def _totp(tx: Tx, factor: evidence.Factor, given: str, *, at: datetime) -> bool:
    """Compare a time-based code, one step of clock drift either way, each step once (RFC 6238, 5.2)."""
    clock = pyotp.TOTP(factor.secret)
    now = int(at.timestamp()) // _TOTP_SECONDS
    for step in range(now - _TOTP_WINDOW, now + _TOTP_WINDOW + 1):
        if hmac.compare_digest(clock.at(step * _TOTP_SECONDS), given):
            return evidence.use_step(tx, factor.id, step)
    return False


def _knows(tx: Look, subject: Subject, path: str | None, answer: str, *, at: datetime) -> bool:
    config = configuration(tx.client)
    if path is None or path not in config.catalogue or path not in subject.state:
        return False
    field = config.catalogue[path]
    try:
        said = normalise(field, answer, region=config.settings.region, today=today_in(at, config.settings.time_zone))
    except BadValue:
        return False
    return said is not None and same(field, said, subject.state[path].value)


def _count_wrong(writing: Writing, about: About, found: Challenge, *, actor: Actor, at: datetime) -> Confirmed:
    tx = writing.tx
    evidence.count_try(tx, found, at=at)
    left = identity.TRIES_PER_CODE - found.tries - 1
    evidence.decide(tx, found.id, "open" if left > 0 else "failed", tries=1, at=at)
    observe(writing, about, EntryKind.IDENTITY_FAILED, found, actor=actor, at=at)
    return Confirmed(matched=False, tries_left=max(left, 0), level=0)


def caller_level(subject: SubjectId, *, actor: Actor, at: datetime) -> CallerStanding:
    """Return what the caller on the line has proved to this actor."""
    access.require(actor, access.Verb.CUSTOMER_READ, subject=subject)
    with look(actor.client) as seen:
        return _caller(seen, subject, actor=actor, at=at)


def _caller(seen: Look, subject: SubjectId, *, actor: Actor, at: datetime) -> CallerStanding:
    since = at - identity.CALLER_TTL - timedelta(seconds=1)
    proofs: Sequence[evidence.Challenge] = [
        item
        for item in evidence.challenges_of_subject(seen, subject, since=since - identity.CODE_TTL)
        if item.purpose == Purpose.CALLER
        and item.state == "confirmed"
        and item.started_by == actor.id
        and item.decided_at is not None
        and item.decided_at > since
    ]
    level = identity.level([proof_of(item) for item in proofs], digest=b"", now=at)
    counted = [item.decided_at for item in proofs if item.method != Method.KNOWLEDGE and item.decided_at is not None]
    return CallerStanding(level, max(counted) + identity.CALLER_TTL if level and counted else None)
