"""Proving that the person is the customer: challenges, answers, authenticators."""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import pyotp

from changedesk.base.actor import Actor, Channel
from changedesk.base.ids import ChallengeId, SubjectId, uuid7
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow import asking, named, progress
from changedesk.flow.asking import Receipt
from changedesk.flow.indexing import terms_for
from changedesk.kinds import find
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules import access, identity, policy
from changedesk.rules.fields import FieldType
from changedesk.rules.identity import Method, Offer, Purpose
from changedesk.rules.lifecycle import OPEN
from changedesk.rules.route import Route
from changedesk.rules.values import BadValue, mask, normalise, same
from changedesk.rules.wording import challenge_message, new_contact_message, overrides_of
from changedesk.store import deliveries, evidence, history, requests, subjects
from changedesk.store.begin import begin
from changedesk.store.evidence import Challenge
from changedesk.store.requests import Request
from changedesk.store.settings_read import Configuration, configuration, templates
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, Tx, look

CODED: Final = {Method.CODE_EMAIL: "email", Method.CODE_SMS: "sms"}
_TOTP_WINDOW: Final = 1
_TOTP_SECONDS: Final = 30


class MethodRefused(Refusal):
    """This way to verify cannot be used here.

    ``data``: method, why (changed_here, changed_lately, forbidden, not_offered).
    """

    code = "method-refused"
    hint = "Choose another of the ways that are offered."


class NothingToConfirm(Refusal):
    """This request has no new contact point of that name to be confirmed."""

    code = "nothing-to-confirm"
    hint = "Name a contact point that the request sets."


class NotAnAuthenticator(Refusal):
    """This is no secret of an authenticator: 16 or more base-32 characters are wanted (RFC 4648)."""

    code = "not-an-authenticator"
    hint = "Scan the code again, or type the secret as the app shows it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenged:
    """A challenge that was started. ``to_masked`` is where a code went, masked; empty when none was sent."""

    id: ChallengeId
    method: str
    purpose: str
    to_masked: str
    expires_at: datetime
    tries_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """What became of an answer. ``level`` is what the proofs are worth now; ``receipt`` where a request moved."""

    matched: bool
    tries_left: int
    level: int
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True)
class CallerStanding:
    """What the caller on the line has proved to this actor, and until when it counts."""

    level: int
    until: datetime | None


@dataclass(frozen=True, slots=True)
class _About:
    """Whom and what a challenge is about."""

    subject: Subject
    request: Request | None
    route: Route


def offers(subject: SubjectId, *, ref: str | None = None, actor: Actor, at: datetime) -> list[Offer]:
    """Return the ways to verify a caller, or this request; those that may not be used come with the reason."""
    access.require(actor, access.Verb.IDENTITY_CHALLENGE, subject=subject)
    with look(actor.client) as seen:
        return _offers(seen, _about(seen, subject, ref, actor=actor), at=at)


def _about(seen: Look, subject: SubjectId, ref: str | None, *, actor: Actor) -> _About:
    request = None
    if ref is not None:
        request = named.find(seen, ref, actor=actor, verb=access.Verb.IDENTITY_CHALLENGE)
        subject = request.subject_id
    found = subjects.load(seen, [subject]).get(subject)
    if found is None or found.type != "customer":
        raise NotFound
    if found.key is None:
        raise asking.Gone
    route = Route(level=0, approvals=0) if request is None else policy.from_json(request.route)
    return _About(found, request, route)


def _offers(seen: Look, about: _About, *, at: datetime) -> list[Offer]:
    return identity.offers(
        configuration(seen.client).catalogue,
        about.subject.values(),
        about.route,
        changed=() if about.request is None else about.request.fields,
        last_changed=asking.last_changed(seen, about.subject),
        now=at,
        has_totp=bool(evidence.factors_of(seen, about.subject)),
    )


