"""What is asked for, what policy makes of it, and what the asker gets back. Shared by the verbs; writes nothing."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from changedesk.base.actor import Actor, ActorType
from changedesk.base.ids import OUTSIDE, ChangeId, RequestId, SubjectId
from changedesk.base.json import Value
from changedesk.base.refusal import Forbidden, Refusal
from changedesk.flow import parties, whose
from changedesk.flow.circumstances import Around, around, attributes_of, categories_of, opts_out
from changedesk.flow.wish import Wish
from changedesk.kinds import Checked, Diff, Kind, NoChange, Proposal, changes, edited, find
from changedesk.kinds.refusals import OperationDiffers
from changedesk.ledger.value import Json, encode_json
from changedesk.rules import holds as hold_rules
from changedesk.rules import policy, status
from changedesk.rules.lifecycle import CUSTOMER_WORDS
from changedesk.rules.route import Route
from changedesk.rules.rule import Ask
from changedesk.rules.values import Concern, screen_text
from changedesk.store import evidence, requests
from changedesk.store.keys import SubjectKey
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


class InteractionUnfit(Refusal):
    """The reference of a call, chat or letter has letters, digits and . _ : # / - only."""

    code = "interaction-unfit"
    hint = "Write the reference without any personal data; what the customer said belongs into the note."


class KindDoesNotFit(Refusal):
    """This kind of change is not one of a customer, or not one of an account.

    ``data``: kind, subject, fits.
    """

    code = "kind-does-not-fit"
    hint = "Open the customer, or the account, that is to change, and choose one of the kinds offered there."


class OperationUnknown(Refusal):
    """This kind of change has no such operation.

    ``data``: operation, known.
    """

    code = "operation-unknown"
    hint = "Choose one of the operations that this kind of change lists."


class NotTheirDecision(Refusal):
    """A change like this is not decided by this side.

    ``data``: initiated_by, may.
    """

    code = "not-their-decision"
    hint = "Say whose decision it is: one of those named here."


class Gone(Refusal):
    """This customer's data was erased, so nothing can be changed."""

    code = "erased"
    hint = "See the certificate of the erasure for what was kept and why."
    status = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What submitting a wish will do, and what it would take. ``before`` and ``after`` hold the changed fields."""

    wish: Wish
    subject: Subject = field(repr=False)
    key: SubjectKey = field(repr=False)
    """The subject's: what its values are sealed under."""
    person: Subject = field(repr=False)
    """The customer who is verified, agrees and is told: the subject itself, or a holder of the account."""
    kind: Kind
    operation: str
    before: Mapping[str, Value] = field(repr=False)
    after: Mapping[str, Value] = field(repr=False)
    route: Route
    attributes: Mapping[str, str] = field(repr=False)
    """What policy was told beside the values."""
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


def plan(
    look: Look, wish: Wish, subject: Subject | None, *, known: Mapping[SubjectId, Around] = MappingProxyType({}),
    taking: bool = False, actor: Actor, at: datetime,
) -> Plan:  # fmt: skip
    """Return what submitting a wish would do. Raises the refusal that submitting would meet.

    Conflicts with open requests, and concerns, are told in the plan: submitting refuses them, previewing shows them.
    ``taking``: who asks takes the fields next, which tells of conflicts. ``known``: customers about whom all is read.
    """
    kind = find(wish.kind)
    subject, person = whose.parties(look, subject, wish.person, actor=actor, at=at)
    if subject.key is None or person.key is None:
        raise Gone
    _fits(kind, wish, subject, actor=actor)
    config = configuration(look.client)
    note = _note(config, wish)
    before = subject.values()
    diff = _diff(kind, config, wish, subject, before, at=at)
    operation, checked = _checked(kind, config, wish, subject, diff, at=at)
    after = {**diff.values, **{path: value for path, value in checked.follows.items() if before.get(path) != value}}
    parties.require(look, config, kind.name, subject, person, after, operation, at=at)
    forbidden = forbidden_by_status(config, [subject, person], after, operation, reason=wish.reason)
    if forbidden is not None:
        raise forbidden
    whom = known.get(person.id) or around(look, [person], at=at)[person.id]
    ask = _ask(look, config, wish, subject, whom, operation, after, actor=actor, at=at)
    route = policy.decide(ask, config.rules, policy_version=config.policy_version)
    for item in route.prohibitions:
        raise Prohibited(rule=item.rule, until=None if item.until is None else item.until.isoformat())
    holders = {} if taking else requests.holders_of_fields(look, [subject.id], sorted(after))
    return Plan(
        wish=wish,
        subject=subject,
        key=subject.key,
        person=person,
        kind=kind,
        operation=operation,
        before={path: before.get(path) for path in after},
        after=after,
        route=route,
        attributes=ask.attributes,
        concerns=(*diff.concerns, *checked.concerns),
        conflicts={path: ref for (_, path), ref in holders.items()},
        note=note,
    )


