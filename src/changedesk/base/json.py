"""The values that fields hold: JSON without floats."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Value: TypeAlias = "str | int | bool | Sequence[str] | Mapping[str, str] | None"
"""Text, whole number, yes/no, nothing, a list of words, or named parts of text (an address, a card token, money)."""

State: TypeAlias = Mapping[str, Value]
"""Field path to value, such as ``contact.email`` to an address. An absent path holds nothing."""
