"""How a data-subject request ends: carried out and answered, refused with a ground, appealed; a copy handed over."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from changedesk.base.actor import Actor, ActorType, Channel, automation
from changedesk.base.ids import ClientId, SubjectId
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow import named
from changedesk.flow.asking import Gone
from changedesk.flow.subject_steps import (
    Handled,
    IdentityUnverified,
    NoteMissing,
    Step,
    held,
    observe,
    require_open,
    step,
)
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules import access, answering
from changedesk.rules.lifecycle import RequestState
from changedesk.rules.rights import CARRIED_OUT, COPIES, DISAGREEABLE, Ground, Right
from changedesk.store import once, requests, subject_requests, subjects
from changedesk.store.begin import begin
from changedesk.store.requests import Request
from changedesk.store.subject_requests import SubjectRequest
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, Tx, look

COPY_LIFE: Final = timedelta(days=7)
ANNOUNCED: Final[Mapping[Right, str]] = {
    Right.RECTIFICATION: "privacy.corrected",
    Right.AMENDMENT: "privacy.corrected",
    Right.ERASURE: "privacy.erased",
    Right.RESTRICTION: "privacy.restricted",
    Right.OBJECTION: "privacy.objected",
    Right.OPT_OUT: "privacy.objected",
}
"""What those who hold the data are told through the feed (GDPR 19)."""


class NotOfThisPerson(Refusal):
    """That change request is not about the person who asked, or is of a kind that does not carry this out.

    ``data``: kinds (empty: any).
    """

    code = "not-of-this-person"
    hint = "Name a change request of the same customer that does what was asked."


class NotCarriedOut(Refusal):
    """What was asked has not been done: no change request linked to it was applied."""

    code = "not-carried-out"
    hint = "Ask for the change as usual and link it; answer when it is applied, or refuse with a ground."
    status = "conflict"


class CopyMissing(Refusal):
    """There is no copy to hand over yet."""

    code = "copy-missing"
    hint = "Build the copy first, look at it, then answer."
    status = "conflict"


class CopyBefore(Refusal):
    """The copy for this request was built already."""

    code = "copy-before"
    hint = "Download the one that there is; a later copy is a request of its own."
    status = "conflict"


class CopyGone(Refusal):
    """This copy cannot be had any more: its seven days are over, or the person was erased."""

    code = "copy-gone"
    hint = "Ask again for a copy of your data; it is made anew."
    status = "missing"


class GroundUnknown(Refusal):
    """There is no such ground to refuse.

    ``data``: known.
    """

    code = "ground-unknown"
    hint = "Choose one of the grounds named here."


class KnownPerson(Refusal):
    """The person's identity was established, so the request cannot be refused for want of it."""

    code = "known-person"
    hint = "Answer it, or refuse it with another ground."
    status = "conflict"


class AppealNotGiven(Refusal):
    """No law that applies to this request gives an appeal to the business itself."""

    code = "appeal-not-given"
    hint = "Tell the person which authority they can complain to."
    status = "conflict"


class StatementNotDue(Refusal):
    """A statement stands beside a record where its correction was refused, once."""

    code = "statement-not-due"
    hint = "Refuse the correction with its ground first; what was stated stays as it is."
    status = "conflict"


def link(ref: str, request: str, *, actor: Actor, at: datetime, key: once.Once | None = None) -> Handled:
    """Say which change request carries it out. Raises NotOfThisPerson, NotFound, TooLate."""

    def act(tx: Tx, one: SubjectRequest, _: Subject) -> Step:
        require_open(one)
        found = named.find(tx, request, actor=actor, verb=access.Verb.REQUEST_READ)
        kinds = CARRIED_OUT.get(one.right, frozenset())
        if one.subject_id not in (found.subject_id, found.person_id) or (kinds and found.kind not in kinds):
            raise NotOfThisPerson(kinds=sorted(kinds))
        subject_requests.link(tx, one.id, found.id, at=at)
        return Step(one, EntryKind.PRIVACY_LINKED, {"change_request": found.ref})

    return step(ref, act, actor=actor, at=at, key=key)


def answer(
    ref: str, *, part: bool = False, note: str = "", actor: Actor, at: datetime, key: once.Once | None = None
) -> Handled:
    """Answer a request: what was asked is done, whole or in part, and the person is told.

    Raises IdentityUnverified, CopyMissing, NotCarriedOut, TooLate. What was corrected, erased or restricted is
    announced to whoever holds the data.
    """

    def act(tx: Tx, one: SubjectRequest, _: Subject) -> Step:
        require_open(one)
        if one.identity_level < one.level or (one.level and one.identified_at is None):
            raise IdentityUnverified(level=one.identity_level, needed=one.level)
        facts: dict[str, Json] = {"outcome": "part" if part else "whole", **_handed(tx, one, at=at), **_done(tx, one)}
        after = replace(_ended(one, at=at), state="answered", outcome="part" if part else "whole", ground="")
        return Step(after, EntryKind.PRIVACY_ANSWERED, facts, ("answered", note))

    return step(ref, act, actor=actor, at=at, key=key)


