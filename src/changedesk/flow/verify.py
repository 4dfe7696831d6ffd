"""Proving that the person is the customer: the ways that are open, and the challenges that are started."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.clock import micros
from changedesk.base.ids import ChallengeId, SubjectId, uuid7
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow import asking, named, progress
from changedesk.flow.whose import language_of
from changedesk.flow.writing import Writing
from changedesk.kinds import find
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules import access, distrust, identity, policy
from changedesk.rules.fields import FieldType
from changedesk.rules.identity import Method, Offer, Purpose
from changedesk.rules.lifecycle import OPEN
from changedesk.rules.route import Route
from changedesk.rules.values import mask
from changedesk.rules.wording import challenge_message, new_contact_message, overrides_of
from changedesk.store import deliveries, evidence, history, lately, once, subjects
from changedesk.store.begin import begin
from changedesk.store.evidence import Challenge
from changedesk.store.requests import Request
from changedesk.store.settings_read import Configuration, configuration, templates
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, Tx, look

CODED: Final = {Method.CODE_EMAIL: "email", Method.CODE_SMS: "sms"}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenged:
    """A challenge that was started. ``to_masked`` is where a code went, masked; empty when none was sent."""

    id: ChallengeId
    method: str
    purpose: str
    to_masked: str
    expires_at: datetime
    tries_left: int
    replayed: bool = False

    def reply(self) -> dict[str, Json]:
        """Return what a retry needs: not where the code went, which is asked of the record again."""
        return {"id": str(self.id), "method": self.method, "purpose": self.purpose, "until": micros(self.expires_at)}


@dataclass(frozen=True, slots=True)
class About:
    """Whom and what a challenge is about."""

    subject: Subject
    request: Request | None
    route: Route


def offers(subject: SubjectId, *, ref: str | None = None, actor: Actor, at: datetime) -> list[Offer]:
    """Return the ways to verify a caller, or this request; those that may not be used come with the reason."""
    access.require(actor, access.Verb.IDENTITY_CHALLENGE, subject=subject)
    with look(actor.client) as seen:
        return ways(seen, about_whom(seen, subject, ref, actor=actor), at=at)


def about_whom(
    seen: Look, subject: SubjectId, ref: str | None, *, ready: Callable[[SubjectId], None] | None = None, actor: Actor
) -> About:
    """Return whom and what a challenge is about. ``ready`` hears of whom before they are read."""
    request = None
    if ref is not None:
        request = named.find(seen, ref, actor=actor, verb=access.Verb.IDENTITY_CHALLENGE)
        subject = request.person_id
    if ready is not None:
        ready(subject)
    found = subjects.load(seen, [subject]).get(subject)
    if found is None or found.type != "customer":
        raise NotFound
    if found.key is None:
        raise asking.Gone
    route = Route(level=0, approvals=0) if request is None else policy.from_json(request.route)
    return About(found, request, route)


def ways(seen: Look, about: About, *, at: datetime) -> list[Offer]:
    """Return the ways to verify whoever this is about; those that may not be used come with the reason."""
    config = configuration(seen.client)
    changed = lately.last_changed(seen, about.subject)
    # Asked again when a code is to be sent: the SIM may have been changed since the request was made.
    distrusted = distrust.distrusted(
        config.rules,
        config.catalogue,
        lambda: lately.with_held(seen, about.subject, changed, at=at),
        industries=config.settings.industries,
        jurisdictions=config.settings.jurisdictions,
        at=at,
    )
    forbidden = {*about.route.methods_forbidden, *distrusted}
    return identity.offers(
        config.catalogue,
        about.subject.values(),
        replace(about.route, methods_forbidden=tuple(sorted(forbidden))),
        changed=set_on(about.subject.id, about.request),
        last_changed=changed,
        now=at,
        has_totp=bool(evidence.factors_of(seen, about.subject)),
    )


def set_on(subject: SubjectId, request: Request | None) -> tuple[str, ...]:
    """Return the fields of this customer that a request sets: none when it changes an account of theirs."""
    return request.fields if request is not None and request.subject_id == subject else ()


def challenge(
    subject: SubjectId,
    *,
    purpose: str,
    method: str,
    path: str | None = None,
    ref: str | None = None,
    actor: Actor,
    at: datetime,
    key: once.Once | None = None,
) -> Challenged:
    """Start a challenge: send a code, or open the question that an authenticator or a call-back answers.

    A code never goes to a contact point that the request changes, or that was changed within the cooling-off time;
    a ``new_contact`` code goes to just the one that it sets. Sends are counted per customer, over all channels.
    """
    access.require(actor, access.Verb.IDENTITY_CHALLENGE, subject=subject)
    with begin(actor) as tx:
        named.find_ahead(tx, ref)
        claimed = named.claim_one(tx, key, actor)
        if claimed is not None and claimed.reply is not None:
            return started_before(tx, about_whom(tx, subject, ref, actor=actor), path, claimed.reply)
        about = about_whom(tx, subject, ref, ready=partial(_ready, tx, at=at), actor=actor)
        if about.request is not None and about.request.state not in OPEN:
            raise named.TooLate(state=about.request.state.value)
        writing = Writing(tx)
        started = start(writing, about, purpose=purpose, method=method, path=path, actor=actor, at=at)
        writing.end([] if claimed is None else [(claimed, started.reply())], actor=actor, at=at)
        return started


def _ready(tx: Tx, subject: SubjectId, *, at: datetime) -> None:
    """Lock a customer's budget, and say what ``start`` asks: it is read with them."""
    evidence.lock_budget(tx, subject)
    tx.ahead(evidence.factors_asks(subject), subjects.accounts_of_asks(subject))
    tx.ahead(*evidence.of_late_asks(subject, since=at - identity.TRIES_WINDOW))


