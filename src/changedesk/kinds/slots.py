"""Kinds whose fields repeat in numbered slots: ``device.2.model``. What a change does to each slot."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from changedesk.base.json import State, Value
from changedesk.base.refusal import Refusal
from changedesk.kinds.kind import Proposal
from changedesk.kinds.refusals import SlotIncomplete


@dataclass(frozen=True, slots=True)
class Slots:
    """The slots of one kind: ``device.1`` and on. A slot is in use while its ``key`` part holds something."""

    name: str
    key: str
    needed: tuple[str, ...]
    """The parts without which a slot in use is incomplete, the key among them."""
    begin: str
    change: str
    end: str

    def touched(self, after: Mapping[str, Value]) -> list[str]:
        """Return the slots that values touch, in order; a field beside the slots touches none."""
        part = re.compile(rf"{re.escape(self.name)}\.[0-9]+\.[^.]+")
        return sorted({path.rsplit(".", 1)[0] for path in after if part.fullmatch(path)})

    def operation(self, before: State, after: Mapping[str, Value]) -> str:
        """Return what values do: begin fills a free slot, end empties one, all else changes what is there."""
        done = set()
        for slot in self.touched(after):
            key = f"{slot}.{self.key}"
            if key not in before:
                done.add(self.begin)
            else:
                done.add(self.end if key in after and after[key] is None else self.change)
        return done.pop() if len(done) == 1 else self.change

    def incomplete(self, proposal: Proposal) -> list[Refusal]:
        """Return what stands against the slots that a change leaves in use: parts that are missing."""
        found: list[Refusal] = []
        for slot in self.touched(proposal.after):
            key = f"{slot}.{self.key}"
            ends = key in proposal.before and key in proposal.after and proposal.after[key] is None
            missing = [f"{slot}.{part}" for part in self.needed if proposal.value(f"{slot}.{part}") is None]
            if missing and not ends:
                found.append(SlotIncomplete(missing=missing))
        return found

    def emptied(self, proposal: Proposal) -> dict[str, Value]:
        """Return the rest of the slots that a change ends: with its key, all of a slot goes."""
        follows: dict[str, Value] = {}
        for slot in self.touched(proposal.after):
            key = f"{slot}.{self.key}"
            if key in proposal.before and key in proposal.after and proposal.after[key] is None:
                rest = [path for path in proposal.before if path.rsplit(".", 1)[0] == slot]
                follows |= {path: None for path in rest if path not in proposal.after or proposal.sets(path)}
        return follows