def require_reason(config: Configuration, reason: str, *, other: bool = True) -> None:
    """Raise ReasonUnknown, also for "other" where nothing says what that is. Reasons are kept in clear."""
    if reason not in config.reason_codes or (reason == "other" and not other):
        raise ReasonUnknown(reason=reason, known=sorted(config.reason_codes))


def _note(config: Configuration, wish: Wish) -> str:
    """Return the note as it is kept. Raises ReasonUnknown, also for "other" without a note; InteractionUnfit."""
    note = screen_text(wish.note).text
    require_reason(config, wish.reason, other=bool(note.strip()))
    # It is kept in clear, and outlives what is erased.
    if wish.interaction and OUTSIDE.fullmatch(wish.interaction) is None:
        raise InteractionUnfit(path="interaction")
    return note


def _fits(kind: Kind, wish: Wish, subject: Subject, *, actor: Actor) -> None:
    if actor.type in whose.THEMSELVES and kind.name in parties.BY_STAFF:
        raise Forbidden(verb="request.submit")
    if subject.type not in kind.subjects:
        raise KindDoesNotFit(kind=kind.name, subject=subject.type, fits=sorted(kind.subjects))
    if wish.operation and wish.operation not in kind.operations:
        raise OperationUnknown(operation=wish.operation, known=sorted(kind.operations))
    theirs = frozenset({"customer"}) if actor.type in whose.THEMSELVES else kind.initiators
    if wish.initiated_by not in theirs & kind.initiators:
        raise NotTheirDecision(initiated_by=wish.initiated_by, may=sorted(theirs & kind.initiators))


def _diff(
    kind: Kind, config: Configuration, wish: Wish, subject: Subject, before: Mapping[str, Value], *, at: datetime
) -> Diff:
    typed = edited(wish.values, config.catalogue, before)
    asked = kind.asked(wish.operation, typed, before) if wish.operation else typed
    if not asked:
        raise NoChange(paths=[])
    region = config.settings.region
    return changes(
        kind,
        config.catalogue,
        before,
        asked,
        region=region,
        today=status.today_in(at, config.settings.time_zone),
        subject_type=subject.type,
        stood=wish.stood,
    )


def _checked(
    kind: Kind, config: Configuration, wish: Wish, subject: Subject, diff: Diff, *, at: datetime
) -> tuple[str, Checked]:
    """Return what is done, by its name in the kind, and what the kind found about it. Raises what it refuses."""
    region, zone = config.settings.region, config.settings.time_zone
    before = subject.values()
    plain = Proposal(before, diff.values, config.catalogue, region, at, "", subject.type, subject.status, zone)
    operation = kind.operation_of(plain)
    if wish.operation not in ("", operation):
        raise OperationDiffers(operation=wish.operation, values=operation)
    checked = kind.check(replace(plain, operation=operation))
    for refusal in checked.refusals:
        raise refusal
    return operation, checked


def _ask(
    look: Look,
    config: Configuration,
    wish: Wish,
    subject: Subject,
    whom: Around,
    operation: str,
    after: Mapping[str, Value],
    *,
    actor: Actor,
    at: datetime,
) -> Ask:
    return Ask(
        kind=wish.kind,
        categories=categories_of(config, after),
        operation=operation,
        channel=wish.channel,
        actor=actor.type,
        at=at,
        attended=actor.type is ActorType.STAFF,
        industry=frozenset(config.settings.industries),
        jurisdictions=frozenset(config.settings.jurisdictions),
        reason=wish.reason,
        attributes={
            **attributes_of(look, config, subject, whom, after, initiated_by=wish.initiated_by, at=at),
            "forced": str(wish.forced).lower(),
        },
        received_at=wish.received_at,
    )


def forbidden_by_status(
    config: Configuration, whom: Iterable[Subject], after: Mapping[str, Value], operation: str, *, reason: str
) -> status.StatusForbids | None:
    """Return the refusal of a change that the way its subject stands forbids, or the person behind it, or None."""
    categories = categories_of(config, after)
    free, zone = opts_out(categories, after), config.settings.time_zone
    for one in {item.id: item for item in whom}.values():
        state = one.values()
        found = status.against(state, categories, operation, reason=reason, opts_out=free, zone=zone)
        if found is not None:
            return found
    return None


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
