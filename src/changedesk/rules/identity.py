"""Proving that a person is the customer: methods, what they are worth, where a code may go, how often it may
be tried.

Levels: V0 nothing that counts, V1 an open session or a call-back, V2 one real factor, V3 two of different
classes of which one is bound to exactly this change. Knowledge of account data is worth nothing (NIST SP
800-63B-4, 3.1.1.2). V4 is V3 and dual control: the policy asks for two approvals, the proofs for
``level_to_prove``.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from changedesk.base.json import State
from changedesk.base.refusal import Refusal
from changedesk.rules.fields import Catalogue, Field, FieldType
from changedesk.rules.route import Route

CODE_DIGITS: Final = 6
CODE_TTL: Final = timedelta(minutes=5)
TRIES_PER_CODE: Final = 5
TRIES_WINDOW: Final = timedelta(hours=1)
TRIES_PER_WINDOW: Final = 10
SENDS_WINDOW: Final = timedelta(minutes=15)
SENDS_PER_WINDOW: Final = 3
CALLER_TTL: Final = timedelta(minutes=15)
COOLING_OFF: Final = timedelta(hours=24)

_ONE_FACTOR: Final = 2
_TWO_FACTORS: Final = 3
SMS_TAG: Final = "sms"
"""Tag of a phone field that can receive text messages."""


class Method(StrEnum):
    CODE_EMAIL = "code_email"
    CODE_SMS = "code_sms"
    TOTP = "totp"
    CALLBACK = "callback"
    KNOWLEDGE = "knowledge"


class Purpose(StrEnum):
    CALLER = "caller"
    CHANGE = "change"
    NEW_CONTACT = "new_contact"


FACTOR_CLASSES: Final[Mapping[str, str]] = {
    Method.CODE_EMAIL: "mailbox",
    Method.CODE_SMS: "phone",
    Method.TOTP: "app",
}
"""What a real factor proves the possession of; two of one class are one."""


class TooManySends(Refusal):
    """Three codes were sent in the last fifteen minutes, so no further one goes out yet.

    ``data``: retry_at.
    """

    code = "too-many-sends"
    hint = "Use the newest code that arrived, or wait until the time named here."
    status = "too_many"


class TooManyTries(Refusal):
    """Too many wrong codes were entered for this customer.

    ``data``: retry_at, absent when a new code may be sent at once.
    """

    code = "too-many-tries"
    hint = "A new code does not start the count again. Wait until the time named here, or verify another way."
    status = "too_many"


class CodeExpired(Refusal):
    """The code is older than five minutes."""

    code = "code-expired"
    hint = "Send a new code and enter it within five minutes."


class CodeUsed(Refusal):
    """The code was used already; each code works once."""

    code = "code-used"
    hint = "Send a new code."


class CodeForOtherContent(Refusal):
    """The request was edited after the code was sent, so the code no longer stands for it."""

    code = "code-for-other-content"
    hint = "Look at the request as it is now and send a new code."
    status = "conflict"


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing that was proved. ``bound_digest`` is the digest of the change that it was shown to the
    customer for.
    """

    method: str
    purpose: str
    contact_path: str | None
    bound_digest: bytes | None
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class CodeHistory:
    """What one customer's codes did lately, over all channels: when sent, when wrong; and the code in
    question.
    """

    sends: Sequence[datetime] = ()
    wrong: Sequence[datetime] = ()
    sent_at: datetime | None = None
    wrong_on_code: int = 0
    used: bool = False
    bound_digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to verify. ``refused_reason`` is None, or why not: changed_here, changed_lately, forbidden."""

    method: str
    path: str | None
    strength: int
    refused_reason: str | None = None


def level(
    proofs: Iterable[Proof],
    *,
    digest: bytes,
    now: datetime,
    caller_ttl: timedelta = CALLER_TTL,
    forbidden: Collection[str] = (),
    in_session: bool = False,
) -> int:
    """Return what the proofs are worth for exactly this change, 0 to 3.

    A caller's proof counts for ``caller_ttl`` before ``now``, and for good once a proof of this change
    followed within that time: a decision of tomorrow weighs what was proved today.
    """
    usable = [proof for proof in proofs if proof.method not in forbidden and proof.confirmed_at <= now]
    bound = [proof for proof in usable if proof.purpose == Purpose.CHANGE and proof.bound_digest == digest]
    moments = [now, *(proof.confirmed_at for proof in bound)]
    callers = [
        proof
        for proof in usable
        if proof.purpose == Purpose.CALLER
        and any(timedelta(0) <= moment - proof.confirmed_at <= caller_ttl for moment in moments)
    ]
    classes = {FACTOR_CLASSES[proof.method] for proof in bound + callers if proof.method in FACTOR_CLASSES}
    if len(classes) > 1 and any(proof.method in FACTOR_CLASSES for proof in bound):
        return _TWO_FACTORS
    if classes:
        return _ONE_FACTOR
    return int(in_session or any(proof.method == Method.CALLBACK for proof in bound + callers))


def level_to_prove(route: Route) -> int:
    """Return the level that proofs must reach; the step from V3 to V4 is the two approvals that the route
    asks for.
    """
    return min(route.level, _TWO_FACTORS)


def new_contacts_confirmed(proofs: Iterable[Proof], new_paths: Collection[str], *, digest: bytes) -> bool:
    """Say whether every new contact point answered a code that was bound to this change."""
    answered = {
        proof.contact_path for proof in proofs if proof.purpose == Purpose.NEW_CONTACT and proof.bound_digest == digest
    }
    return answered.issuperset(new_paths)


def offers(
    catalogue: Catalogue,
    state: State,
    route: Route,
    *,
    changed: Collection[str],
    last_changed: Mapping[str, datetime],
    now: datetime,
    has_totp: bool,
    too_new: Collection[str] = (),
    cooling_off: timedelta = COOLING_OFF,
) -> list[Offer]:
    """Return the ways to verify for one change, the strongest first, those that may not be used with their
    reason.

    ``last_changed`` holds when a path was last *changed*, not when it was first recorded. Never a contact
    point that this very change sets, nor one that was changed within the cooling-off time. ``too_new`` are methods
    whose authenticator was bound lately (``rules.distrust``).
    """
    found = [
        Offer(method, item.path, strength, _why_not(item.path, changed, last_changed, now, cooling_off))
        for item in catalogue.lines
        if state.get(item.path)
        for method, strength in _methods_of(item)
    ]
    if has_totp:
        found.append(Offer(Method.TOTP, None, _ONE_FACTOR, "changed_lately" if Method.TOTP in too_new else None))
    found.append(Offer(Method.KNOWLEDGE, None, 0))
    forbidden = [
        replace(o, refused_reason=o.refused_reason or "forbidden") if o.method in route.methods_forbidden else o
        for o in found
    ]
    return sorted(forbidden, key=lambda offer: -offer.strength)


def _methods_of(item: Field) -> list[tuple[str, int]]:
    if item.type is FieldType.EMAIL and item.contact_point:
        return [(Method.CODE_EMAIL, _ONE_FACTOR)]
    if item.type is not FieldType.PHONE or "fax" in item.tags:
        return []
    text = [(Method.CODE_SMS, _ONE_FACTOR)] if item.contact_point and SMS_TAG in item.tags else []
    return [*text, (Method.CALLBACK, 1)]


def _why_not(
    path: str,
    changed: Collection[str],
    last_changed: Mapping[str, datetime],
    now: datetime,
    cooling_off: timedelta,
) -> str | None:
    if path in changed:
        return "changed_here"
    if path in last_changed and now - last_changed[path] < cooling_off:
        return "changed_lately"
    return None


def reachable(offered: Iterable[Offer], *, proved: Iterable[str] = ()) -> int:
    """Return the highest level that these offers can reach, together with methods that are ``proved``
    already.
    """
    open_offers = [offer for offer in offered if offer.refused_reason is None]
    possible = {FACTOR_CLASSES[offer.method] for offer in open_offers if offer.method in FACTOR_CLASSES}
    both = possible | {FACTOR_CLASSES[method] for method in proved if method in FACTOR_CLASSES}
    if possible and len(both) > 1:
        return _TWO_FACTORS
    if both:
        return _ONE_FACTOR
    return max((offer.strength for offer in open_offers), default=0)


def may_send(history: CodeHistory, now: datetime) -> None:
    """Return if a further code may go out now. Raises TooManySends, TooManyTries."""
    _within_tries(history, now)
    recent = sorted(sent for sent in history.sends if now - sent < SENDS_WINDOW)
    if len(recent) >= SENDS_PER_WINDOW:
        raise TooManySends(retry_at=recent[-SENDS_PER_WINDOW] + SENDS_WINDOW)


def may_try(history: CodeHistory, now: datetime, *, digest: bytes | None) -> None:
    """Return if an answer to the code may be compared now; ``digest`` is the request's, None for a caller's
    code.

    Raises TooManyTries, CodeUsed, CodeForOtherContent, CodeExpired. A wrong answer is counted before the next
    try.
    """
    _within_tries(history, now)
    if history.used:
        raise CodeUsed
    if history.wrong_on_code >= TRIES_PER_CODE:
        raise TooManyTries
    if history.bound_digest != digest:
        raise CodeForOtherContent
    if history.sent_at is None or not timedelta(0) <= now - history.sent_at <= CODE_TTL:
        raise CodeExpired


def _within_tries(history: CodeHistory, now: datetime) -> None:
    recent = sorted(wrong for wrong in history.wrong if now - wrong < TRIES_WINDOW)
    if len(recent) >= TRIES_PER_WINDOW:
        raise TooManyTries(retry_at=recent[-TRIES_PER_WINDOW] + TRIES_WINDOW)
