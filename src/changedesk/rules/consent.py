"""Consent: to which words, in which version and language, said in which way, for exactly which change (GDPR
7(1)).
"""

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from changedesk.base.refusal import Refusal
from changedesk.rules.route import Route

WAYS: Final = ("read_aloud", "written", "in_portal", "link_reply")


class Wording(Protocol):
    """A statement in one version: the text by language."""

    @property
    def wording(self) -> Mapping[str, str]: ...


class Agreed(Protocol):
    """A stored consent: the statement, and the digest of the change that it was given for."""

    @property
    def statement(self) -> str: ...
    @property
    def digest(self) -> bytes: ...


class WrongStatement(Refusal):
    """The change needs agreement to another statement than the one named.

    ``data``: wanted, given.
    """

    code = "wrong-statement"
    hint = "Read out, or show, the statement named here."


class WordingUnknown(Refusal):
    """There is no such statement in this version and language.

    ``data``: statement, version, language.
    """

    code = "wording-unknown"
    hint = "Choose a statement, a version and a language that the client's pack holds."


class WayUnknown(Refusal):
    """Consent is recorded as read aloud, written, given in the portal, or by reply to a link.

    ``data``: way.
    """

    code = "way-unknown"
    hint = "Name one of: read_aloud, written, in_portal, link_reply."


def require_wording(
    statements: Mapping[tuple[str, int], Wording],
    *,
    wanted: str | None,
    statement: str,
    version: int,
    language: str,
    way: str,
) -> str:
    """Return the words that the customer agrees to. Raises WrongStatement, WordingUnknown, WayUnknown."""
    if way not in WAYS:
        raise WayUnknown(way=way)
    if wanted is not None and statement != wanted:
        raise WrongStatement(wanted=wanted, given=statement)
    found = statements.get((statement, version))
    if found is None or language not in found.wording:
        raise WordingUnknown(statement=statement, version=version, language=language)
    return found.wording[language]


def consented(route: Route, given: Iterable[Agreed], *, digest: bytes) -> bool:
    """Say whether what the route wants agreed was agreed, for exactly this change."""
    return route.consent is None or any(item.statement == route.consent and item.digest == digest for item in given)
