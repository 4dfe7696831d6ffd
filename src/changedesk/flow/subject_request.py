"""Data-subject requests: received in any channel, acknowledged, identified, and their clocks extended or stopped.

Every step is an observation in the person's history; whoever must be told reads it from there (``outbound.notices``).
What ends a request is in ``flow/subject_answer.py``.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import uuid4

from changedesk.base.actor import Actor, ActorType, Channel
from changedesk.base.ids import ClientId, SubjectId, new_reference
from changedesk.base.refusal import Forbidden, NotFound, Refusal
from changedesk.flow import dispute, named, progress, whose
from changedesk.flow.asking import Gone
from changedesk.flow.parties import MergedAway
from changedesk.flow.subject_steps import Handled, IdentityUnverified, NoteMissing, Step, observe, require_open, step
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules import access, answering, identity
from changedesk.rules.answering import Stop
from changedesk.rules.identity import Purpose
from changedesk.rules.rights import Delay, Right
from changedesk.rules.standing import proof_of
from changedesk.rules.values import screen_text
from changedesk.store import evidence, links, once, subject_requests, subjects
from changedesk.store.begin import begin
from changedesk.store.settings_read import configuration
from changedesk.store.subject_requests import SubjectRequest
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, Tx

BY_LINK: Final = (Right.ACCESS, Right.PORTABILITY, Right.ERASURE)
"""What a person may ask by themselves, in this order."""


class ReceivedLater(Refusal):
    """A request cannot have been received in the future.

    ``data``: received_at.
    """

    code = "received-later"
    hint = "Give the moment at which it came in, with its time zone."


class PlaceUnknown(Refusal):
    """This client does not work under the law of that place.

    ``data``: jurisdictions.
    """

    code = "place-unknown"
    hint = "Choose among the jurisdictions of this client, or leave them out: then all of them count."


class NotStopped(Refusal):
    """The clock of this request is not stopped."""

    code = "not-stopped"
    hint = "Open the request again: it goes on."
    status = "conflict"


class StoppedBefore(Refusal):
    """The clock of this request stands still already."""

    code = "stopped-before"
    hint = "Let it go on with the person's answer; it can be stopped again after that."
    status = "conflict"


class ReasonUnknown(Refusal):
    """There is no such reason.

    ``data``: known.
    """

    code = "delay-unknown"
    hint = "Choose one of the reasons named here; what is beyond them belongs in the note."


def receive(
    subject: SubjectId,
    right: Right,
    *,
    jurisdictions: Sequence[str] = (),
    channel: Channel,
    received_at: datetime | None = None,
    note: str = "",
    actor: Actor,
    at: datetime,
    key: once.Once | None = None,
) -> Handled:
    """Write a request down, and start the clocks of every law that applies, at the moment of receipt.

    ``jurisdictions``: those of the client whose law holds for this person; none given, all count. Raises NotFound,
    Gone, MergedAway, ReceivedLater, PlaceUnknown, Forbidden.
    """
    access.require(actor, access.Verb.PRIVACY_RECEIVE, subject=subject)
    with begin(actor) as tx:
        claimed = named.claim_one(tx, key, actor)
        if claimed is not None and claimed.reply is not None:
            return Handled.replay(claimed.reply)
        found = _person(tx, subject)
        received = received_at or at
        if received > at:
            raise ReceivedLater(received_at=received.isoformat())
        one = _new(tx, found, right, jurisdictions, channel=channel, received_at=received, actor=actor, at=at)
        subject_requests.insert(tx, one)
        if note.strip():
            subject_requests.write(tx, one, found, "received", screen_text(note).text, by=actor.id, at=at)
        facts: dict[str, Json] = {
            "received_at": received.isoformat(),
            "rules": [[c.rule, c.version] for c in one.clocks],
        }
        observe(tx, one, found, EntryKind.PRIVACY_RECEIVED, facts, actor=actor, at=at)
        done = Handled.of(one)
        if claimed is not None:
            once.record(tx, actor.id, [(claimed, done.reply())], at=at)
        return done


def receive_by_link(client: ClientId, token: str, right: str, *, at: datetime) -> Handled:
    """Write down what somebody asks through the link of a notice that went to them; a second press finds the first.

    The link says where the notice went, and no more: nobody is answered before they are verified as the law of their
    request wants it (``identify``). Raises NotFound, LinkExpired, Gone.
    """
    person, link = dispute.person_of_link(client, token, at=at)
    if right not in BY_LINK:
        raise NotFound
    return receive(
        person,
        Right(right),
        channel=Channel.WEB_PORTAL,
        actor=Actor(client, ActorType.CUSTOMER, "c", Channel.WEB_PORTAL, "your-data", subject=person),
        at=at,
        key=once.Once(f"your-data/{link}/{right}", b""),
    )


def _person(tx: Tx, subject: SubjectId) -> Subject:
    found = subjects.load(tx, [subject]).get(subject)
    if found is None or found.type != "customer":
        raise NotFound(subject=str(subject))
    into = links.survivor_of(tx, subject)
    if into != subject:
        raise MergedAway(into=str(into))
    if found.key is None:
        raise Gone
    return found


def _new(
    look: Look,
    subject: Subject,
    right: Right,
    jurisdictions: Sequence[str],
    *,
    channel: Channel,
    received_at: datetime,
    actor: Actor,
    at: datetime,
) -> SubjectRequest:
    config = configuration(look.client)
    known = config.settings.jurisdictions
    if not set(jurisdictions) <= set(known):
        raise PlaceUnknown(jurisdictions=sorted(known))
    chosen = set(jurisdictions) or set(known)
    # Whoever lives in a state lives in its country.
    places = tuple(sorted(chosen | ({place.split("-", 1)[0] for place in chosen} & set(known))))
    law = answering.law(
        config.rules,
        right,
        industries=config.settings.industries,
        jurisdictions=places,
        channel=channel,
        received_at=received_at,
    )
    due = answering.answer_by(law.clocks, received_at, now=at)
    acknowledge = answering.acknowledge_by(law.clocks, received_at)
    return SubjectRequest(
        id=uuid4(),
        ref=new_reference(),
        subject_id=subject.id,
        right=right,
        jurisdictions=places,
        clocks=law.clocks,
        level=law.level,
        channel=channel.value,
        entered_by=actor.id,
        received_at=received_at,
        created_at=at,
        due_at=due.at,
        due_rule=due.rule,
        ack_by=None if acknowledge is None else acknowledge.at,
    )


def acknowledge(ref: str, *, spoken: bool = False, actor: Actor, at: datetime, key: once.Once | None = None) -> Handled:
    """Confirm receipt: by a notice, or in the conversation in which it was received (11 CCR 7021(a)).

    Raises TooLate.
    """
    if actor.type in whose.THEMSELVES:
        raise Forbidden(verb=access.Verb.PRIVACY_HANDLE)

    def act(_: Tx, one: SubjectRequest, __: Subject) -> Step:
        require_open(one)
        if one.acknowledged_at is not None:
            raise named.TooLate(state=one.state)
        way = "spoken" if spoken else "written"
        return Step(replace(one, acknowledged_at=at), EntryKind.PRIVACY_ACKNOWLEDGED, {"way": way})

    return step(ref, act, actor=actor, at=at, key=key, verb=access.Verb.PRIVACY_RECEIVE)


def identify(ref: str, *, actor: Actor, at: datetime, key: once.Once | None = None) -> Handled:
    """Bind to the request what the person proved since it came in, if it is enough. Raises IdentityUnverified, TooLate.

    What counts is what counts for a caller: codes to contact points that still stand, authenticators, call-backs.
    """

    def act(tx: Tx, one: SubjectRequest, subject: Subject) -> Step:
        require_open(one)
        reached = _proved(tx, one, subject, at=at)
        if reached < one.level:
            raise IdentityUnverified(level=reached, needed=one.level)
        after = _going_on(replace(one, identified_at=at, identity_level=reached), "identity", at=at)
        return Step(after, EntryKind.PRIVACY_IDENTIFIED, {"level": reached, "needed": one.level})

    return step(ref, act, actor=actor, at=at, key=key)


def _proved(look: Look, one: SubjectRequest, subject: Subject, *, at: datetime) -> int:
    # Whoever calls is verified first and says then what they want: the same conversation counts.
    since = one.received_at - identity.CALLER_TTL
    proofs = [
        proof_of(item)
        for item in evidence.challenges_of(look, subject.id, since=since - identity.CODE_TTL)
        if item.purpose == Purpose.CALLER
        and item.state == "confirmed"
        and (item.contact_path is None or progress.version_of(subject, item.contact_path) == item.contact_version)
    ]
    return identity.level(proofs, digest=b"", now=at, caller_ttl=at - since)


def doubt(ref: str, note: str, *, actor: Actor, at: datetime, key: once.Once | None = None) -> Handled:
    """Ask for more to know who asks, saying what the reasonable doubt is (GDPR 12(6)). The clock goes on."""

    def act(_: Tx, one: SubjectRequest, __: Subject) -> Step:
        require_open(one)
        if not note.strip():
            raise NoteMissing
        after = replace(one, identified_at=None, identity_level=0)
        return Step(after, EntryKind.PRIVACY_DOUBTED, {}, ("doubted", note))

    return step(ref, act, actor=actor, at=at, key=key)


def extend(
    ref: str, reason: str, *, note: str = "", actor: Actor, at: datetime, key: once.Once | None = None
) -> Handled:
    """Take more time, once, within the first period; the person is told why and until when.

    Raises ExtendedBefore, ExtensionLate, ExtensionNotGiven, ReasonUnknown, TooLate.
    """

    def act(_: Tx, one: SubjectRequest, __: Subject) -> Step:
        if one.state != "open":
            raise named.TooLate(state=one.state)
        if reason not in list(Delay):
            raise ReasonUnknown(known=[item.value for item in Delay])
        later = answering.may_extend(
            one.clocks, one.received_at, extended=one.extended_at is not None, stops=one.stops, now=at
        )
        after = replace(one, extended_at=at, delay=reason, due_at=later.at, due_rule=later.rule)
        return Step(after, EntryKind.PRIVACY_EXTENDED, {"why": reason, "rule": later.rule}, ("extended", note))

    return step(ref, act, actor=actor, at=at, key=key)


def pause(
    ref: str, ground: str, *, note: str = "", actor: Actor, at: datetime, key: once.Once | None = None
) -> Handled:
    """Stop the clock while the person is asked (identity, clarification), where every law that applies lets it stop.

    Raises PauseNotGiven with the rule that does not, StoppedBefore, TooLate.
    """

    def act(_: Tx, one: SubjectRequest, __: Subject) -> Step:
        if one.state != "open":
            raise named.TooLate(state=one.state)
        if one.stopped:
            raise StoppedBefore
        answering.may_pause(one.clocks, ground)
        after = replace(one, stops=(*one.stops, Stop(ground, at)))
        return Step(after, EntryKind.PRIVACY_PAUSED, {"stopped_for": ground}, ("paused", note))

    return step(ref, act, actor=actor, at=at, key=key)


def resume(ref: str, *, actor: Actor, at: datetime, key: once.Once | None = None) -> Handled:
    """Let the clock go on: the person has answered. Raises NotStopped, TooLate."""

    def act(_: Tx, one: SubjectRequest, __: Subject) -> Step:
        require_open(one)
        if not one.stopped:
            raise NotStopped
        return Step(_going_on(one, one.stops[-1].ground, at=at), EntryKind.PRIVACY_RESUMED, {})

    return step(ref, act, actor=actor, at=at, key=key)


def _going_on(one: SubjectRequest, ground: str, *, at: datetime) -> SubjectRequest:
    """Return the request with a stop for this ground ended, and its end where the days that it stood still leave it."""
    if not one.stopped or one.stops[-1].ground != ground:
        return one
    stops = (*one.stops[:-1], replace(one.stops[-1], until=at))
    due = answering.answer_by(
        one.clocks, one.received_at, extended=one.extended_at is not None, stops=stops, now=at
    )  # fmt: skip
    return replace(one, stops=stops, due_at=due.at, due_rule=due.rule)
