"""Auditing a log (ledger design, section 5): what can be wrong with it, and which entry is the first that is wrong.

Pure: whoever holds the documents, the checkpoints and the keys can check them with this alone. The tree is that of
RFC 9162, section 2.1; a checkpoint is believed for the log's key only.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from changedesk.ledger.commitment import BEGINNING, FOREVER, Assertion
from changedesk.ledger.entry import Malformed, parse
from changedesk.ledger.tree import Frontier, leaf_hash

MOST_FINDINGS: Final = 100
"""So many are kept: the first is what matters, and a log that was rewritten is wrong everywhere."""


class Fault(StrEnum):
    """What is wrong."""

    MISSING = "entry-missing"
    ALTERED = "entry-altered"
    CHAIN = "chain-broken"
    UNLOGGED = "entry-not-logged"
    FILE = "file-differs"
    ROOT = "root-differs"
    CHECKPOINT = "checkpoint-differs"
    HEAD = "head-differs"
    VALUES = "values-altered"
    VALUES_GONE = "values-missing"
    WHO = "circumstances-altered"
    CLEAR = "columns-differ"
    STATE = "state-differs"
    LOOKUP = "lookup-differs"
    SUBJECT = "subject-differs"
    EVIDENCE = "evidence-differs"

    @property
    def sentence(self) -> str:
        """Say it to people."""
        return _SENTENCES[self]


_SENTENCES: Final = {
    Fault.MISSING: "The log has no entry at this place.",
    Fault.ALTERED: "The entry is not the one that was logged.",
    Fault.CHAIN: "The version before this one is missing, or another one than this entry was built on.",
    Fault.UNLOGGED: "There is an entry that the log does not hold.",
    Fault.FILE: "A published file is not what the entries give.",
    Fault.ROOT: "The entries do not give the root that was signed.",
    Fault.CHECKPOINT: "A checkpoint is gone, or is not what the log's key signed.",
    Fault.HEAD: "The head of the log is not what its entries give.",
    Fault.VALUES: "The sealed values do not open, or are not what the entry commits to.",
    Fault.VALUES_GONE: "The sealed values are gone, and no erasure is recorded.",
    Fault.WHO: "The sealed who, how and why does not open, or is not what the entry commits to.",
    Fault.CLEAR: "What stands in clear beside the entry is not what is sealed in it.",
    Fault.STATE: "The state of the record is not what its history gives.",
    Fault.LOOKUP: "The record can be looked up by something else than its state.",
    Fault.SUBJECT: "The record's own row is not what its history gives.",
    Fault.EVIDENCE: "A request, a consent or a decision is not what the entries say of it.",
}


_EXPLAINS: Final = {Fault.MISSING, Fault.ALTERED, Fault.CHAIN, Fault.FILE, Fault.VALUES, Fault.WHO}
"""What may be why the root of a stretch is another one."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong, at the entry that it shows at.

    ``index`` is the place in the log, None for what has none. With ``until`` it is somewhere from ``index`` to before
    ``until``. ``about`` names columns, files or sizes, never a value.
    """

    fault: Fault
    index: int | None
    change: UUID | None = None
    about: str = ""
    until: int | None = None


class Findings:
    """Collects findings; keeps the first MOST_FINDINGS of them, and always the first by place."""

    def __init__(self) -> None:
        self.count = 0
        self.kept: list[Finding] = []

    def add(self, one: Finding) -> None:
        """Take a finding in."""
        self.count += 1
        self.kept.append(one)
        if len(self.kept) > 2 * MOST_FINDINGS:
            self.kept = self.in_order()[:MOST_FINDINGS]

    def in_order(self) -> list[Finding]:
        """Return what was found, first place first.

        Of a stretch of which a single entry is known to be wrong, the entry is told and the stretch is not.
        """
        exact = [one for one in self.kept if one.until is None]
        places = {one.index for one in exact if one.index is not None and one.fault in _EXPLAINS}
        wide = [
            one for one in self.kept
            if one.until is not None and not any((one.index or 0) <= place < one.until for place in places)
        ]  # fmt: skip
        return sorted([*exact, *wide], key=_place)

    @property
    def first(self) -> Finding | None:
        """The first bad entry, None when nothing was found."""
        return next(iter(self.in_order()), None)


def _place(one: Finding) -> tuple[int, int]:
    # What has no place in the log comes last: it is told when nothing in the log itself is wrong.
    return (1, 0) if one.index is None else (0, one.index)


class Roots:
    """Grows the tree leaf by leaf and holds it against checkpoints."""

    def __init__(self, frontier: Frontier) -> None:
        self.frontier = frontier
        self._sound = frontier.size

    def grow(self, hashes: Sequence[bytes], kept: Iterable[tuple[int, bytes]]) -> Iterator[Finding]:
        """Append leaf hashes; give a stretch for each checkpoint that has another root than the tree at its size.

        ``kept``: (size, root) in order of size, of sizes that these leaves reach.
        """
        at = 0
        for size, root in kept:
            upto = at + size - self.frontier.size
            self.frontier = self.frontier.append_many(hashes[at:upto])
            at = upto
            if self.frontier.root() == root:
                self._sound = size
            else:
                yield Finding(Fault.ROOT, min(self._sound, size - 1), about=f"size {size}", until=size)
        self.frontier = self.frontier.append_many(hashes[at:])


class State:
    """A record as its changes leave it, version by version: path to (text, version that set it)."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[bytes, int]] = {}
        self.dated = False
        """Some change said another time than the one it was recorded at."""

    def carry(self, version: int, at_us: int, assertions: Sequence[Assertion]) -> None:
        """Take a change in: what it asserts of the moment it was recorded at holds from here on."""
        for item in assertions:
            start, end = item.valid_from_us, item.valid_to_us
            self.dated |= start != at_us or end != FOREVER
            if start <= at_us < end:
                if item.new is None:
                    self.held.pop(item.path, None)
                else:
                    self.held[item.path] = (item.new, version)

    def snapshot(self) -> list[Assertion] | None:
        """Return what a snapshot of this version says, None where the state does not say all."""
        if self.dated:
            return None
        return [Assertion(path, None, text, BEGINNING, FOREVER) for path, (text, _) in sorted(self.held.items())]


def hash_all(documents: Iterable[bytes]) -> list[bytes]:
    """Return the leaf hash of each document."""
    return [leaf_hash(document) for document in documents]


def change_of(document: bytes | None) -> UUID | None:
    """Return whose document this is, None when it is none."""
    if document is None:
        return None
    try:
        return parse(document).change_id
    except Malformed:
        return None
