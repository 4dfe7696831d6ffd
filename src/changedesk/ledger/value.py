"""The one text of a value: what is committed to, stored and shown to an auditor is the same bytes."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from changedesk.base.json import Value

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"
"""JSON without fractions. Whole numbers are those of 64 bits (-2**63 to 2**64 - 1)."""

_encoder: Final = msgspec.json.Encoder(order="deterministic")
_values: Final = msgspec.json.Decoder(str | int | bool | list[str] | dict[str, str] | None)
_DEEPEST: Final = 32
_LEAST: Final = -(2**63)
_MOST: Final = 2**64 - 1


class NotCanonical(ValueError):  # noqa: N818 - says what is wrong, as the ledger's other refusals do
    """A value that has no canonical text, or a text that is not the canonical one. Carries no data."""


def _no_fraction(_: str) -> float:
    raise NotCanonical("a fraction")


_anything: Final = msgspec.json.Decoder(float_hook=_no_fraction)


def encode_json(value: Json) -> bytes:
    """Return the canonical UTF-8 text: keys sorted by code point, no spaces, nothing escaped that need not
    be.

    The same bytes as ``json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)``. Raises
    NotCanonical for fractions, keys that are not text, lone surrogates, whole numbers beyond 64 bits, and
    anything nested deeper than 32.
    """
    if type(value) is not str:
        _refuse_unfit(value, 0)
    try:
        return _encoder.encode(value)
    except ValueError:
        # The codec's error would carry the text itself.
        raise NotCanonical("lone surrogate") from None


def encode_value(value: Value) -> bytes:
    """Return the canonical text of one field's value, as ``encode_json`` does."""
    return encode_json(value)


def decode_value(text: bytes) -> Value:
    """Return one field's value from its canonical text; NotCanonical when it is not one that a field can
    hold.
    """
    try:
        value: Value = _values.decode(text)
    except (ValueError, RecursionError):
        raise NotCanonical("unreadable") from None
    # Of all that the reader lets through only a number can be unfit: it may be too large.
    again = encode_json(value) if type(value) is int else _encoder.encode(value)
    if again != text:
        raise NotCanonical("another text of this value is the canonical one")
    return value


def decode_json(text: bytes) -> Json:
    """Return the value of a canonical text; NotCanonical for every other text (RFC 8259 or not)."""
    try:
        value: Json = _anything.decode(text)
        # The reader knows no fractions and the writer no number beyond 64 bits: only depth is left to look at.
        if text.count(b"[") + text.count(b"{") > _DEEPEST:
            _refuse_unfit(value, 0)
        again = _encoder.encode(value)
    except (ValueError, RecursionError, OverflowError):
        raise NotCanonical("unreadable") from None
    if again != text:
        raise NotCanonical("another text of this value is the canonical one")
    return value


def _refuse_unfit(value: object, depth: int) -> None:
    if depth > _DEEPEST:
        raise NotCanonical("nested too deep")
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if not _LEAST <= value <= _MOST:
            raise NotCanonical("a whole number beyond 64 bits")
    elif isinstance(value, dict):
        _refuse_unfit_parts(value, depth)
    elif isinstance(value, list | tuple):
        for part in value:
            _refuse_unfit(part, depth + 1)
    else:
        raise NotCanonical("neither text, whole number, yes or no, nothing, list nor named parts")


def _refuse_unfit_parts(value: Mapping[object, object], depth: int) -> None:
    for key, part in value.items():
        if not isinstance(key, str):
            raise NotCanonical("a key that is not text")
        # Most parts are text: only the depth can be wrong with them.
        if type(part) is not str or depth == _DEEPEST:
            _refuse_unfit(part, depth + 1)
