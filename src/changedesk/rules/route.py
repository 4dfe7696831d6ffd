"""What policy decided for one request: its route. Plain data; it is stored with the request as JSON.

The closed set of obligations and their combination are described in ``rules/policy.py``.
"""

from dataclasses import dataclass, field
from datetime import datetime

from changedesk.rules.term import Term


@dataclass(frozen=True, slots=True)
class NoticeDuty:
    """Tell someone at one moment of the request's life.

    ``event``: requested, applied. ``to``: prior_contacts (every contact point of record before the change),
    new_contacts, all_contacts. ``security`` notices never show old or new values and carry the dispute link.
    """

    event: str
    to: str
    security: bool = True
    rule: str = ""
    """The ids of the rules that ask for it, joined by commas."""
    channels: tuple[str, ...] = ()
    """sms, email, post, voicemail, portal; empty means every way there is."""


@dataclass(frozen=True, slots=True)
class HoldDuty:
    """Place a hold when the change is applied: what it blocks, for how long, who may lift it."""

    blocks: tuple[str, ...]
    seconds: int
    release: str = "supervisor"
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Deadline:
    """Something is due by an instant: acknowledge, answer, or a limit on validity."""

    duty: str
    due: datetime
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Prohibition:
    """A rule forbids this change outright, or until an instant."""

    rule: str
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """The obligations of one request, strictest of all rules that matched, with the rules that decided."""

    level: int
    approvals: int
    consent: str | None = None
    """Id of the statement whose wording the customer agrees to; None when no consent is needed."""
    methods_forbidden: tuple[str, ...] = ()
    confirm_new_contacts: bool = False
    separation: tuple[str, ...] = ("maker",)
    """Who may not approve: maker (who entered it), team (the maker's team)."""
    holds: tuple[HoldDuty, ...] = ()
    notices: tuple[NoticeDuty, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    prohibitions: tuple[Prohibition, ...] = ()
    evidence: tuple[str, ...] = ()
    retention_class: str = "standard"
    retention_least: Term = field(default_factory=Term)
    recipients: tuple[str, ...] = ()
    rules: tuple[tuple[str, int], ...] = field(default_factory=tuple)
    """(rule id, version) of every rule that decided any part."""
    policy_version: int = 0
    wait_seconds: int = 0
    """The change takes effect no earlier than so long after the last approval."""
    retention_most: Term | None = None
    """None means that no rule limits it."""
    masks: tuple[tuple[str, str], ...] = ()
    """(category, form): values of the category are shown in this form only."""
    lock_options: tuple[str, ...] = ()
    human_review: bool = False
    suppressed: tuple[tuple[str, str], ...] = ()
    """(audience, rule id): told nothing, for the customer's safety; shown to no one of the household."""
