"""The closed set of obligations that a rule may lay on a change.

What each means, and how several of one sort combine, is told in ``rules/combine.py``. A floor (``level``,
``count``, ``years_min``) says at least; a ceiling (``most``, ``years_max``) says at most: an opt-out must not
be made harder than the opt-in (GDPR 7(3)), personal data must not be kept without end (GDPR 5(1)(e)). A floor
above a ceiling is a contradiction, and rules that contradict are never put in force.
"""

from dataclasses import dataclass, field
from typing import Final, TypeAlias

EVENTS: Final = ("requested", "applied")
AUDIENCES: Final = ("prior_contacts", "new_contacts", "all_contacts")
UNITS: Final = ("hours", "days", "business_days", "months")
PAUSES: Final = ("identity", "clarification")
TRIGGERS: Final = ("applied", "approved")
LEVEL_MAX: Final = 4


def _among(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}, not one of {', '.join(allowed)}")


@dataclass(frozen=True, slots=True)
class Verify:
    """Prove that the person is the customer to at least ``level``, at most ``most``, by no method in
    ``forbid``.
    """

    level: int = 0
    most: int | None = None
    forbid: frozenset[str] = field(default_factory=frozenset)
    confirm_new: bool = False
    """A new contact point answers a code before it is active."""

    def __post_init__(self) -> None:
        if not 0 <= self.level <= LEVEL_MAX:
            raise ValueError(f"level is {self.level}, not 0 to {LEVEL_MAX}")


@dataclass(frozen=True, slots=True)
class Consent:
    """Record agreement to a statement. Of several the one of greatest ``weight`` is asked."""

    statement: str
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Approve:
    """At least ``count`` other people decide, at most ``most``, and ``more`` beside those that other rules ask for;
    ``separation`` says who may not be one of them.
    """

    count: int = 0
    most: int | None = None
    more: int = 0
    separation: frozenset[str] = frozenset({"maker"})

    def __post_init__(self) -> None:
        for word in self.separation:
            _among("separation", word, ("maker", "team"))


@dataclass(frozen=True, slots=True)
class Hold:
    """Block operations for some seconds after the change is applied, or (trigger approved) delay the change
    itself.
    """

    blocks: frozenset[str]
    seconds: int
    release: str = "supervisor"
    trigger: str = "applied"

    def __post_init__(self) -> None:
        _among("trigger", self.trigger, TRIGGERS)


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell an audience at one event. Empty ``channels`` means every way there is."""

    event: str
    to: str
    security: bool = True
    channels: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        _among("event", self.event, EVENTS)
        _among("to", self.to, AUDIENCES)
        if self.security and self.to != "prior_contacts":
            # A security notice that reaches the new address tells the thief (47 CFR 64.2010(f)).
            raise ValueError("a security notice goes to prior_contacts only")


@dataclass(frozen=True, slots=True)
class Respond:
    """Do a duty (acknowledge, answer, honour, answer_appeal) within an amount of a unit, counted on a named calendar.

    ``extend``: so much more of the unit, once, where the person is told why within the first period. ``pauses``: for
    what the clock stops while the person is asked (identity, clarification).
    """

    duty: str
    amount: int
    unit: str
    calendar: str = "weekdays"
    extend: int = 0
    pauses: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        _among("unit", self.unit, UNITS)
        for ground in self.pauses:
            _among("pauses", ground, PAUSES)


@dataclass(frozen=True, slots=True)
class Retain:
    """Keep the record in a class, at least and at most so many years, months and days (``rules.term``)."""

    retention_class: str
    years_min: int = 0
    years_max: int | None = None
    months_min: int = 0
    months_max: int | None = None
    days_min: int = 0
    days_max: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """The log must be able to show these facts."""

    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class Propagate:
    """Tell these recipients of the data."""

    recipients: frozenset[str]


@dataclass(frozen=True, slots=True)
class Mask:
    """Show values of a category only in this form (last4, year_hidden)."""

    category: str
    form: str


@dataclass(frozen=True, slots=True)
class Prohibit:
    """Not at all; or, where the scope has ``changed_within``, not until that time is over."""

    reason: str


@dataclass(frozen=True, slots=True)
class LockOption:
    """The customer must be offered this lock."""

    lock: str


@dataclass(frozen=True, slots=True)
class HumanReview:
    """A person, not automation alone, must be able to decide, and to explain (GDPR 22)."""


@dataclass(frozen=True, slots=True)
class Suppress:
    """Do not notify an audience, for the customer's safety. The only obligation that takes away; it is
    evaluated last.
    """

    to: str

    def __post_init__(self) -> None:
        _among("to", self.to, AUDIENCES)


Obligation: TypeAlias = (
    Verify
    | Consent
    | Approve
    | Hold
    | Notify
    | Respond
    | Retain
    | Record
    | Propagate
    | Mask
    | Prohibit
    | LockOption
    | HumanReview
    | Suppress
)