def _ended(one: SubjectRequest, *, at: datetime) -> SubjectRequest:
    stops = tuple(replace(stop, until=stop.until or at) for stop in one.stops)
    return replace(one, stops=stops, closed_at=at)


def _handed(look: Look, one: SubjectRequest, *, at: datetime) -> dict[str, Json]:
    if one.right not in COPIES:
        return {}
    copy = subject_requests.copy_of(look, one)
    if copy is None:
        raise CopyMissing
    if copy.sealed is None or at >= copy.expires_at:
        raise CopyGone
    return {"copy": str(copy.id), "until": copy.expires_at.isoformat()}


def _done(look: Look, one: SubjectRequest) -> dict[str, Json]:
    """Return what was carried out, and its announcement. Raises NotCarriedOut."""
    linked = requests.load(look, subject_requests.linked(look, one.id)).values()
    applied = [item for item in linked if item.state is RequestState.APPLIED]
    if one.right in CARRIED_OUT and not applied:
        raise NotCarriedOut
    if one.right not in ANNOUNCED:
        return {}
    return {
        "change_requests": sorted(item.ref for item in applied),
        "announces": [{"event": ANNOUNCED[one.right], "fields": _fields(applied), "recipients": _recipients(applied)}],
    }


def _fields(applied: Sequence[Request]) -> list[Json]:
    return [*sorted({path for item in applied for path in item.fields})]


def _recipients(applied: Sequence[Request]) -> list[Json]:
    return [*sorted({str(one) for item in applied for one in item.route["recipients"]})]


def refuse(ref: str, ground: str, *, note: str, actor: Actor, at: datetime, key: once.Once | None = None) -> Handled:
    """Refuse with a ground; the person is told it, and what they can do. ``note``: what the decision rests on.

    Raises GroundUnknown, NoteMissing, KnownPerson where the ground is an unknown person and they are known, TooLate.
    """

    def act(_: Tx, one: SubjectRequest, __: Subject) -> Step:
        require_open(one)
        if ground not in list(Ground):
            raise GroundUnknown(known=[item.value for item in Ground])
        if not note.strip():
            raise NoteMissing
        if ground == Ground.IDENTITY_UNVERIFIED and one.identified_at is not None:
            raise KnownPerson
        after = replace(_ended(one, at=at), state="refused", ground=ground, outcome="")
        return Step(after, EntryKind.PRIVACY_REFUSED, {"why": ground}, ("refused", note))

    return step(ref, act, actor=actor, at=at, key=key)


def appeal(ref: str, *, note: str = "", actor: Actor, at: datetime, key: once.Once | None = None) -> Handled:
    """Open a request again because the person appeals, where the law gives it, once; its own clock starts.

    Raises AppealNotGiven, TooLate.
    """

    def act(_: Tx, one: SubjectRequest, __: Subject) -> Step:
        if one.state not in ("refused", "answered") or one.appealed_at is not None:
            raise named.TooLate(state=one.state)
        due = answering.appeal_by(one.clocks, at)
        if due is None:
            raise AppealNotGiven
        after = replace(
            one, state="appealed", appealed_at=at, due_at=due.at, due_rule=due.rule, closed_at=None, outcome=""
        )  # fmt: skip
        return Step(after, EntryKind.PRIVACY_APPEALED, {"rule": due.rule}, ("appealed", note))

    return step(ref, act, actor=actor, at=at, key=key)


def state_disagreement(ref: str, text: str, *, actor: Actor, at: datetime, key: once.Once | None = None) -> Handled:
    """Put the person's own statement beside a record whose correction was refused; later disclosures carry it.

    Raises StatementNotDue, NoteMissing (45 CFR 164.526(d), APP 13.4).
    """

    def act(tx: Tx, one: SubjectRequest, subject: Subject) -> Step:
        if not text.strip():
            raise NoteMissing
        known = any(note.step == "statement" for note in subject_requests.notes_of(tx, one, subject))
        if one.state != "refused" or one.right not in DISAGREEABLE or known:
            raise StatementNotDue
        return Step(one, EntryKind.PRIVACY_STATED, {}, ("statement", text))

    return step(ref, act, actor=actor, at=at, key=key)


