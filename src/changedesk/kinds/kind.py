"""What a kind of change is, and what a proposed change of it looks like."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from changedesk.base.json import State, Value
from changedesk.base.refusal import Refusal
from changedesk.kinds.effects import Effect
from changedesk.rules.fields import Catalogue, Field
from changedesk.rules.values import Concern
from changedesk.rules.values.listed import listed

_AND: Final = {"en": " and ", "de": " und ", "ar": " و"}


@dataclass(frozen=True, slots=True)
class Proposal:
    """New canonical values (None removes) on top of the state they were read against."""

    before: State
    after: Mapping[str, Value]
    catalogue: Catalogue
    region: str
    at: datetime
    operation: str = "update"
    subject_type: str = "customer"
    status: str = "active"
    """Of the subject, before the change."""
    zone: str = "UTC"
    """Where the client keeps its hours: an IANA name. Days begin and end there."""

    def value(self, path: str) -> Value:
        """Return what a field would hold afterwards."""
        return self.after[path] if path in self.after else self.before.get(path)

    def sets(self, path: str) -> bool:
        """Tell whether a field gets a new value, rather than none."""
        return self.after.get(path) is not None


@dataclass(frozen=True, slots=True)
class Checked:
    """What stands against a proposal, what must be acknowledged, and what follows from it.

    ``follows`` are further values that the change sets by itself; they are previewed and approved with the rest.
    """

    refusals: tuple[Refusal, ...] = ()
    concerns: tuple[Concern, ...] = ()
    follows: Mapping[str, Value] = field(default_factory=dict)


def nothing_against(_proposal: Proposal) -> Checked:
    """Accept what the fields alone accept."""
    return Checked()


def as_asked(_operation: str, asked: Mapping[str, object], _before: State) -> Mapping[str, object]:
    """Take the values as they were asked for."""
    return asked


def by_values(proposal: Proposal) -> str:
    """Return what a change does that has no operations of its own: it removes all it touches, or updates."""
    return "remove" if all(value is None for value in proposal.after.values()) else "update"


def no_effects(_proposal: Proposal) -> Sequence[Effect]:
    """Bring nothing but the values."""
    return ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of change. Its fields come from the client's catalogue; what is special about it stands here.

    ``icon`` is a lucide name. ``erases`` says how its values end: ``with-key``, when the subject's key is
    destroyed. Texts are per language (en, de, ar).
    """

    name: str
    label: Mapping[str, str]
    icon: str
    notice_subject: Mapping[str, str]
    """The words of a notice for the whole kind: "your contact details"."""
    notice_words: Mapping[str, Mapping[str, str]]
    """The words of a notice for single fields, by path: "your e-mail address"."""
    form_order: tuple[str, ...]
    check: Callable[[Proposal], Checked] = nothing_against
    subjects: frozenset[str] = frozenset({"customer"})
    """What it can be asked for: a customer, an account."""
    initiators: frozenset[str] = frozenset({"customer"})
    """Whose decision it may be: the customer's, the business's, the system's."""
    operations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What an asker chooses from by name, with labels; empty where the values say it all."""
    asked: Callable[[str, Mapping[str, object], State], Mapping[str, object]] = as_asked
    """Turns a chosen operation and what was typed with it into values of fields."""
    operation_of: Callable[[Proposal], str] = by_values
    """Names what values do, also where nobody chose it by name (a revert, a file); policies match it."""
    effects: Callable[[Proposal], Sequence[Effect]] = no_effects
    entry: str = "change.applied"
    """What the history calls it."""
    erases: str = "with-key"

    def fields(self, catalogue: Catalogue) -> list[Field]:
        """Return its fields in the order of a form: as the kind lists them, then those that the client added."""
        order = {path: place for place, path in enumerate(self.form_order)}
        return sorted(catalogue.of_kind(self.name), key=lambda item: order.get(item.path, len(order)))

    def summarise(self, paths: Iterable[str], language: str, catalogue: Catalogue | None = None) -> str:
        """Return which things change, without any value: "your e-mail address and your mobile number".

        A field that packs or the client have added is told by its label: "your contact details (Emergency contact)".
        """
        tongue = language.split("-", maxsplit=1)[0]
        order = {path: place for place, path in enumerate(self.form_order)}
        asked = sorted(set(paths), key=lambda path: (order.get(path, len(order)), path))
        last = _AND.get(tongue, _AND["en"])
        added = [] if catalogue is None else [catalogue[path] for path in asked if self._added(path, catalogue)]
        labels = listed(dict.fromkeys(field.label_in(tongue) for field in added), tongue)
        whole = _in(self.notice_subject, tongue) + (f" ({labels})" if labels else "")
        known = [_in(self.notice_words[path], tongue) if path in self.notice_words else whole for path in asked]
        words = list(dict.fromkeys(known)) or [whole]
        return last.join([listed(words[:-1], tongue), words[-1]]) if len(words) > 1 else words[0]

    def _added(self, path: str, catalogue: Catalogue) -> bool:
        return path in catalogue and path not in self.notice_words and path not in self.form_order


def _in(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language) or texts["en"]
