"""What is asked for, what policy makes of it, and what the asker gets back. Shared by the verbs; writes nothing."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from changedesk.base.actor import Actor, ActorType, Channel
from changedesk.base.ids import ChangeId, RequestId, SubjectId
from changedesk.base.json import Value
from changedesk.base.refusal import NotFound, Refusal
from changedesk.kinds import Kind, Proposal, changes, find
from changedesk.ledger.value import Json, encode_json
from changedesk.rules import holds as hold_rules
from changedesk.rules import identity, policy
from changedesk.rules.lifecycle import CUSTOMER_WORDS
from changedesk.rules.route import Route
from changedesk.rules.rule import Ask
from changedesk.rules.values import Concern, screen_text
from changedesk.store import evidence, past, requests
from changedesk.store.once import Once
from changedesk.store.settings_read import Configuration, configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look


class Prohibited(Refusal):
    """A rule of this client's packs forbids this change.

    ``data``: rule, until (None: for good).
    """

    code = "prohibited"
    hint = "Wait until the time named here, or tell the customer why it cannot be done."


class NeedsAcknowledgement(Refusal):
    """Something about these values should be checked with the customer first.

    ``data``: concerns (path and word of each).
    """

    code = "needs-acknowledgement"
    hint = "Check what is named here with the customer, then send the same request with it acknowledged."


class ReasonUnknown(Refusal):
    """A request needs one of the client's reason codes.

    ``data``: reason, known.
    """

    code = "reason-unknown"
    hint = "Choose one of the reason codes named here; 'other' needs a note."


class Gone(Refusal):
    """This customer's data was erased, so nothing can be changed."""

    code = "erased"
    hint = "See the certificate of the erasure for what was kept and why."
    status = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one request asks: new values by path as people typed them (None or "" removes), and why."""

    subject: SubjectId
    kind: str
    values: Mapping[str, object] = field(repr=False)
    reason: str
    channel: Channel
    note: str = field(default="", repr=False)
    requested_by: str = "customer"
    """customer, representative, or the actor id of whoever asked."""
    on_behalf_of: str | None = None
    interaction: str | None = None
    """Reference of the call, chat or letter."""
    acknowledged: Sequence[str] = ()
    """Words of the concerns that were checked with the customer."""
    effective_at: datetime | None = None
    received_at: datetime | None = None
    """When the customer asked, in any channel: the legal clock starts there. Now, when not given."""
    reverts: ChangeId | None = None
    once: Once | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What submitting a wish will do, and what it would take. ``before`` and ``after`` hold the changed fields."""

    wish: Wish
    subject: Subject = field(repr=False)
    kind: Kind
    before: Mapping[str, Value] = field(repr=False)
    after: Mapping[str, Value] = field(repr=False)
    route: Route
    concerns: tuple[Concern, ...]
    conflicts: Mapping[str, str]
    """Path to the reference of the open request that would set it."""
    note: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a verb on a request gives back: references and states, never a personal value."""

    request: RequestId
    ref: str
    subject: SubjectId
    state: str
    customer_word: str
    version: int
    digest: str
    change: ChangeId | None = None
    replayed: bool = False

    @classmethod
    def of(cls, request: requests.Request) -> "Receipt":
        return cls(
            request=request.id,
            ref=request.ref,
            subject=request.subject_id,
            state=request.state.value,
            customer_word=CUSTOMER_WORDS[request.state],
            version=request.version,
            digest=request.digest.hex(),
            change=request.applied_change,
        )

    def reply(self) -> dict[str, Any]:
        """Return what is kept for a retry."""
        return {
            "request": str(self.request),
            "ref": self.ref,
            "subject": str(self.subject),
            "state": self.state,
            "customer_word": self.customer_word,
            "version": self.version,
            "digest": self.digest,
            "change": None if self.change is None else str(self.change),
        }

    @classmethod
    def replay(cls, reply: Mapping[str, Any]) -> "Receipt":
        """Return the first call's receipt, said again."""
        given = dict(reply)
        return cls(
            request=RequestId(UUID(given.pop("request"))),
            subject=SubjectId(UUID(given.pop("subject"))),
            change=None if given["change"] is None else ChangeId(UUID(given["change"])),
            replayed=True,
            **{name: value for name, value in given.items() if name != "change"},
        )


def digest_of(
    client: int, subject: SubjectId, request: RequestId, revision: int, values: Mapping[str, Value], base_ver: int,
    salt: str,
) -> bytes:  # fmt: skip
    """Return what code, consent and approval are bound to (SCA RTS art. 5, OWASP transaction authorisation 2.6).

    The salt lies sealed in the proposal: without it a digest of a birth date could be guessed back.
    """
    body: dict[str, Json] = {
        "client": client,
        "subject": str(subject),
        "request": str(request),
        "revision": revision,
        "values": dict(values),
        "base": base_ver,
        "salt": salt,
    }
    return hashlib.sha256(b"changedesk/v1/digest\x00" + encode_json(body)).digest()


ALL_CONCERNS: Final = ("*",)
"""Acknowledges whatever there is: for values that the desk itself puts back."""


def new_salt() -> str:
    """Return a fresh salt for a digest: 32 random bytes as hex."""
    return secrets.token_hex(32)


