"""JSON Schema (draft 2020-12) of the ``values`` of a request, from the fields themselves."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from changedesk.kinds.kind import Kind
from changedesk.rules.fields import Catalogue, Field, FieldType, Sensitivity
from changedesk.rules.values.address import PARTS
from changedesk.rules.values.choice import display_enum

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def json_schema(kind: Kind, catalogue: Catalogue, language: str) -> Schema:
    """Return the schema of ``values``: every field may be absent (stays), null (is removed) or new.

    It describes what is accepted to be read, so types are as wide as the fields read; secrets are left out.
    """
    fields = [item for item in kind.fields(catalogue) if item.sensitivity is not Sensitivity.SECRET]
    return {
        "$schema": _DIALECT,
        "title": kind.label.get(language) or kind.label["en"],
        "type": "object",
        "properties": {item.path: _property(item, language) for item in fields},
        "additionalProperties": False,
        "minProperties": 1,
    }


def _property(field: Field, language: str) -> Schema:
    told: Schema = {"title": field.label_in(language)}
    hint = field.hint.get(language) or field.hint.get("en")
    if hint:
        told["description"] = hint
    return {**told, "anyOf": [*_TYPES.get(field.type, _text)(field, language), {"type": "null"}]}


def _text(field: Field, _language: str) -> list[Schema]:
    return [{"type": "string", "maxLength": field.length_max}]


def _formatted(name: str) -> Callable[[Field, str], list[Schema]]:
    return lambda field, _language: [{"type": "string", "maxLength": field.length_max, "format": name}]


def _parts(required: tuple[str, ...], optional: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "properties": {part: {"type": "string"} for part in (*required, *optional)},
        "required": list(required),
        "additionalProperties": False,
    }


def _options(field: Field, language: str) -> Schema:
    return {"oneOf": [{"const": code, "title": display_enum(field, code, language)} for code in field.options]}


_TYPES: Final[Mapping[FieldType, Callable[[Field, str], list[Schema]]]] = {
    FieldType.EMAIL: _formatted("idn-email"),
    FieldType.ADDRESS: lambda _field, _language: [_parts((), PARTS)],
    FieldType.MONEY: lambda _field, _language: [_parts(("amount", "currency"))],
    FieldType.CARD_TOKEN: lambda _field, _language: [_parts(("token", "brand", "last4", "expiry"))],
    FieldType.ENUM: lambda field, language: [_options(field, language)],
    FieldType.MULTI_ENUM: lambda field, language: [
        {"type": "array", "items": _options(field, language), "uniqueItems": True}
    ],
    FieldType.BOOLEAN: lambda _field, _language: [{"type": "boolean"}],
    FieldType.BANK_ACCOUNT: lambda field, language: [
        *_text(field, language),
        _parts(("iban",), ("bic",)),
        _parts(("bank_code", "account"), ("country",)),
    ],
    FieldType.NATIONAL_ID: lambda field, language: [*_text(field, language), _parts(("number",), ("country",))],
}
