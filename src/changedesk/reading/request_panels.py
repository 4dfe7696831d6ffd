"""What the queue, the approvals and the page of one request are given; see ``panels`` for what holds of all of them."""

from dataclasses import dataclass
from datetime import datetime

from changedesk.base.ids import ChallengeId, ChangeId, RequestId, SubjectId
from changedesk.reading.panels import ActorView, DeliveryView, Diff, DisputeView, EntryView, HoldView
from changedesk.rules.term import Term


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    id: RequestId
    ref: str
    subject: SubjectId
    title: str
    """The customer, masked as this viewer may see them."""
    kind: str
    kind_label: str
    channel: str
    state: str
    word: str
    needs: str
    """What has to happen next: verification, consent, approval, information, review, release, time, nothing."""
    age_seconds: int
    received_at: datetime
    due_at: datetime | None
    due_duty: str
    entered_by: ActorView
    mine: bool
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    id: str
    version: int
    pack: str
    citation: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionView:
    """One thing that could be done with a request. Not allowed: ``code`` and ``reason`` say why."""

    word: str
    allowed: bool
    code: str = ""
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalCard:
    """A request that waits for approval, as far as deciding needs it. ``approve`` says whether this viewer may."""

    row: QueueRow
    diff: tuple[Diff, ...]
    reason: str
    note: str
    level_needed: int
    level_reached: int
    verified: tuple[str, ...]
    """Words of the methods that were answered."""
    consent_needed: str | None
    consent_given: bool
    approvals_needed: int
    approvals_given: int
    rules: tuple[RuleView, ...]
    approve: ActionView
    digest: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """One station of a request. ``state``: done, current, todo, skipped, or ended (it stopped here).

    ``at``: when it was done, or when the request stopped; None where it is not, or nothing says when.
    """

    word: str
    state: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldDutyView:
    blocks: tuple[str, ...]
    hours: int
    release: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeDutyView:
    event: str
    to: str
    channels: tuple[str, ...]
    security: bool
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineView:
    duty: str
    due_at: datetime
    overdue: bool
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """What policy asks of a request, and how much of it is there."""

    level_needed: int
    level_reached: int
    methods_forbidden: tuple[str, ...]
    new_contacts_needed: tuple[str, ...]
    """Labels of the new contact points that must answer a code."""
    new_contacts_confirmed: bool
    consent_needed: str | None
    consent_given: bool
    approvals_needed: int
    approvals_given: int
    separation: tuple[str, ...]
    holds: tuple[HoldDutyView, ...]
    notices: tuple[NoticeDutyView, ...]
    deadlines: tuple[DeadlineView, ...]
    wait_seconds: int
    retention_class: str
    retention_least: Term
    retention_most: Term | None
    evidence: tuple[str, ...]
    recipients: tuple[str, ...]
    rules: tuple[RuleView, ...]
    policy_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeView:
    id: ChallengeId
    purpose: str
    method: str
    path: str | None
    label: str
    contact: str
    """Always masked."""
    state: str
    """open, confirmed, failed, expired or void; expired is also said of one whose time is over."""
    tries: int
    by: ActorView
    started_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    counts: bool
    """It was answered, and it stands for the request as it is now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentView:
    statement: str
    version: int
    language: str
    wording: str
    wording_as_stored: bool
    """The words shown here have the hash that was stored with the consent."""
    way: str
    evidence: str
    by: ActorView
    given_at: datetime
    counts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentAsked:
    """What the customer is to agree to: read out, or shown, in one of the languages there are."""

    statement: str
    version: int
    language: str
    wording: str
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionView:
    by: ActorView
    team: str
    verdict: str
    reason: str
    note: str
    at: datetime
    counts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferView:
    """One way to verify. ``refused``: empty, or changed_here, changed_lately, forbidden."""

    method: str
    path: str | None
    label: str
    contact: str
    strength: int
    refused: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPanel:
    """Everything about one request that this viewer may see."""

    id: RequestId
    ref: str
    subject: SubjectId
    person: SubjectId
    """The customer who is verified, agrees and is told: the subject itself, or a holder of the account."""
    initiated_by: str
    title: str
    title_masked: bool
    kind: str
    kind_label: str
    operation: str
    state: str
    word: str
    needs: str
    version: int
    revision: int
    etag: str
    digest: str
    channel: str
    interaction: str
    requested_by: ActorView
    entered_by: ActorView
    on_behalf_of: str
    reason: str
    reason_label: str
    note: str
    message: str
    effective_at: datetime | None
    received_at: datetime
    submitted_at: datetime
    state_at: datetime
    expires_at: datetime
    hold_until: datetime | None
    steps: tuple[StepView, ...]
    diff: tuple[Diff, ...]
    erased: bool
    strip: Strip
    challenges: tuple[ChallengeView, ...]
    offers: tuple[OfferView, ...]
    consent_asked: ConsentAsked | None
    consents: tuple[ConsentView, ...]
    decisions: tuple[DecisionView, ...]
    holds: tuple[HoldView, ...]
    notices: tuple[DeliveryView, ...]
    disputes: tuple[DisputeView, ...]
    history: tuple[EntryView, ...]
    actions: tuple[ActionView, ...]
    reverts: ChangeId | None
    applied_change: ChangeId | None
