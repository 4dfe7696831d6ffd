"""The readable page of a bundle: PDF/A-2a (ISO 19005-2), tagged, with its fonts inside.

The compiler itself refuses what the standard forbids; a character that its fonts cannot draw is written by its number.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from typing import Any, Final

from changedesk.channels.evidence.words import PAGE
from changedesk.ledger.value import Json

STANDARD: Final = "a-2a"
_UNDRAWN: Final = re.compile(r'the text `"(.+?)"` could not be displayed', re.DOTALL)
_FAR: Final = 0x2E7F
"""Beyond the scripts that the page's fonts know: the rest is East Asian or pictures."""
_TRIES: Final = 12


class PageUndrawn(Exception):  # noqa: N818 - says what is so
    """The page could not be set. Carries no data."""


def render(
    bundle: str, about: Mapping[str, Json], entries: Sequence[Mapping[str, Json]], *, language: str, at: datetime
) -> bytes:
    """Return the page as a PDF. Raises PageUndrawn."""
    source = (files("changedesk.channels.evidence") / "bundle.typ").read_bytes()
    words = PAGE.get(language, PAGE["en"])
    said = {"bundle": bundle, "language": language, "words": words, "about": about, "entries": list(entries)}
    return drawn(source, said, at=at)


def drawn(source: bytes, said: Mapping[str, Any], *, at: datetime) -> bytes:
    """Return a page set from its source and its data as a PDF. Raises PageUndrawn."""
    import typst  # noqa: PLC0415 - eighty megabytes that only this needs

    undrawn: set[str] = set()
    far = False
    for _ in range(_TRIES):
        data = {**_mapped(said, undrawn, far=far), "escaped": bool(undrawn)}
        try:
            made = typst.compile(
                source,
                format="pdf",
                ignore_system_fonts=True,
                pdf_standards=[STANDARD],
                sys_inputs={"data": json.dumps(data)},
                timestamp=int(at.timestamp()),
            )
        except typst.TypstError as error:
            found = _UNDRAWN.search(str(error))
            if found is None or (far and set(found[1]) <= undrawn):
                raise PageUndrawn from None
            # The message names one place; after the second, whatever is likely to fail goes at once.
            far = bool(undrawn)
            undrawn |= {one for one in found[1] if not one.isascii()}
            continue
        if isinstance(made, bytes):
            return made
    raise PageUndrawn


def _drawable(text: str, undrawn: set[str], *, far: bool) -> str:
    if text.isascii() or not undrawn:
        return text
    return "".join(f"U+{ord(one):04X} " if one in undrawn or (far and ord(one) > _FAR) else one for one in text)


def _mapped(value: Any, undrawn: set[str], *, far: bool) -> Any:
    if isinstance(value, str):
        return _drawable(value, undrawn, far=far)
    if isinstance(value, Mapping):
        return {name: _mapped(part, undrawn, far=far) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(part, undrawn, far=far) for part in value]
    return value
