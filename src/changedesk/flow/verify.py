"""Proving that the person is the customer: the challenges that are started."""

import secrets
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.clock import micros
from changedesk.base.ids import ChallengeId, SubjectId, parse_reference, uuid7
from changedesk.base.outcome import Outcome
from changedesk.base.refusal import Forbidden, Refusal
from changedesk.base.rounds import apart
from changedesk.flow import named, progress, ways
from changedesk.flow.ways import About
from changedesk.flow.whose import language_of
from changedesk.flow.writing import Writing
from changedesk.kinds import find
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules import access, identity
from changedesk.rules.identity import Method, Purpose
from changedesk.rules.lifecycle import OPEN
from changedesk.rules.values import mask
from changedesk.rules.values.listed import listed
from changedesk.rules.wording import challenge_message, new_contact_message, overrides_of
from changedesk.store import deliveries, evidence, history, places, requests, subjects
from changedesk.store.begin import begin
from changedesk.store.evidence import Challenge
from changedesk.store.once import Once
from changedesk.store.places import Place
from changedesk.store.requests import Request
from changedesk.store.settings_read import Configuration, configuration, templates
from changedesk.store.tx import Look, Tx

CODED: Final = {Method.CODE_EMAIL: "email", Method.CODE_SMS: "sms"}
K = TypeVar("K", bound=Hashable)
_VERB: Final = access.Verb.IDENTITY_CHALLENGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A challenge that is wanted: of the customer ``whose`` id it is, or of whoever is behind the request it refers to.

    ``path`` is the contact point that a code goes to, or the field that is asked about.
    """

    whose: SubjectId | str
    purpose: str
    method: str
    path: str | None = None
    once: Once | None = field(default=None, repr=False)


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


def challenge(
    subject: SubjectId,
    *,
    purpose: str,
    method: str,
    path: str | None = None,
    ref: str | None = None,
    actor: Actor,
    at: datetime,
    key: Once | None = None,
) -> Challenged:
    """Start one challenge, as ``start_challenges`` does."""
    wanted = Wanted(whose=subject if ref is None else ref, purpose=purpose, method=method, path=path, once=key)
    return start_challenges([wanted], actor=actor, at=at).one()


def start_challenges(wanted: Sequence[Wanted], *, actor: Actor, at: datetime) -> Outcome[Challenged]:
    """Start challenges: send codes, or open the questions that an authenticator or a call-back answers.

    A code never goes to a contact point that the request changes, or that was changed within the cooling-off time;
    a ``new_contact`` code goes to just the one that it sets. Sends are counted per customer, over all channels.
    One that is refused leaves the rest standing; refusals come back by place.
    """
    refused: dict[int, Refusal] = {
        place: Forbidden(verb=str(_VERB))
        for place, one in enumerate(wanted)
        if not access.may(actor, _VERB, subject=actor.subject if isinstance(one.whose, str) else one.whose)
    }
    done: dict[int, Challenged] = {}
    with begin(actor) as tx:
        refs = {n: parse_reference(one.whose) or "" for n, one in enumerate(wanted) if isinstance(one.whose, str)}
        if refs:
            tx.ahead(places.of_refs_asks(refs.values()))
        claims = named.claim(tx, [None if n in refused else one.once for n, one in enumerate(wanted)], actor, refused)
        found = {one.ref: one for one in places.of_refs(tx, refs.values())} if refs else {}
        asked = {place: found.get(ref) for place, ref in refs.items()}
        people = _people(wanted, asked, refused, actor=actor)
        replies = {place: claim.reply for place, claim in claims.items() if claim.reply is not None}
        evidence.lock_budgets(tx, {who[0] for place, who in people.items() if place not in replies})
        for group in apart({place: who[:1] for place, who in people.items()}):
            abouts = _abouts(tx, {place: people[place] for place in group}, refs, refused, at=at)
            for place in replies.keys() & abouts.keys():
                done[place] = started_before(tx, abouts.pop(place), wanted[place].path, replies[place])
            writing = Writing(tx)
            started = start(writing, {place: (wanted[place], who) for place, who in abouts.items()}, actor=actor, at=at)
            refused.update(started.refused)
            new = dict(zip([place for place in abouts if place not in refused], started.done, strict=True))
            done |= new
            answered = [(claims[place], one.reply()) for place, one in new.items() if place in claims]
            writing.end(answered, actor=actor, at=at)
    return Outcome([done[place] for place in sorted(done)], refused)


def _people(
    wanted: Sequence[Wanted], asked: Mapping[int, Place | None], refused: dict[int, Refusal], *, actor: Actor
) -> dict[int, Sequence[SubjectId]]:
    """Return whom challenges are about, by place, and what their requests change behind them.

    Those that are about nobody are put into ``refused``.
    """
    people: dict[int, Sequence[SubjectId]] = {}
    for place, one in enumerate(wanted):
        if place in refused:
            continue
        try:
            if isinstance(one.whose, str):
                request = named.theirs(asked[place], actor=actor, verb=_VERB)
                people[place] = (request.person_id, request.subject_id)
            else:
                people[place] = (one.whose,)
        except Refusal as refusal:
            refused[place] = refusal
    return people


def _abouts(
    tx: Tx,
    people: Mapping[int, Sequence[SubjectId]],
    refs_of: Mapping[int, str],
    refused: dict[int, Refusal],
    *,
    at: datetime,
) -> dict[int, About]:
    """Return whom and what challenges are about, read with what ``start`` asks of them."""
    whom = [who[0] for who in people.values()]
    refs = {place: refs_of[place] for place in people if place in refs_of}
    since = at - identity.TRIES_WINDOW
    if refs:
        tx.ahead(requests.by_refs_asks(refs.values()))
    tx.ahead(evidence.challenges_asks(*whom, since=since), evidence.wrong_asks(*whom, since=since))
    tx.ahead(evidence.factors_asks(*whom), subjects.accounts_of_asks(*whom))
    # With the records that are changed: a request opens with the key of its own.
    found = subjects.load(tx, {id_ for who in people.values() for id_ in who})
    asked = requests.by_refs(tx, refs.values()) if refs else {}
    abouts: dict[int, About] = {}
    for place, who in people.items():
        try:
            abouts[place] = ways.about(found.get(who[0]), asked[refs[place]] if place in refs else None)
        except Refusal as refusal:
            refused[place] = refusal
    return abouts


class _Made(NamedTuple):
    """A challenge that is about to be started, its code, and where that goes: empty where none is sent."""

    wanted: Wanted
    about: About
    challenge: Challenge
    code: str
    to: str


def start(
    writing: Writing, asked: Mapping[K, tuple[Wanted, About]], *, actor: Actor, at: datetime
) -> Outcome[Challenged]:
    """Start challenges of different customers, each within their budget of sends and tries, which is locked.

    Those that are refused come back by key; they have written nothing.
    """
    if not asked:
        return Outcome([])
    tx, refused = writing.tx, dict[Hashable, Refusal]()
    whom = [about.subject.id for _, about in asked.values()]
    lately = evidence.challenges_of(tx, *whom, since=at - identity.TRIES_WINDOW)
    tries = evidence.wrong_since(tx, *whom, since=at - identity.TRIES_WINDOW)
    open_ = ways.ways(tx, [about for one, about in asked.values() if ways.offered(one.purpose, one.method)], at=at)
    made: list[_Made] = []
    for key, (one, about) in asked.items():
        who = about.subject.id
        sent = [item.started_at for item in lately if item.subject_id == who and item.method in CODED]
        try:
            if about.request is not None and about.request.state not in OPEN:
                raise named.TooLate(state=about.request.state.value)
            to = ways.target(tx, about, one.purpose, one.method, one.path, open_.get(who, ()))
            identity.may_send(identity.CodeHistory(sends=sent if one.method in CODED else (), wrong=tries[who]), at)
        except Refusal as refusal:
            refused[key] = refusal
        else:
            made.append(_made(tx, one, about, to, actor=actor, at=at))
    evidence.start(tx, [item.challenge for item in made], at=at)
    deliveries.enqueue(tx, [_parcel(tx, item) for item in made if item.code], at=at)
    for item in made:
        observe(writing, item.about, EntryKind.IDENTITY_CHALLENGED, item.challenge, actor=actor, at=at)
    return Outcome([_challenged(tx, item) for item in made], refused)


def _challenged(tx: Tx, item: _Made) -> Challenged:
    return Challenged(
        id=item.challenge.id,
        method=item.wanted.method,
        purpose=item.wanted.purpose,
        to_masked=_masked(tx, item.wanted.path, item.to),
        expires_at=item.challenge.expires_at,
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


def _made(tx: Tx, wanted: Wanted, about: About, to: str, *, actor: Actor, at: datetime) -> _Made:
    challenge_id = ChallengeId(uuid7())
    coded = wanted.method in CODED
    code = f"{secrets.randbelow(10**identity.CODE_DIGITS):0{identity.CODE_DIGITS}d}" if coded else ""
    request, path = about.request, wanted.path
    made = Challenge(
        id=challenge_id,
        subject_id=about.subject.id,
        request_id=None if request is None else request.id,
        purpose=wanted.purpose,
        method=wanted.method,
        contact_path=path,
        contact_version=None if path is None else progress.version_of(about.subject, path),
        digest=None if request is None else request.digest,
        code_mac=evidence.code_mac(tx, challenge_id, code) if code else None,
        started_by=actor.id,
        started_at=at,
        expires_at=at + identity.CODE_TTL,
    )
    return _Made(wanted, about, made, code, to)


def _parcel(tx: Tx, item: _Made) -> deliveries.Parcel:
    """Return the message that brings a code."""
    config, about, made = configuration(tx.client), item.about, item.challenge
    channel = CODED[Method(made.method)]
    language = language_of(config, about.subject)
    overrides = overrides_of(templates(tx.client))
    if made.purpose == Purpose.NEW_CONTACT:
        text = new_contact_message(
            method=channel,
            code=item.code,
            client_name=config.settings.name,
            language=language,
            support=config.settings.support_phone,
            overrides=overrides,
        )
    else:
        text = challenge_message(
            method=channel,
            code=item.code,
            client_name=config.settings.name,
            summary=what_changes(config, about.request, language),
            language=language,
            support=config.settings.support_phone,
            overrides=overrides,
        )
    return deliveries.Parcel(
        subject=about.subject,
        dedupe=f"challenge:{made.id}",
        event="challenge" if made.purpose != Purpose.NEW_CONTACT else "new_contact",
        channel=channel,
        language=language,
        message=deliveries.Message(to=item.to, subject=text.subject, body=text.body),
        template=text.template,
        request=made.request_id,
    )


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
    return f"{words}: {listed(shown, language)}" if shown else words


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
