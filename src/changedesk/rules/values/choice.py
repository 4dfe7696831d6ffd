"""Choices: one option, several options, yes or no."""

from collections.abc import Mapping
from typing import Final

from changedesk.rules.fields import Field
from changedesk.rules.values.given import Given
from changedesk.rules.values.listed import listed
from changedesk.rules.values.text import checked

_YES: Final = frozenset({"yes", "y", "true", "on", "1", "ja", "j", "oui", "sí", "si", "sim", "نعم", "да", "はい", "是"})
_NO: Final = frozenset({"no", "n", "false", "off", "0", "nein", "non", "não", "nao", "لا", "нет", "いいえ", "否"})
WORDS: Final[Mapping[str, tuple[str, str]]] = {"en": ("No", "Yes"), "de": ("Nein", "Ja"), "ar": ("لا", "نعم")}


def normalise_enum(raw: object, given: Given) -> str:
    """Return an option's code, found by code or by label in any language."""
    asked = checked(raw, given, numbers=True).casefold()
    for code, labels in given.field.options.items():
        if asked == code.casefold() or asked in {label.casefold() for label in labels.values()}:
            return code
    raise given.bad("choice_unknown")


def normalise_multi(raw: object, given: Given) -> list[str] | None:
    """Return codes without repeats in the order of the options; none at all is nothing."""
    items = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(items, list | tuple | set | frozenset):
        raise given.bad("type")
    chosen = {normalise_enum(item, given) for item in items if item != ""}
    return [code for code in given.field.options if code in chosen] or None


def normalise_boolean(raw: object, given: Given) -> bool:
    """Return yes or no."""
    if isinstance(raw, bool):
        return raw
    word = checked(raw, given, numbers=True).casefold()
    if word not in _YES | _NO:
        raise given.bad("boolean_unknown")
    return word in _YES


def display_enum(field: Field, code: str, language: str) -> str:
    labels = field.options.get(code, {})
    return labels.get(language) or labels.get(language.split("-", maxsplit=1)[0]) or labels.get("en") or code


def display_multi(field: Field, codes: list[str], language: str) -> str:
    return listed((display_enum(field, code, language) for code in codes), language)


def display_boolean(answer: object, language: str) -> str:
    return WORDS.get(language.split("-", maxsplit=1)[0], WORDS["en"])[bool(answer)]
