"""Fields of every type and one way to read values for them."""

from datetime import date
from typing import Any

from changedesk.base.json import Value
from changedesk.rules.fields import Field, FieldType
from changedesk.rules.values import BadValue, Strictness, normalise

TODAY = date(2026, 11, 22)
OPTIONS = {
    "monthly": {"en": "Monthly", "de": "Monatlich", "ar": "شهريا"},
    "weekly": {"en": "Weekly", "de": "Wöchentlich"},
    "never": {"en": "Never"},
}


def field(kind: FieldType, path: str = "", **more: Any) -> Field:
    more.setdefault("options", OPTIONS)
    return Field(path or f"some.{kind.value}", kind, "some", more.pop("category", "some"), {"en": "Some"}, **more)


BIRTH = field(FieldType.DATE, "personal.birth_date")
URL = field(FieldType.TEXT, "contact.url")


def read(asked: Field | FieldType, raw: object, region: str = "GB", *, lenient: bool = False) -> Value:
    item = field(asked) if isinstance(asked, FieldType) else asked
    strictness = Strictness.LENIENT if lenient else Strictness.STRICT
    return normalise(item, raw, region=region, today=TODAY, strictness=strictness)


def why(asked: Field | FieldType, raw: object, region: str = "GB", *, lenient: bool = False) -> str:
    """Return the reason of the refusal, or what was read when there was none."""
    try:
        return f"read as {read(asked, raw, region, lenient=lenient)!r}"
    except BadValue as bad:
        return bad.reason
