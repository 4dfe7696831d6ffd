"""What a family of values is given, and how it says no."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar

from changedesk.base.refusal import Refusal
from changedesk.rules.fields import Field
from changedesk.rules.values.reasons import REASONS


class Strictness(StrEnum):
    """STRICT asks for every part that a value needs; LENIENT takes what an older source system holds."""

    STRICT = "strict"
    LENIENT = "lenient"


class BadValue(Refusal):
    """The value of this field cannot be taken as it stands.

    ``data`` holds ``path``, ``reason`` (a stable slug of ``reasons``) and, for one part of an address, a card
    token or an amount of money, ``part``. The value itself is in neither the data nor the texts.
    """

    code = "bad-value"
    hint = "Correct the field named here and send it again."
    reasons: ClassVar[Mapping[str, str]] = {slug: texts["en"] for slug, texts in REASONS.items()}

    def __init__(self, *, path: str, reason: str, part: str = "") -> None:
        super().__init__(path=path, reason=reason, part=part)
        self.path, self.reason, self.part = path, reason, part

    def reason_in(self, language: str) -> str:
        """Return what is wrong and what to do, in a language (English when it has none)."""
        texts = REASONS[self.reason]
        return texts.get(language.split("-", maxsplit=1)[0]) or texts["en"]

    @property
    def pointer(self) -> str:
        """The place of the value inside the ``values`` object, as a JSON Pointer (RFC 6901)."""
        tokens = (self.path, self.part) if self.part else (self.path,)
        return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)


@dataclass(frozen=True, slots=True)
class Given:
    """The field a value is for, and what it is read against: region (ISO 3166), day, strictness."""

    field: Field
    region: str
    today: date
    strictness: Strictness = Strictness.STRICT

    @property
    def lenient(self) -> bool:
        return self.strictness is Strictness.LENIENT

    def bad(self, reason: str, part: str = "") -> BadValue:
        """Return the refusal of this field's value. Raise it outside ``except``: a cause carries values."""
        return BadValue(path=self.field.path, reason=reason, part=part)