def plan(look: Look, wish: Wish, subject: Subject | None, *, actor: Actor, at: datetime) -> Plan:
    """Return what submitting a wish would do. Raises the refusal that submitting would meet.

    Conflicts with open requests, and concerns, are told in the plan: submitting refuses them, previewing shows them.
    """
    if subject is None or subject.type != "customer":
        raise NotFound(subject=str(wish.subject))
    if subject.erased_at is not None or subject.key is None:
        raise Gone
    config = configuration(look.client)
    kind = find(wish.kind)
    note = screen_text(wish.note).text
    if wish.reason not in config.reason_codes or (wish.reason == "other" and not note.strip()):
        raise ReasonUnknown(reason=wish.reason, known=sorted(config.reason_codes))
    before = subject.values()
    region = config.settings.region
    diff = changes(kind, config.catalogue, before, wish.values, region=region, today=at.date())
    checked = kind.check(Proposal(before, diff.values, config.catalogue, region, at))
    for refusal in checked.refusals:
        raise refusal
    after = {**diff.values, **{path: value for path, value in checked.follows.items() if before.get(path) != value}}
    ask = _ask(look, config, wish, subject, after, actor=actor, at=at)
    route = policy.decide(ask, config.rules, policy_version=config.policy_version)
    for item in route.prohibitions:
        raise Prohibited(rule=item.rule, until=None if item.until is None else item.until.isoformat())
    taken = requests.holders_of_fields(look, [subject.id], sorted(after))
    return Plan(
        wish=wish,
        subject=subject,
        kind=kind,
        before={path: before.get(path) for path in after},
        after=after,
        route=route,
        concerns=(*diff.concerns, *checked.concerns),
        conflicts={path: ref for (_, path), ref in taken.items()},
        note=note,
    )


def _ask(
    look: Look,
    config: Configuration,
    wish: Wish,
    subject: Subject,
    after: Mapping[str, Value],
    *,
    actor: Actor,
    at: datetime,
) -> Ask:
    categories = categories_of(config, after)
    attributes = {"opts_out": str(opts_out(categories, after)).lower()}
    changed = last_changed(look, subject)
    attributes |= _reach(look, config, subject, after, changed, at=at)
    for path, when in changed.items():
        if path in config.catalogue:
            attributes[f"last_changed.{config.catalogue[path].category}"] = when.isoformat()
    return Ask(
        kind=wish.kind,
        categories=categories,
        operation="remove" if all(value is None for value in after.values()) else "update",
        channel=wish.channel,
        actor=actor.type,
        at=at,
        attended=actor.type is ActorType.STAFF,
        industry=frozenset(config.settings.industries),
        jurisdictions=frozenset(config.settings.jurisdictions),
        reason=wish.reason,
        attributes=attributes,
        received_at=wish.received_at,
    )


def _reach(
    look: Look,
    config: Configuration,
    subject: Subject,
    after: Mapping[str, Value],
    changed: Mapping[str, datetime],
    *,
    at: datetime,
) -> dict[str, str]:
    """Say whether this customer can prove who they are with two factors, one, or none: never taken from input."""
    offered = identity.offers(
        config.catalogue,
        subject.values(),
        Route(level=0, approvals=0),
        changed=set(after),
        last_changed=changed,
        now=at,
        has_totp=bool(evidence.factors_of(look, subject)),
    )
    lately = evidence.challenges_of_subject(look, subject.id, since=at - identity.CALLER_TTL - identity.CODE_TTL)
    proved = {item.method for item in lately if item.purpose == identity.Purpose.CALLER and item.state == "confirmed"}
    reach = identity.reachable(offered, proved=proved)
    return {"one_factor": str(reach == _ONE_FACTOR).lower(), "no_factor": str(reach < _ONE_FACTOR).lower()}


_ONE_FACTOR: Final = 2


def categories_of(config: Configuration, paths: Iterable[str]) -> frozenset[str]:
    """Return the words of the change taxonomy for some fields."""
    return frozenset(config.catalogue[path].category for path in paths)


def opts_out(categories: frozenset[str], after: Mapping[str, Value]) -> bool:
    """Tell whether a change does nothing but end marketing: nothing may stand in its way (GDPR 7(3), 21(3))."""
    return all(category.startswith("pref.marketing") for category in categories) and not any(after.values())


def last_changed(look: Look, subject: Subject) -> dict[str, datetime]:
    """Return when each standing value was last changed; a value that came with the customer is not listed."""
    later = {path: held.ver for path, held in subject.state.items() if held.ver > 1}
    if not later:
        return {}
    entries = past.provenance(look, subject)
    return {path: entries[ver].recorded_at for path, ver in later.items() if ver in entries}


@dataclass(frozen=True, slots=True)
class _Standing:
    """A stored hold in the words of ``rules.holds``."""

    blocks: Sequence[str]
    starts: datetime
    ends: datetime | None
    released_at: datetime | None = None


def hold_against(
    holds: Iterable[evidence.Hold], config: Configuration, after: Mapping[str, Value], *, at: datetime
) -> hold_rules.OnHold | None:
    """Return the refusal of a hold that stops a change of these fields, or None."""
    categories = categories_of(config, after)
    standing = [_Standing(hold.blocks, hold.starts_at, hold.ends_at) for hold in holds]
    try:
        hold_rules.require_clear(
            standing, hold_rules.operations_of(categories), at, opts_out=opts_out(categories, after)
        )
    except hold_rules.OnHold as refusal:
        return refusal
    return None