def challenge(
    subject: SubjectId,
    *,
    purpose: str,
    method: str,
    path: str | None = None,
    ref: str | None = None,
    actor: Actor,
    at: datetime,
) -> Challenged:
    """Start a challenge: send a code, or open the question that an authenticator or a call-back answers.

    A code never goes to a contact point that the request changes, or that was changed within the cooling-off time;
    a ``new_contact`` code goes to just the one that it sets. Sends are counted per customer, over all channels.
    """
    access.require(actor, access.Verb.IDENTITY_CHALLENGE, subject=subject)
    with begin(actor) as tx:
        about = _about(tx, subject, ref, actor=actor)
        if about.request is not None and about.request.state not in OPEN:
            raise named.TooLate(state=about.request.state.value)
        evidence.lock_budget(tx, about.subject.id)
        to = _target(tx, about, purpose, method, path, at=at)
        lately = evidence.challenges_of_subject(tx, about.subject.id, since=at - identity.TRIES_WINDOW)
        tries = _wrong(tx, about.subject.id, at=at)
        coded = method in CODED
        sent = [item.started_at for item in lately if item.method in CODED] if coded else []
        identity.may_send(identity.CodeHistory(sends=sent, wrong=tries), at)
        request_id = None if about.request is None else about.request.id
        evidence.void_open(tx, about.subject.id, purpose=purpose, method=method, request=request_id, at=at)
        made, code = _start(tx, about, purpose, method, path, actor=actor, at=at)
        if coded:
            _send(tx, about, made, code, to, at=at)
        _observe(tx, about, EntryKind.IDENTITY_CHALLENGED, made, actor=actor, at=at)
    masked = mask(configuration(actor.client).catalogue[path], to) if path is not None and to else ""
    return Challenged(
        id=made.id,
        method=method,
        purpose=purpose,
        to_masked=masked,
        expires_at=made.expires_at,
        tries_left=identity.TRIES_PER_CODE,
    )


def _target(tx: Tx, about: _About, purpose: str, method: str, path: str | None, *, at: datetime) -> str:
    """Return where a code goes; empty for a method that sends none. Raises MethodRefused, NothingToConfirm."""
    if purpose == Purpose.NEW_CONTACT:
        return _new_contact(tx, about, method, path)
    if (purpose == Purpose.CHANGE) != (about.request is not None):
        raise MethodRefused(method=method, why="not_offered")
    if method == Method.KNOWLEDGE:
        return ""
    for offer in _offers(tx, about, at=at):
        if offer.method == method and offer.path == path:
            if offer.refused_reason is not None:
                raise MethodRefused(method=method, why=offer.refused_reason)
            return str(about.subject.values()[path]) if path is not None else ""
    raise MethodRefused(method=method, why="not_offered")


def _new_contact(tx: Look, about: _About, method: str, path: str | None) -> str:
    proposal = None if about.request is None else about.request.proposal
    if proposal is None or path is None or path not in proposal.values or proposal.values[path] is None:
        raise NothingToConfirm
    field = configuration(tx.client).catalogue[path]
    fits = {FieldType.EMAIL: Method.CODE_EMAIL, FieldType.PHONE: Method.CODE_SMS}.get(field.type)
    if not field.contact_point or method != fits:
        raise NothingToConfirm
    return str(proposal.values[path])


def _start(
    tx: Tx, about: _About, purpose: str, method: str, path: str | None, *, actor: Actor, at: datetime
) -> tuple[Challenge, str]:
    challenge_id = ChallengeId(uuid7())
    code = f"{secrets.randbelow(10**identity.CODE_DIGITS):0{identity.CODE_DIGITS}d}" if method in CODED else ""
    request = about.request
    made = Challenge(
        id=challenge_id,
        subject_id=about.subject.id,
        request_id=None if request is None else request.id,
        purpose=purpose,
        method=method,
        contact_path=path,
        contact_version=None if path is None else progress.version_of(about.subject, path),
        digest=None if request is None else request.digest,
        code_mac=evidence.code_mac(tx, challenge_id, code) if code else None,
        started_by=actor.id,
        started_at=at,
        expires_at=at + identity.CODE_TTL,
    )
    evidence.start(tx, made)
    return made, code


