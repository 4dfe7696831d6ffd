"""Looking at records: how long a view counts as one, what a reveal needs, how far broken glass reaches.

What is not a client's own to set (``rules.limits``) is the policy of the house. A view log without a purpose would not
answer a customer who asks who looked (GDPR Art. 15; CJEU C-579/21, Pankki S), and one entry a page part would answer
with noise.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from changedesk.base.actor import Actor, ActorType, Role
from changedesk.rules.access import ROLES, Verb
from changedesk.rules.fields import FieldType
from changedesk.rules.limits import Limits

ONE_VIEW: Final = timedelta(minutes=5)
"""Within it, looking again at a record is the same view, unless more of it is shown in clear."""
REVEALED_FOR: Final = timedelta(seconds=60)
SIGNED_IN_WITHIN: Final = timedelta(minutes=5)
"""How fresh a sign-in must be before somebody reveals what money or an identity hangs on."""
STEPPED_UP: Final = frozenset({FieldType.BANK_ACCOUNT, FieldType.CARD_TOKEN, FieldType.NATIONAL_ID})
QUOTA_SPAN: Final = timedelta(days=1)
"""How far back reveals count."""
REVEAL_REASONS: Final[Mapping[str, bool]] = {
    "customer_asks": True,
    "reach_customer": False,
    "correct_record": False,
    "fraud_review": True,
    "legal_request": True,
    "other_system": True,
}
"""Why a value may be revealed; True where the reference of a call, a case or a fault must be given."""
GLASS_REASONS: Final = ("emergency", "verification_down", "fraud_in_progress", "authority_order")
GLASS_LEVELS: Final = (2, 3)
REVIEW_WITHIN: Final = timedelta(hours=24)
REVIEWERS: Final = frozenset(role for role, verbs in ROLES.items() if Verb.ACCESS_REVIEW in verbs)
"""Who is told of broken glass, and who broke it among them: it may have been somebody else at their desk."""
VERDICTS: Final = ("justified", "not_justified")
_PURPOSES: Final[Mapping[Role, str]] = {
    Role.FRAUD: "fraud_prevention",
    Role.PRIVACY: "data_protection",
    Role.COMPLIANCE: "compliance",
    Role.AUDITOR: "audit",
    Role.SUPERVISOR: "supervision",
    Role.AGENT: "customer_service",
}


def purpose_of(actor: Actor) -> str:
    """Return what a view by this actor is for, where nothing more exact was said: what its role exists for."""
    if actor.type is ActorType.STAFF:
        return next((word for role, word in _PURPOSES.items() if role in actor.roles), "administration")
    return "connected_system" if actor.type is ActorType.INTEGRATION else "operation"


def role_of(actor: Actor) -> str:
    """Return in which capacities an actor looks: the roles of staff, or what sort of actor it is."""
    return " ".join(sorted(actor.roles)) if actor.type is ActorType.STAFF and actor.roles else actor.type.value


def overdue(started_at: datetime, now: datetime) -> bool:
    """Say whether the review of broken glass is late, where there was none yet."""
    return now > started_at + REVIEW_WITHIN


def again_at(revealed: Iterable[datetime], now: datetime, limits: Limits) -> datetime | None:
    """Return when the next value may be revealed, after those of the last day; None for at once."""
    newest = sorted(revealed, reverse=True)
    quotas = ((timedelta(hours=1), limits.reveals_an_hour), (QUOTA_SPAN, limits.reveals_a_day))
    waits = [newest[most - 1] + span for span, most in quotas if len(newest) >= most]
    return max((when for when in waits if when > now), default=None)
