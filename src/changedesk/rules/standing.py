"""What a request has in hand: which proofs, consents and decisions count for what it holds now, and what they reach."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeVar

from changedesk.base.actor import Channel
from changedesk.base.json import Value
from changedesk.rules import consent, identity
from changedesk.rules.consent import Agreed
from changedesk.rules.fields import Catalogue
from changedesk.rules.lifecycle import ENDINGS
from changedesk.rules.route import Route

OWN_SESSION: Final = frozenset({Channel.WEB_PORTAL.value, Channel.MOBILE_APP.value})
APPROVE: Final = "approve"


class Asked(Protocol):
    """A request, as its evidence is weighed: whose it is, by whom and how it was entered, and its digest."""

    @property
    def id(self) -> Hashable: ...
    @property
    def person_id(self) -> Hashable: ...
    @property
    def digest(self) -> bytes: ...
    @property
    def entered_by(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def submitted_at(self) -> datetime: ...
    @property
    def state(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Overtaken:
    """A change of the contact point that a challenge was answered through, made after it was sent.

    ``by``: who entered the request for it, and ``at``: when; None where nobody asked for it here.
    """

    by: str | None
    at: datetime | None


class Challenge(Protocol):
    """A stored challenge: a caller's, where it names no request."""

    @property
    def request_id(self) -> Hashable | None: ...
    @property
    def subject_id(self) -> Hashable: ...
    @property
    def state(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def purpose(self) -> str: ...
    @property
    def contact_path(self) -> str | None: ...
    @property
    def digest(self) -> bytes | None: ...
    @property
    def started_by(self) -> str: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def decided_at(self) -> datetime | None: ...
    @property
    def overtaken(self) -> Sequence[Overtaken]: ...


class Decision(Protocol):
    """A stored decision: by whom, of which content, and which."""

    @property
    def actor(self) -> str: ...
    @property
    def digest(self) -> bytes: ...
    @property
    def verdict(self) -> str: ...


C = TypeVar("C", bound=Challenge)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a request has in hand. ``approvers`` and ``decided_by`` are those who saw what it holds now."""

    proofs: tuple[identity.Proof, ...]
    level: int
    new_contacts: tuple[str, ...]
    new_contacts_confirmed: bool
    consented: bool
    approvers: tuple[str, ...]
    decided_by: frozenset[str]


def weigh(
    asked: Asked,
    route: Route,
    new_contacts: Sequence[str],
    *,
    challenges: Iterable[Challenge],
    consents: Iterable[Agreed],
    decisions: Sequence[Decision],
    at: datetime,
) -> Standing:
    """Return what some evidence comes to for a request. ``challenges`` may hold those of others; the rest is its own.

    Whoever was proved when the content was entered stays proved for it, however long the house takes.
    """
    proofs = tuple(proof_of(one) for one in about(asked, challenges))
    now = [one for one in decisions if one.digest == asked.digest]
    return Standing(
        proofs=proofs,
        level=level_of(asked, route, proofs, at=at),
        new_contacts=tuple(new_contacts),
        new_contacts_confirmed=identity.new_contacts_confirmed(proofs, new_contacts, digest=asked.digest),
        consented=consent.consented(route, consents, digest=asked.digest),
        approvers=tuple(dict.fromkeys(one.actor for one in now if one.verdict == APPROVE)),
        decided_by=frozenset(one.actor for one in now),
    )


def about(asked: Asked, challenges: Iterable[C]) -> list[C]:
    """Return the confirmed ones that are about a request: its own, or of the caller of whoever entered it.

    One that was answered through a contact point which changed since proves nothing any more: whoever changed it may
    have been another person than the one who answered, or than the one who would answer now. Only what was asked for in
    the same call is the same person's doing. What has ended was proved when it was decided.
    """
    found = [
        one
        for one in challenges
        if one.state == "confirmed"
        and one.subject_id == asked.person_id
        and (one.started_by == asked.entered_by if one.request_id is None else one.request_id == asked.id)
    ]
    if asked.state in ENDINGS:
        return found
    calls = [one.decided_at for one in found if one.request_id is None and one.decided_at is not None]
    return [one for one in found if all(_same_call(asked, since, calls) for since in one.overtaken)]


def _same_call(asked: Asked, since: Overtaken, calls: Iterable[datetime]) -> bool:
    """Say whether a change was asked for in the call of a request: by the same, and both near the caller's proof."""
    if since.at is None or since.by != asked.entered_by:
        return False
    moments = (asked.submitted_at, since.at)
    return any(all(abs(moment - call) <= identity.CALLER_TTL for moment in moments) for call in calls)


def counting(asked: Asked, route: Route, challenges: Iterable[C], *, at: datetime) -> list[C]:
    """Return the challenges that carry a request's level: those of its content, and the callers that add to them."""
    mine = about(asked, challenges)
    bound = [one for one in mine if one.purpose == identity.Purpose.CHANGE and one.digest == asked.digest]

    def reached(some: Sequence[C]) -> int:
        return level_of(asked, route, [proof_of(one) for one in some], at=at)

    callers = [one for one in mine if one.purpose == identity.Purpose.CALLER]
    return [*bound, *(one for one in callers if reached([*bound, one]) > reached(bound))]


def level_of(asked: Asked, route: Route, proofs: Sequence[identity.Proof], *, at: datetime) -> int:
    """Return what proofs are worth for a request, 0 to 3, by now or when it was entered, whichever is more."""
    in_session = asked.entered_by.startswith("c") and asked.channel in OWN_SESSION
    return max(
        identity.level(
            proofs, digest=asked.digest, now=moment, forbidden=route.methods_forbidden, in_session=in_session
        )
        for moment in {at, min(at, asked.submitted_at)}
    )


def proof_of(challenge: Challenge) -> identity.Proof:
    """Return a confirmed challenge in the words of ``rules.identity``."""
    return identity.Proof(
        method=challenge.method,
        purpose=challenge.purpose,
        contact_path=challenge.contact_path,
        bound_digest=challenge.digest,
        confirmed_at=challenge.decided_at or challenge.started_at,
    )


def new_contacts_of(catalogue: Catalogue, values: Mapping[str, Value]) -> list[str]:
    """Return the contact points that some values set: each of them can be asked to answer."""
    return sorted(
        path
        for path, value in values.items()
        if value is not None and path in catalogue and catalogue[path].contact_point
    )