def _send(tx: Tx, about: _About, made: Challenge, code: str, to: str, *, at: datetime) -> None:
    config = configuration(tx.client)
    channel = CODED[Method(made.method)]
    language = language_of(config, about.subject)
    overrides = overrides_of(templates(tx.client))
    if made.purpose == Purpose.NEW_CONTACT:
        text = new_contact_message(
            method=channel,
            code=code,
            client_name=config.settings.name,
            language=language,
            support=config.settings.support_phone,
            overrides=overrides,
        )
    else:
        text = challenge_message(
            method=channel,
            code=code,
            client_name=config.settings.name,
            summary=what_changes(config, about.request, language),
            language=language,
            support=config.settings.support_phone,
            overrides=overrides,
        )
    parcel = deliveries.Parcel(
        subject=about.subject,
        dedupe=f"challenge:{made.id}",
        event="challenge" if made.purpose != Purpose.NEW_CONTACT else "new_contact",
        channel=channel,
        language=language,
        message=deliveries.Message(to=to, subject=text.subject, body=text.body),
        request=made.request_id,
    )
    deliveries.enqueue(tx, [parcel], at=at)


def language_of(config: Configuration, subject: Subject) -> str:
    """Return the language to write to a customer in: their own where it is known and offered, else the client's."""
    for field in config.catalogue:
        if field.type is FieldType.LANGUAGE and field.path in subject.state:
            wanted = str(subject.state[field.path].value).split("-", 1)[0]
            if wanted in config.settings.languages:
                return wanted
    return config.settings.default_language


def what_changes(config: Configuration, request: Request | None, language: str) -> str:
    """Return in words what a code approves, new values masked: what the customer sees is what is signed."""
    if request is None or request.proposal is None:
        return ""
    words = find(request.kind).summarise(request.fields, language)
    shown = [
        mask(config.catalogue[path], value, language)
        for path, value in sorted(request.proposal.values.items())
        if value is not None and value is not False
    ]
    return f"{words}: {', '.join(shown)}" if shown else words


def _wrong(tx: Look, subject: SubjectId, *, at: datetime) -> list[datetime]:
    count = evidence.tries_since(tx, subject, at - identity.TRIES_WINDOW)
    return [at] * count


def confirm(challenge_id: UUID, answer: str, *, actor: Actor, at: datetime) -> Confirmed:
    """Compare an answer. The asker learns "matched" or "not matched", nothing else.

    Wrong answers are counted for the customer across codes and channels, and the count is kept whatever comes of
    it. A right one takes the request as far as its evidence carries it.
    """
    with begin(actor) as tx:
        found = evidence.hold_challenge(tx, ChallengeId(challenge_id))
        if found is None:
            raise NotFound
        access.require(actor, access.Verb.IDENTITY_CONFIRM, subject=found.subject_id)
        evidence.lock_budget(tx, found.subject_id)
        about = _again(tx, found)
        digest = None if about.request is None else about.request.digest
        identity.may_try(
            identity.CodeHistory(
                wrong=_wrong(tx, found.subject_id, at=at),
                sent_at=found.started_at,
                wrong_on_code=found.tries,
                used=found.state != "open",
                bound_digest=found.digest,
            ),
            at,
            digest=digest,
        )
        if not _matches(tx, about, found, answer, at=at):
            return _count_wrong(tx, about, found, actor=actor, at=at)
        evidence.decide(tx, found.id, "confirmed", tries=0, at=at)
        _observe(tx, about, EntryKind.IDENTITY_VERIFIED, found, actor=actor, at=at)
        left = identity.TRIES_PER_CODE - found.tries
        if about.request is None:
            level = _caller(tx, about.subject.id, actor=actor, at=at).level
            return Confirmed(matched=True, tries_left=left, level=level)
        locked = requests.hold(tx, [about.request.id])
        now = progress.advance(tx, locked, actor=actor, at=at)[about.request.id]
        level = progress.standings(tx, [now], at=at)[now.id].level
        return Confirmed(matched=True, tries_left=left, level=level, receipt=Receipt.of(now))


