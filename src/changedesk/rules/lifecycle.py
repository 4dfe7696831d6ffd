"""The life of a request, as data. Screens, documents, the database guard and the tests read this table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class RequestState(StrEnum):
    SUBMITTED = "submitted"
    AWAITING_VERIFICATION = "awaiting_verification"
    AWAITING_CONSENT = "awaiting_consent"
    AWAITING_APPROVAL = "awaiting_approval"
    AWAITING_INFORMATION = "awaiting_information"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    ON_HOLD = "on_hold"
    STALE = "stale"
    APPLIED = "applied"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FAILED = "failed"


_S = RequestState
ENDINGS: Final = frozenset({_S.APPLIED, _S.REJECTED, _S.WITHDRAWN, _S.CANCELLED, _S.EXPIRED, _S.FAILED})
OPEN: Final = frozenset(_S) - ENDINGS
_WAITING: Final = frozenset(
    {_S.SUBMITTED, _S.AWAITING_VERIFICATION, _S.AWAITING_CONSENT, _S.AWAITING_APPROVAL, _S.AWAITING_INFORMATION}
)
_DECIDED: Final = frozenset({_S.APPROVED, _S.SCHEDULED, _S.ON_HOLD, _S.STALE})


@dataclass(frozen=True, slots=True)
class Step:
    """One move: from any of ``sources`` to ``target``."""

    name: str
    sources: frozenset[RequestState]
    target: RequestState


STEPS: Final[Mapping[str, Step]] = {
    step.name: step
    for step in (
        # From further on too: a proof lapses when the contact point changes that it was answered through.
        Step(
            "ask_verification",
            (_WAITING | {_S.APPROVED, _S.SCHEDULED, _S.STALE}) - {_S.AWAITING_VERIFICATION},
            _S.AWAITING_VERIFICATION,
        ),
        Step(
            "ask_consent",
            frozenset({_S.SUBMITTED, _S.AWAITING_VERIFICATION, _S.AWAITING_INFORMATION}),
            _S.AWAITING_CONSENT,
        ),
        Step(
            "ask_approval",
            frozenset({_S.SUBMITTED, _S.AWAITING_VERIFICATION, _S.AWAITING_CONSENT, _S.AWAITING_INFORMATION, _S.STALE}),
            _S.AWAITING_APPROVAL,
        ),
        Step("approve", _WAITING - {_S.AWAITING_INFORMATION}, _S.APPROVED),
        Step("schedule", frozenset({_S.APPROVED}), _S.SCHEDULED),
        Step("hold", frozenset({_S.APPROVED, _S.SCHEDULED, _S.AWAITING_APPROVAL}), _S.ON_HOLD),
        Step("release", frozenset({_S.ON_HOLD}), _S.APPROVED),
        Step("release_to_approval", frozenset({_S.ON_HOLD}), _S.AWAITING_APPROVAL),
        Step("apply", frozenset({_S.APPROVED, _S.SCHEDULED}), _S.APPLIED),
        Step("go_stale", frozenset({_S.APPROVED, _S.SCHEDULED, _S.ON_HOLD, _S.AWAITING_APPROVAL}), _S.STALE),
        Step("ask_information", _WAITING | {_S.STALE}, _S.AWAITING_INFORMATION),
        Step("revise", _WAITING | {_S.STALE}, _S.SUBMITTED),
        Step("reject", frozenset({_S.AWAITING_APPROVAL, _S.AWAITING_INFORMATION, _S.STALE}), _S.REJECTED),
        Step("withdraw", _WAITING | _DECIDED, _S.WITHDRAWN),
        Step("cancel", _WAITING | _DECIDED, _S.CANCELLED),
        Step("expire", _WAITING | {_S.STALE}, _S.EXPIRED),
        Step("fail", _DECIDED, _S.FAILED),
    )
}

CUSTOMER_WORDS: Final[Mapping[RequestState, str]] = {
    _S.SUBMITTED: "received",
    _S.AWAITING_VERIFICATION: "action needed",
    _S.AWAITING_CONSENT: "action needed",
    _S.AWAITING_APPROVAL: "being processed",
    _S.AWAITING_INFORMATION: "action needed",
    _S.APPROVED: "being processed",
    _S.SCHEDULED: "being processed",
    _S.ON_HOLD: "being processed",
    _S.STALE: "being processed",
    _S.APPLIED: "completed",
    _S.REJECTED: "declined",
    _S.WITHDRAWN: "cancelled",
    _S.CANCELLED: "cancelled",
    _S.EXPIRED: "cancelled",
    _S.FAILED: "declined",
}
"""What the customer reads."""
