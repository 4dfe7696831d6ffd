"""What a client gets from its packs: fields, rules, statements, reasons, retention."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from changedesk.packs.parse import PackInvalid
from changedesk.rules.fields import Catalogue, Field
from changedesk.rules.policy import Rule
from changedesk.rules.retention import RetentionClass


@dataclass(frozen=True)
class Statement:
    """The words that a customer agrees to, in one version; a changed wording is a new version, never an edit."""

    id: str
    version: int
    wording: Mapping[str, str]
    """Language to text."""

    @cached_property
    def sha256(self) -> Mapping[str, str]:
        """Hexadecimal SHA-256 of the UTF-8 text, by language; stored with each consent."""
        return {language: hashlib.sha256(text.encode()).hexdigest() for language, text in self.wording.items()}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a change is made. ``needs_text``: the code alone says too little."""

    code: str
    label: Mapping[str, str]
    needs_text: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """What ``pack.toml`` tells of a pack. ``attributes`` names the facts that its rules ask about."""

    name: str
    label: Mapping[str, str]
    industries: frozenset[str] = field(default_factory=frozenset)
    statuses: frozenset[str] = frozenset({"in_force", "standard", "guidance"})
    """Which standing a rule must have to count here; not_yet_effective counts by its own ``default_on``."""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """The options that a pack gives to a field of the base, in the order of display."""

    path: str
    options: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Pack:
    """All the packs of one client, merged and checked."""

    names: tuple[str, ...]
    headers: tuple[Header, ...]
    catalogue: Catalogue
    rules: tuple[Rule, ...]
    statements: Mapping[tuple[str, int], Statement]
    reason_codes: Mapping[str, Reason]
    retention: Mapping[str, RetentionClass]

    @property
    def industries(self) -> frozenset[str]:
        """The industries whose rules apply to a client with these packs."""
        return frozenset().union(*(header.industries for header in self.headers))

    @property
    def attributes(self) -> Mapping[str, str]:
        """The customer attributes that rules ask about, each with its meaning."""
        return {name: meaning for header in self.headers for name, meaning in header.attributes.items()}

    def statement(self, id: str) -> Statement:  # noqa: A002 - the word that stands in the packs
        """Return the newest version of a statement. Raises KeyError."""
        return self.statements[id, max(version for name, version in self.statements if name == id)]

    def rule(self, id: str) -> Rule:  # noqa: A002 - the word that stands in the packs
        """Return a rule by its id. Raises KeyError."""
        return {rule.id: rule for rule in self.rules}[id]


def extend(pack: Pack, fields: Mapping[str, Field]) -> Catalogue:
    """Return the catalogue with a client's own fields behind it. Raises PackInvalid when a path is taken."""
    for path in fields:
        if path in pack.catalogue:
            raise PackInvalid(f"{path}: the packs {', '.join(pack.names)} have this field already")
    return Catalogue.of([*pack.catalogue, *fields.values()])