def _again(tx: Tx, found: Challenge) -> _About:
    request = None
    if found.request_id is not None:
        request = requests.load(tx, [found.request_id])[found.request_id]
        if request.state not in OPEN:
            raise named.TooLate(state=request.state.value)
    subject = subjects.load(tx, [found.subject_id])[found.subject_id]
    if subject.key is None:
        raise asking.Gone
    moved = found.contact_path is not None and found.purpose != Purpose.NEW_CONTACT
    if moved and progress.version_of(subject, str(found.contact_path)) != found.contact_version:
        raise identity.CodeForOtherContent
    route = Route(level=0, approvals=0) if request is None else policy.from_json(request.route)
    return _About(subject, request, route)


def _matches(tx: Tx, about: _About, found: Challenge, answer: str, *, at: datetime) -> bool:
    given = "".join(answer.split())
    match found.method:
        case Method.CODE_EMAIL | Method.CODE_SMS:
            return found.code_mac is not None and hmac.compare_digest(
                found.code_mac, evidence.code_mac(tx, found.id, given)
            )
        case Method.TOTP:
            return any(_totp(tx, factor, given, at=at) for factor in evidence.factors_of(tx, about.subject))
        case Method.CALLBACK:
            return given.casefold() == "reached"
        case Method.KNOWLEDGE:
            return _knows(tx, about.subject, found.contact_path, answer, at=at)
    return False


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
        said = normalise(field, answer, region=config.settings.region, today=at.date())
    except BadValue:
        return False
    return said is not None and same(field, said, subject.state[path].value)


def _count_wrong(tx: Tx, about: _About, found: Challenge, *, actor: Actor, at: datetime) -> Confirmed:
    evidence.count_try(tx, found.subject_id, found.id)
    left = identity.TRIES_PER_CODE - found.tries - 1
    evidence.decide(tx, found.id, "open" if left > 0 else "failed", tries=1, at=at)
    _observe(tx, about, EntryKind.IDENTITY_FAILED, found, actor=actor, at=at)
    return Confirmed(matched=False, tries_left=max(left, 0), level=0)


def _observe(tx: Tx, about: _About, kind: EntryKind, made: Challenge, *, actor: Actor, at: datetime) -> None:
    facts: dict[str, Json] = {"method": made.method, "purpose": made.purpose, "challenge": str(made.id)}
    if made.contact_path is not None:
        facts["contact"] = made.contact_path
    if about.request is not None:
        facts["ref"] = about.request.ref
        facts["digest"] = about.request.digest.hex()
    draft = history.Draft(
        subject=about.subject,
        kind=kind,
        actor=actor,
        at=at,
        facts=facts,
        request=made.request_id,
        channel="" if about.request is None else about.request.channel,
    )
    history.append(tx, [draft], terms=terms_for(tx.client))


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
    level = identity.level([progress.proof_of(item) for item in proofs], digest=b"", now=at)
    counted = [item.decided_at for item in proofs if item.method != Method.KNOWLEDGE and item.decided_at is not None]
    return CallerStanding(level, max(counted) + identity.CALLER_TTL if level and counted else None)


def bind_factor(subject: SubjectId, secret: str, *, actor: Actor, at: datetime) -> None:
    """Bind an authenticator app to a customer. Its secret is sealed, and shown to nobody again."""
    access.require(actor, access.Verb.FACTOR_BIND, subject=subject)
    word = "".join(secret.split()).upper()
    if len(word) < _SECRET_MIN or not set(word) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567="):
        raise NotAnAuthenticator
    with begin(actor) as tx:
        about = _about(tx, subject, None, actor=actor)
        evidence.bind_factor(tx, uuid4(), about.subject, Method.TOTP, word, at=at)
        draft = history.Draft(
            subject=about.subject,
            kind=EntryKind.FACTOR_BOUND,
            actor=actor,
            at=at,
            facts={"method": Method.TOTP},
            channel=Channel(actor.channel).value,
        )
        history.append(tx, [draft], terms=terms_for(tx.client))


_SECRET_MIN: Final = 16