def keep_copy(
    ref: str,
    make: Callable[[str], bytes],
    *,
    actor: Actor,
    at: datetime,
    key: once.Once | None = None,
) -> Handled:
    """Make a copy and keep it for seven days, sealed under the person's key. Built once: raises CopyBefore.

    ``make``: returns the file for the request of a name. Raises IdentityUnverified: nothing of a person is collected
    for somebody who is not known to be them.
    """
    access.require(actor, access.Verb.PRIVACY_HANDLE)
    with begin(actor) as tx:
        claimed = named.claim_one(tx, key, actor)
        if claimed is not None and claimed.reply is not None:
            return Handled.replay(claimed.reply)
        one, subject = held(tx, ref, actor=actor)
        must_be_buildable(tx, one, subject)
        data = make(one.ref)
        subject_requests.keep_copy(tx, one, subject, data, by=actor.id, at=at, until=at + COPY_LIFE)
        done = Handled.of(one)
        if claimed is not None:
            once.record(tx, actor.id, [(claimed, done.reply())], at=at)
        return done


def must_be_buildable(look: Look, one: SubjectRequest, subject: Subject) -> None:
    """Return if a copy can be made now. Raises TooLate, IdentityUnverified, CopyBefore, Gone."""
    require_open(one)
    if one.right not in COPIES:
        raise named.TooLate(state=one.state)
    if one.identity_level < one.level:
        raise IdentityUnverified(level=one.identity_level, needed=one.level)
    if subject.key is None:
        raise Gone
    if subject_requests.copy_of(look, one) is not None:
        raise CopyBefore


@dataclass(frozen=True, slots=True)
class Handover:
    """A copy as it leaves the house."""

    ref: str
    data: bytes

    def __repr__(self) -> str:
        return f"Handover({self.ref})"


def hand_over(ref: str, *, actor: Actor, at: datetime) -> Handover:
    """Return a copy's file, and record that it was handed over, to whom. Raises CopyGone, CopyMissing, NotFound."""
    access.require(actor, access.Verb.PRIVACY_HANDLE)
    with begin(actor) as tx:
        one, subject = held(tx, ref, actor=actor)
        return _hand_over(tx, one, subject, actor=actor, at=at)


@dataclass(frozen=True, slots=True)
class Ready:
    """What the page of a link shows before anything is handed over."""

    ref: str
    until: datetime


def look_at_copy(client: ClientId, copy: UUID, token: str, *, at: datetime) -> Ready:
    """Return what a link leads to. Looking hands nothing over: scanners open links too. Raises NotFound, CopyGone."""
    with look(client) as seen:
        found = _of_link(seen, copy, token)
        kept = subject_requests.copy_of(seen, found)
        if kept is None or kept.sealed is None or at >= kept.expires_at:
            raise CopyGone
        return Ready(found.ref, kept.expires_at)


def _of_link(seen: Look, copy: UUID, token: str) -> SubjectRequest:
    # It is had once the request is answered, not before: until then nobody has looked at it.
    found = subject_requests.of_copy(seen, copy, token)
    if found is None or found.state == "open":
        raise NotFound
    return found


def hand_over_by_link(client: ClientId, copy: UUID, token: str, *, at: datetime) -> Handover:
    """Return the copy of a link that was sent to the person, and record it. Raises NotFound, CopyGone."""
    nobody = Actor(client, ActorType.CUSTOMER, "c", Channel.WEB_PORTAL, "copy")
    with begin(nobody) as tx:
        found = _of_link(tx, copy, token)
        subject = subjects.load(tx, [found.subject_id])[found.subject_id]
        actor = replace(nobody, subject=SubjectId(subject.id))
        return _hand_over(tx, found, subject, actor=actor, at=at)


def _hand_over(tx: Tx, one: SubjectRequest, subject: Subject, *, actor: Actor, at: datetime) -> Handover:
    copy = subject_requests.copy_of(tx, one)
    if copy is None:
        raise CopyMissing
    data = subject_requests.open_copy(tx, subject, copy)
    if data is None or at >= copy.expires_at:
        raise CopyGone
    facts: dict[str, Json] = {"copy": str(copy.id), "digest": copy.digest.hex()}
    observe(tx, one, subject, EntryKind.PRIVACY_DISCLOSED, facts, actor=actor, at=at)
    return Handover(one.ref, data)


def expire_copies(client: ClientId, *, at: datetime) -> int:
    """Empty the copies whose seven days are over; return how many those were. A duty of the clock."""
    with begin(automation(client, "clock")) as tx:
        return subject_requests.expire_copies(tx, at=at)
