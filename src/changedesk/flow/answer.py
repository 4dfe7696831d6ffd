"""Proving that the person is the customer: what is answered, and what that is worth."""

import hmac
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import pyotp

from changedesk.base.actor import Actor
from changedesk.base.ids import ChallengeId, SubjectId, parse_reference
from changedesk.base.outcome import Outcome
from changedesk.base.refusal import Forbidden, NotFound, Refusal
from changedesk.base.rounds import apart
from changedesk.flow import named, progress, standing, ways
from changedesk.flow.asking import Receipt
from changedesk.flow.verify import observe
from changedesk.flow.ways import About
from changedesk.flow.writing import Writing
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules import access, identity
from changedesk.rules.identity import Method, Purpose
from changedesk.rules.lifecycle import OPEN
from changedesk.rules.standing import proof_of
from changedesk.rules.status import today_in
from changedesk.rules.values import BadValue, normalise, same
from changedesk.store import evidence, places, requests, subjects
from changedesk.store.begin import begin
from changedesk.store.evidence import Challenge
from changedesk.store.hand import Hand
from changedesk.store.once import Once
from changedesk.store.places import Place
from changedesk.store.requests import Request
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What somebody said to a challenge. ``ref`` or ``subject`` is what they take the challenge to be about."""

    challenge: ChallengeId
    said: str = field(repr=False)
    ref: str | None = None
    subject: SubjectId | None = None
    once: Once | None = field(default=None, repr=False)


def confirm(
    challenge_id: UUID,
    answer: str,
    *,
    ref: str | None = None,
    subject: SubjectId | None = None,
    actor: Actor,
    at: datetime,
    key: Once | None = None,
) -> Confirmed:
    """Compare one answer, as ``take_answers`` does."""
    given = Answer(challenge=ChallengeId(challenge_id), said=answer, ref=ref, subject=subject, once=key)
    return take_answers([given], actor=actor, at=at).one()


def take_answers(answers: Sequence[Answer], *, actor: Actor, at: datetime) -> Outcome[Confirmed]:
    """Compare answers. The asker learns "matched" or "not matched", nothing else.

    A challenge of something else than an answer takes it to be about is not found.

    Wrong answers are counted for the customer across codes and channels, and the count is kept whatever comes of
    the others. A right one takes its request as far as its evidence carries it. Refusals come back by place.
    """
    refused: dict[int, Refusal] = {}
    with begin(actor) as tx:
        tx.ahead(places.of_challenges_asks([one.challenge for one in answers]))
        claims = named.claim(tx, [one.once for one in answers], actor, refused)
        done = {place: Confirmed.replay(one.reply) for place, one in claims.items() if one.reply is not None}
        told = places.of_challenges(tx, [one.challenge for one in answers])
        asked: dict[int, _Asked] = {}
        for place, one in enumerate(answers):
            if place in refused or place in done:
                continue
            if one.challenge not in told:
                refused[place] = NotFound()
            elif not access.may(actor, access.Verb.IDENTITY_CONFIRM, subject=told[one.challenge][0]):
                refused[place] = Forbidden(verb=str(access.Verb.IDENTITY_CONFIRM))
            else:
                asked[place] = _Asked(one, *told[one.challenge])
        for group in _rounds(tx, asked):
            writing = Writing(tx)
            new = _take(writing, {place: asked[place] for place in group}, refused, actor=actor, at=at)
            done |= new
            answered = [(claims[place], one.reply()) for place, one in new.items() if place in claims]
            writing.end(answered, actor=actor, at=at)
    return Outcome([done[place] for place in sorted(done)], refused)


class _Asked(NamedTuple):
    """An answer, with whom its challenge is about, and where the request is found that it is of."""

    answer: Answer
    whom: SubjectId
    request: Place | None


def _rounds(tx: Tx, asked: Mapping[int, _Asked]) -> list[list[int]]:
    """Part answers into rounds in which no customer comes twice, and no request, once all their budgets are locked.

    Before challenges and requests, and those before records, so that none waits in a circle.
    """
    evidence.lock_budgets(tx, {one.whom for one in asked.values()})
    requested = {place: one.request.id for place, one in asked.items() if one.request is not None}
    rounds = list(apart({place: {one.whom, requested.get(place, one.whom)} for place, one in asked.items()}))
    if len(rounds) > 1:
        evidence.hold_challenges(tx, [one.answer.challenge for one in asked.values()])
        requests.hold(tx, requested.values())
    return rounds


class _Held(NamedTuple):
    """An answer that may be compared: its challenge, locked, and what that is about as it stands now."""

    answer: Answer
    about: About
    challenge: Challenge


def _take(
    writing: Writing, group: Mapping[int, _Asked], refused: dict[int, Refusal], *, actor: Actor, at: datetime
) -> dict[int, Confirmed]:
    """Compare answers for different customers, and record what came of them; put the others into ``refused``."""
    held = _hold(writing, group, refused, at=at)
    # As it was read under the locks, and with what is written here: nobody else decides these challenges meanwhile.
    read = progress.in_hand(writing, [one.about.request for one in held.values() if one.about.request], at=at)
    right = _right(writing.tx, held, at=at)
    now = {place: _answered(one.challenge, right=place in right, at=at) for place, one in held.items()}
    evidence.decide(writing.tx, list(now.values()), at=at)
    for place, one in held.items():
        kind = EntryKind.IDENTITY_VERIFIED if place in right else EntryKind.IDENTITY_FAILED
        observe(writing, one.about, kind, one.challenge, actor=actor, at=at)
    decided = {item.id: item for item in now.values()}
    hand = replace(read, challenges=[decided.get(item.id, item) for item in read.challenges])
    proved = {place: (one.challenge, one.about) for place, one in held.items() if place in right}
    worth = _carry(writing, proved, hand, actor=actor, at=at)
    return {
        place: worth.get(place) or Confirmed(matched=False, tries_left=identity.TRIES_PER_CODE - item.tries, level=0)
        for place, item in now.items()
    }


def _carry(
    writing: Writing, proved: Mapping[int, tuple[Challenge, About]], hand: Hand, *, actor: Actor, at: datetime
) -> dict[int, Confirmed]:
    """Take the requests on that right answers were given for, and say what each is worth now."""
    tx = writing.tx
    asked = [about.request for _, about in proved.values() if about.request is not None]
    moved = progress.advance(tx, asked, actor=actor, at=at, hand=hand, writing=writing)
    weighed = standing.weighed(tx, list(moved.values()), hand, at=at)
    callers = [about.subject.id for _, about in proved.values() if about.request is None]
    levels = _callers(tx, callers, actor=actor, at=at) if callers else {}
    found: dict[int, Confirmed] = {}
    for place, (challenge, about) in proved.items():
        left, request = identity.TRIES_PER_CODE - challenge.tries, about.request
        if request is None:
            found[place] = Confirmed(matched=True, tries_left=left, level=levels[about.subject.id].level)
        else:
            level, receipt = weighed[request.id].hand.level, Receipt.of(moved[request.id])
            found[place] = Confirmed(matched=True, tries_left=left, level=level, receipt=receipt)
    return found


def _answered(challenge: Challenge, *, right: bool, at: datetime) -> Challenge:
    """Return how a challenge stands after an answer: a wrong one is one try, and the last of them ends it."""
    if right:
        return replace(challenge, state="confirmed", decided_at=at)
    tries = challenge.tries + 1
    if tries < identity.TRIES_PER_CODE:
        return replace(challenge, tries=tries)
    return replace(challenge, tries=tries, state="failed", decided_at=at)


def _hold(
    writing: Writing, group: Mapping[int, _Asked], refused: dict[int, Refusal], *, at: datetime
) -> dict[int, _Held]:
    """Return the answers that may be compared, their challenges and requests locked.

    What a right answer is weighed with is read with them, once the requests are locked, too.
    """
    tx, whom = writing.tx, [one.whom for one in group.values()]
    asked = [one.request for one in group.values() if one.request is not None]
    known, ids = sorted({*whom, *(one.subject_id for one in asked)}), [one.id for one in asked]
    since = at - identity.TRIES_WINDOW
    tx.ahead(subjects.load_asks(known), evidence.wrong_asks(*whom, since=since))
    if ids:
        tx.ahead(requests.hold_asks(ids), *standing.asks(asked, at=at))
    challenges = evidence.hold_challenges(tx, [one.answer.challenge for one in group.values()])
    writing.known.update(subjects.load(tx, known))
    wrong = evidence.wrong_since(tx, *whom, since=since)
    held = {item.id: item for item in requests.hold(tx, ids)} if ids else {}
    found: dict[int, _Held] = {}
    for place, (answer, who, request) in group.items():
        try:
            challenge = challenges[answer.challenge]
            about = _about(challenge, writing.known[who], None if request is None else held[request.id])
            _may_try(answer, about, challenge, wrong[who], at=at)
        except Refusal as refusal:
            refused[place] = refusal
        else:
            found[place] = _Held(answer, about, challenge)
    return found


def _about(challenge: Challenge, subject: Subject, request: Request | None) -> About:
    """Return what a challenge is about as it stands now, locked. Raises TooLate, Gone, CodeForOtherContent."""
    if request is not None and request.state not in OPEN:
        raise named.TooLate(state=request.state.value)
    found = ways.about(subject, request)
    moved = challenge.contact_path is not None and challenge.purpose != Purpose.NEW_CONTACT
    if moved and progress.version_of(subject, str(challenge.contact_path)) != challenge.contact_version:
        raise identity.CodeForOtherContent
    return found


def _may_try(answer: Answer, about: About, challenge: Challenge, wrong: Sequence[datetime], *, at: datetime) -> None:
    """Return if an answer may be compared. Raises NotFound, and what ``identity.may_try`` raises."""
    request = about.request
    if answer.ref is not None and (request is None or request.ref != parse_reference(answer.ref)):
        raise NotFound
    if answer.subject is not None and (request is not None or challenge.subject_id != answer.subject):
        raise NotFound
    history = identity.CodeHistory(
        wrong=wrong,
        sent_at=challenge.started_at,
        wrong_on_code=challenge.tries,
        used=challenge.state in ("confirmed", "void"),
        bound_digest=challenge.digest,
    )
    identity.may_try(history, at, digest=None if request is None else request.digest)


def _right(tx: Tx, held: Mapping[int, _Held], *, at: datetime) -> set[int]:
    """Return which answers match."""
    people = [one.about.subject for one in held.values() if one.challenge.method == Method.TOTP]
    factors = evidence.factors_of(tx, *people)
    return {place for place, one in held.items() if _matches(tx, one, factors, at=at)}


def _matches(tx: Tx, held: _Held, factors: Sequence[evidence.Factor], *, at: datetime) -> bool:
    said, found, subject = held.answer.said, held.challenge, held.about.subject
    given = _digits(said)
    match found.method:
        case Method.CODE_EMAIL | Method.CODE_SMS:
            return found.code_mac is not None and hmac.compare_digest(
                found.code_mac, evidence.code_mac(tx, found.id, given)
            )
        case Method.TOTP:
            # One that was bound since was never looked at: it may be too new for what is asked.
            theirs = [one for one in factors if one.subject_id == subject.id and one.bound_at <= found.started_at]
            return any(_totp(tx, factor, given, at=at) for factor in theirs)
        case Method.CALLBACK:
            return said.strip().casefold() == "reached"
        case _:
            return _knows(tx, subject, found.contact_path, said, at=at)


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


def caller_level(subject: SubjectId, *, actor: Actor, at: datetime) -> CallerStanding:
    """Return what the caller on the line has proved to this actor."""
    access.require(actor, access.Verb.CUSTOMER_READ, subject=subject)
    with look(actor.client) as seen:
        return _callers(seen, [subject], actor=actor, at=at)[subject]


def _callers(
    seen: Look, subjects: Collection[SubjectId], *, actor: Actor, at: datetime
) -> dict[SubjectId, CallerStanding]:
    since = at - identity.CALLER_TTL - timedelta(seconds=1)
    proofs = [
        item
        for item in evidence.challenges_of(seen, *subjects, since=since - identity.CODE_TTL)
        if item.purpose == Purpose.CALLER
        and item.state == "confirmed"
        and item.started_by == actor.id
        and item.decided_at is not None
        and item.decided_at > since
    ]
    return {one: _caller([item for item in proofs if item.subject_id == one], at=at) for one in subjects}


def _caller(proofs: Sequence[Challenge], *, at: datetime) -> CallerStanding:
    level = identity.level([proof_of(item) for item in proofs], digest=b"", now=at)
    counted = [item.decided_at for item in proofs if item.method != Method.KNOWLEDGE and item.decided_at is not None]
    return CallerStanding(level, max(counted) + identity.CALLER_TTL if level and counted else None)