def start(
    writing: Writing, about: About, *, purpose: str, method: str, path: str | None, actor: Actor, at: datetime
) -> Challenged:
    """Start a challenge of whoever it is about, within their budget of sends and tries, which is locked."""
    tx = writing.tx
    to = _target(tx, about, purpose, method, path, at=at)
    lately, tries = evidence.of_late(tx, about.subject.id, since=at - identity.TRIES_WINDOW)
    coded = method in CODED
    sent = [item.started_at for item in lately if item.method in CODED] if coded else []
    identity.may_send(identity.CodeHistory(sends=sent, wrong=tries), at)
    request_id = None if about.request is None else about.request.id
    evidence.void_open(tx, about.subject.id, purpose=purpose, method=method, request=request_id, at=at)
    made, code = _start(tx, about, purpose, method, path, actor=actor, at=at)
    if coded:
        _send(tx, about, made, code, to, at=at)
    observe(writing, about, EntryKind.IDENTITY_CHALLENGED, made, actor=actor, at=at)
    return Challenged(
        id=made.id,
        method=method,
        purpose=purpose,
        to_masked=_masked(tx, path, to),
        expires_at=made.expires_at,
        tries_left=identity.TRIES_PER_CODE,
    )


def started_before(tx: Tx, about: About, path: str | None, reply: Mapping[str, Any]) -> Challenged:
    """Return the challenge that the first call started."""
    proposal = None if about.request is None else about.request.proposal
    new = None if reply["purpose"] != Purpose.NEW_CONTACT else proposal
    values = about.subject.values() if new is None else new.values
    to = "" if path is None else str(values.get(path) or "")
    return Challenged(
        id=ChallengeId(UUID(reply["id"])),
        method=reply["method"],
        purpose=reply["purpose"],
        to_masked=_masked(tx, path, to),
        expires_at=history.moment(reply["until"]),
        tries_left=identity.TRIES_PER_CODE,
        replayed=True,
    )


def _masked(tx: Look, path: str | None, to: str) -> str:
    return mask(configuration(tx.client).catalogue[path], to) if path is not None and to else ""


def _target(tx: Tx, about: About, purpose: str, method: str, path: str | None, *, at: datetime) -> str:
    """Return where a code goes; empty for a method that sends none. Raises MethodRefused, NothingToConfirm."""
    if purpose == Purpose.NEW_CONTACT:
        return _new_contact(tx, about, method, path)
    if (purpose == Purpose.CHANGE) != (about.request is not None):
        raise MethodRefused(method=method, why="not_offered")
    if method == Method.KNOWLEDGE:
        return ""
    for offer in ways(tx, about, at=at):
        if offer.method == method and offer.path == path:
            if offer.refused_reason is not None:
                raise MethodRefused(method=method, why=offer.refused_reason)
            return str(about.subject.values()[path]) if path is not None else ""
    raise MethodRefused(method=method, why="not_offered")


def _new_contact(tx: Look, about: About, method: str, path: str | None) -> str:
    proposal = None if about.request is None else about.request.proposal
    if proposal is None or path is None or path not in proposal.values or proposal.values[path] is None:
        raise NothingToConfirm
    field = configuration(tx.client).catalogue[path]
    fits = {FieldType.EMAIL: Method.CODE_EMAIL, FieldType.PHONE: Method.CODE_SMS}.get(field.type)
    if not field.contact_point or method != fits:
        raise NothingToConfirm
    return str(proposal.values[path])


def _start(
    tx: Tx, about: About, purpose: str, method: str, path: str | None, *, actor: Actor, at: datetime
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


def _send(tx: Tx, about: About, made: Challenge, code: str, to: str, *, at: datetime) -> None:
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
        template=text.template,
        request=made.request_id,
    )
    deliveries.enqueue(tx, [parcel], at=at)


def what_changes(config: Configuration, request: Request | None, language: str) -> str:
    """Return in words what a code approves, new values masked: what the customer sees is what is signed."""
    if request is None or request.proposal is None:
        return ""
    words = find(request.kind).summarise(request.fields, language, config.catalogue)
    shown = [
        mask(config.catalogue[path], value, language)
        for path, value in sorted(request.proposal.values.items())
        if value is not None and value is not False and path in config.catalogue
    ]
    return f"{words}: {', '.join(shown)}" if shown else words


def observe(writing: Writing, about: About, kind: EntryKind, made: Challenge, *, actor: Actor, at: datetime) -> None:
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
    writing.add([draft])
