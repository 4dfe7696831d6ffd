"""The form of any kind of change, from its fields: what is shown for each, and what was typed into it.

A field that is left empty stays as it is. Removing a value is said by its own tick, so that nobody removes one by
forgetting it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.http import QueryDict

from changedesk.rules.fields import Field, FieldType
from changedesk.rules.values.choice import display_boolean, display_enum

Control = dict[str, Any]


REMOVE: Final = "remove."
_SIMPLE: Final[Mapping[FieldType, str]] = {
    FieldType.EMAIL: "email",
    FieldType.PHONE: "tel",
    FieldType.DATE: "date",
}
_PARTS: Final[Mapping[FieldType, tuple[str, ...]]] = {
    FieldType.ADDRESS: ("country", "lines", "dependent_locality", "city", "region", "postal_code"),
    FieldType.CARD_TOKEN: ("token", "brand", "last4", "expiry"),
}
"""What a value of several parts is typed in."""
PART_LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "country": {"en": "Country", "de": "Land", "ar": "البلد"},
    "lines": {"en": "Street and number", "de": "Straße und Hausnummer", "ar": "الشارع والرقم"},
    "dependent_locality": {"en": "District", "de": "Ortsteil", "ar": "الحي"},
    "city": {"en": "City", "de": "Ort", "ar": "المدينة"},
    "region": {"en": "State or province", "de": "Bundesland oder Provinz", "ar": "الولاية أو المقاطعة"},
    "postal_code": {"en": "Postal code", "de": "Postleitzahl", "ar": "الرمز البريدي"},
    "token": {"en": "Token of the payment provider", "de": "Token des Zahlungsanbieters", "ar": "رمز مزود الدفع"},
    "brand": {"en": "Brand", "de": "Kartenmarke", "ar": "نوع البطاقة"},
    "last4": {"en": "Last four digits", "de": "Letzte vier Ziffern", "ar": "آخر أربعة أرقام"},
    "expiry": {"en": "Expires (YYYY-MM)", "de": "Gültig bis (JJJJ-MM)", "ar": "تنتهي في (YYYY-MM)"},
}
_MANY_LINES: Final = "lines"


def values_of(fields: Iterable[Field], posted: QueryDict) -> dict[str, object]:
    """Return what was asked for by path: a typed value, or None for one to be removed. Empty fields are left out."""
    found: dict[str, object] = {}
    for item in fields:
        if posted.get(f"{REMOVE}{item.path}", ""):
            found[item.path] = None
            continue
        raw = _raw(item, posted)
        if raw:
            found[item.path] = raw
    return found


def _raw(item: Field, posted: QueryDict) -> object:
    if item.type in _PARTS:
        parts = {part: posted.get(f"{item.path}.{part}", "").strip() for part in _PARTS[item.type]}
        typed: dict[str, object] = {part: text for part, text in parts.items() if text}
        if _MANY_LINES in typed:
            typed[_MANY_LINES] = "\n".join(line.strip() for line in str(typed[_MANY_LINES]).splitlines())
        # The country alone stands there from the beginning: nothing was typed yet.
        return typed if typed.keys() - {"country"} else ""
    if item.type is FieldType.MULTI_ENUM:
        return [code for code in posted.getlist(item.path) if code]
    return posted.get(item.path, "").strip()


def control(item: Field, posted: QueryDict, *, language: str, region: str) -> Control:
    """Return a field of the form as the templates show it, holding what was typed."""
    hint = item.hint.get(language) or item.hint.get("en", "")
    shown: Control = {
        "name": item.path,
        "label": item.label_in(language),
        "hint": hint,
        "max_length": item.length_max,
        "autocomplete": "off",
        "remove": f"{REMOVE}{item.path}",
        "removed": bool(posted.get(f"{REMOVE}{item.path}", "")),
    }
    if item.type in _PARTS:
        return {**shown, "type": "parts", "parts": _parts(item, posted, language, region)}
    if item.type is FieldType.MULTI_ENUM:
        return {**shown, "type": "checkboxes", "options": _options(item, posted.getlist(item.path), language)}
    if item.type is FieldType.ENUM:
        return {**shown, "type": "select", "options": _options(item, [posted.get(item.path, "")], language)}
    if item.type is FieldType.BOOLEAN:
        chosen = posted.get(item.path, "")
        options = [
            {"value": word, "label": display_boolean(yes, language), "selected": chosen == word}
            for word, yes in (("yes", True), ("no", False))
        ]
        return {**shown, "type": "select", "options": options}
    return {**shown, "type": _SIMPLE.get(item.type, "text"), "value": posted.get(item.path, "")}


def _options(item: Field, chosen: Sequence[str], language: str) -> list[Control]:
    return [
        {"value": code, "label": display_enum(item, code, language), "selected": code in chosen}
        for code in item.options
    ]


def _parts(item: Field, posted: QueryDict, language: str, region: str) -> list[Control]:
    return [
        {
            "name": f"{item.path}.{part}",
            "label": PART_LABELS[part].get(language) or PART_LABELS[part]["en"],
            "type": "textarea" if part == _MANY_LINES else "text",
            "value": posted.get(f"{item.path}.{part}", region if part == "country" else ""),
            "rows": 2,
            "max_length": item.length_max,
            "autocomplete": "off",
        }
        for part in _PARTS[item.type]
    ]


def named(name: str, item: Control) -> bool:
    """Say whether a control, or one of its parts, has this name."""
    return name == item["name"] or any(name == part["name"] for part in item.get("parts", ()))
