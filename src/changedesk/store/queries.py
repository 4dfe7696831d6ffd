"""Named SQL: a file of ``store/sql`` for each subject, each query under ``-- name: subject.verb`` and a reason."""

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from changedesk.store.arrays import array_types

_NAME: Final = re.compile(r"^-- name: ([a-z_]+\.[a-z_]+)\n", re.MULTILINE)
_COMMENT: Final = re.compile(r"^\s*--.*\n?", re.MULTILINE)


def _load() -> Mapping[str, bytes]:
    found: dict[str, bytes] = {}
    for source in sorted((files("changedesk.store") / "sql").iterdir(), key=lambda item: item.name):
        if not source.name.endswith(".sql"):
            continue
        parts = _NAME.split(source.read_text("utf-8"))
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            if name in found:
                raise ValueError(f"two queries are named {name}")
            found[name] = _COMMENT.sub("", text).strip().encode()
    return found


SQL: Final[Mapping[str, bytes]] = _load()
ARRAYS: Final[Mapping[str, Mapping[str, str]]] = {name: array_types(text) for name, text in SQL.items()}
"""Of each query, the parameters that are arrays, with the type of their elements."""
