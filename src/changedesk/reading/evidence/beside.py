"""What a bundle says of records beside their entries: the person's own statements, where a correction was refused.

They go with every later disclosure of the record (45 CFR 164.526(d)(5), 34 CFR 99.21(c)): in the person's words where
values are shown, else as the fact that there is one. The file of each is named by its SHA-256.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from changedesk.ledger.value import Json
from changedesk.store import links, subject_requests, subjects
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look

ATTACHED: Final = "attachments"


@dataclass(frozen=True, slots=True)
class Beside:
    """``told``: {record, request, at, file, text} of each statement; file and text are empty where it is not shown."""

    told: tuple[dict[str, Json], ...]
    files: dict[str, bytes]


def attachment(text: bytes) -> str:
    """Return the name of an attached text in a bundle."""
    return f"{ATTACHED}/{sha256(text).hexdigest()}.txt"


def statements(look: Look, about: Iterable[Subject], *, shown: bool) -> Beside:
    """Return the statements beside some records, and beside what was merged into them."""
    told: list[dict[str, Json]] = []
    files: dict[str, bytes] = {}
    for subject in _family(look, about):
        for one in subject_requests.statements(look, subject):
            text = one.text if shown else ""
            data = text.encode()
            name = attachment(data) if shown else ""
            files |= {name: data} if shown else {}
            said: dict[str, Json] = {"record": str(subject.id), "request": one.ref, "at": one.written_at.isoformat()}
            told.append({**said, "file": name, "text": text})
    return Beside(tuple(told), files)


def _family(look: Look, about: Iterable[Subject]) -> list[Subject]:
    found = {one.id: one for one in about}
    found |= subjects.load(look, {id_ for one in found for id_ in links.family(look, one)} - found.keys())
    return list(found.values())
