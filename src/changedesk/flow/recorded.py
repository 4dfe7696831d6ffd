"""Records that arrive with their evidence: what is handed in, what comes back, and what is settled beforehand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec.structs import replace

from changedesk.base.actor import Actor, Channel
from changedesk.base.ids import ChangeId, SubjectId
from changedesk.base.json import Value
from changedesk.base.refusal import Refusal
from changedesk.flow.asking import Gone
from changedesk.flow.parties import survivors
from changedesk.kinds import ManyBad, not_held
from changedesk.rules.fields import Catalogue
from changedesk.rules.values import BadValue, Strictness, normalise, screen_text
from changedesk.store import imported, once, subjects
from changedesk.store.imported import SourceRow
from changedesk.store.once import Once
from changedesk.store.subjects import Subject
from changedesk.store.tx import Tx


class _Unknown(Enum):
    UNKNOWN = "unknown"


PLATFORM_ID: Final = "platform_id"
"""Tag of fields that hold the numbers of other platforms: by chance one may look like a card's."""
UNKNOWN: Final = _Unknown.UNKNOWN
"""The record's old value was not told, so it is not compared."""


class OldDiffers(Refusal):
    """The record does not hold the old value that was given, so this change does not fit it.

    ``data``: paths.
    """

    code = "old-differs"
    hint = "Read the fields named here as they are now, and send the change that leads from there."
    status = "stale"


class RowChanged(Refusal):
    """This row of the source was taken in before, with another content."""

    code = "row-changed"
    hint = "Send what changed as a change of that customer, not as a new row."
    status = "conflict"


class FieldTwice(Refusal):
    """A field is named twice in one change."""

    code = "field-twice"
    hint = "Send two changes, in the order in which they happened."


class RangeEmpty(Refusal):
    """A value's validity ends before it starts."""

    code = "range-empty"
    hint = "Give an end that lies after the start, or none."


@dataclass(frozen=True, slots=True)
class NewAccount:
    number: str = field(repr=False)
    role: str = "holder"
    values: Mapping[str, object] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCustomer:
    """A customer to take in, with the accounts they hold. An account number that is known gains a holder."""

    values: Mapping[str, object] = field(repr=False)
    accounts: Sequence[NewAccount] = ()
    region: str | None = None
    lenient: bool = False
    once: Once | None = None
    source: SourceRow | None = None
    channel: Channel = Channel.API
    valid_from: datetime | None = None


class Created(msgspec.Struct, frozen=True, kw_only=True):
    subject: SubjectId
    accounts: tuple[SubjectId, ...] = ()
    change: ChangeId | None = None
    version: int = 1
    leaf: str = ""
    replayed: bool = False
    unchanged: bool = False
    """Known already. False without ``change``: the part of a file that it is of took it in, and is begun again."""
    merged_from: SubjectId | None = None
    """The record that was named, where it was merged into this one."""

    def reply(self) -> dict[str, Any]:
        return {
            "subject": str(self.subject),
            "accounts": [str(item) for item in self.accounts],
            "change": str(self.change),
            "version": self.version,
            "leaf": self.leaf,
        }

    @classmethod
    def replay(cls, reply: Mapping[str, Any]) -> "Created":
        return cls(
            subject=SubjectId(UUID(reply["subject"])),
            accounts=tuple(SubjectId(UUID(item)) for item in reply["accounts"]),
            change=ChangeId(UUID(reply["change"])),
            version=reply["version"],
            leaf=reply["leaf"],
            replayed=True,
        )


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """One field's change. ``new`` None removes; ``old`` is compared unless UNKNOWN; no ``valid_to`` is for good."""

    path: str
    new: object
    old: object = UNKNOWN
    valid_from: datetime | None = None
    valid_to: datetime | None = None

    def __repr__(self) -> str:
        """Name the field only: a representation ends in logs, values must not."""
        return f"FieldChange({self.path!r})"


class RecordedChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change that was made and evidenced elsewhere. ``evidence`` holds opaque ids and references only."""

    subject: SubjectId
    changes: Sequence[FieldChange]
    reason: str = "system_migration"
    evidence: Mapping[str, str] = {}
    verbatim: bool = False
    once: Once | None = None
    source: SourceRow | None = None
    channel: Channel = Channel.API


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    subject: SubjectId
    change: ChangeId | None = None
    version: int = 0
    leaf: str = ""
    replayed: bool = False
    unchanged: bool = False
    merged_from: SubjectId | None = None
    """The record that was named, where it was merged into this one."""

    def reply(self) -> dict[str, Any]:
        return {
            "subject": str(self.subject),
            "change": str(self.change),
            "version": self.version,
            "leaf": self.leaf,
            **({} if self.merged_from is None else {"merged_from": str(self.merged_from)}),
        }

    @classmethod
    def replay(cls, reply: Mapping[str, Any]) -> "Recorded":
        return cls(
            subject=SubjectId(UUID(reply["subject"])),
            change=ChangeId(UUID(reply["change"])),
            version=reply["version"],
            leaf=reply["leaf"],
            replayed=True,
            merged_from=SubjectId(UUID(reply["merged_from"])) if "merged_from" in reply else None,
        )


Item = NewCustomer | RecordedChange


@dataclass(slots=True)
class Taken:
    """What a batch knows of its items before it writes: keys claimed, rows known, what is settled already."""

    refused: dict[int, Refusal] = field(default_factory=dict)
    settled: dict[int, Any] = field(default_factory=dict)
    claims: dict[int, once.Claim] = field(default_factory=dict)
    marks: dict[int, imported.Mark] = field(default_factory=dict)
    """What source rows are remembered by."""
    repeats: dict[int, int] = field(default_factory=dict)
    """Place of a source row that the batch holds a second time, to the place of the first."""
    held: dict[SubjectId, Subject] | None = None
    """The subjects of what goes on, where they were locked with the keys, or before the rows."""

    def rest(self, items: Sequence[Any]) -> list[tuple[int, Any]]:
        known = self.refused.keys() | self.settled.keys() | self.repeats.keys()
        return [(place, item) for place, item in enumerate(items) if place not in known]


def take(tx: Tx, items: Sequence[Item], actor: Actor, again: Any) -> Taken:
    """Settle what was answered or taken in before: ``again`` makes the result of a kept reply."""
    taken = Taken()
    keyed = [(place, item.once) for place, item in enumerate(items) if item.once is not None]
    if keyed:
        for (place, _), claim in zip(keyed, _claims(tx, items, keyed, taken, actor), strict=True):
            if isinstance(claim, Refusal):
                taken.refused[place] = claim
            elif claim.reply is not None:
                taken.settled[place] = again.replay(claim.reply)
            else:
                taken.claims[place] = claim
    rows = [(place, item.source) for place, item in taken.rest(items) if item.source is not None]
    if rows:
        if taken.held is None:
            # Locked before it is asked which rows are known: another import of the same rows is waited for.
            changed = {item.subject for _, item in taken.rest(items) if isinstance(item, RecordedChange)}
            taken.held = subjects.hold(tx, changed) if changed else None
        _take_rows(tx, rows, taken, again)
    return taken


def _claims(
    tx: Tx, items: Sequence[Item], keyed: Sequence[tuple[int, Once]], taken: Taken, actor: Actor
) -> list[once.Claim | Refusal]:
    changes = [item for item in items if isinstance(item, RecordedChange)]
    if len(changes) < len(items) or len(keyed) < len(items):
        return once.claim(tx, actor.id, [key for _, key in keyed])
    calls = [(key, item.subject) for (_, key), item in zip(keyed, changes, strict=True)]
    claims, taken.held = once.claim_holding(tx, actor.id, calls)
    return claims


def _take_rows(tx: Tx, rows: Sequence[tuple[int, SourceRow]], taken: Taken, again: Any) -> None:
    marks = imported.marks(tx, [row for _, row in rows])
    known = imported.known(tx, marks)
    met = subjects.load(tx, {found.subject for found in known if found is not None})
    into = survivors(tx, met.values())
    first: dict[tuple[str, bytes], tuple[int, bytes]] = {}
    for (place, _), mark, found in zip(rows, marks, known, strict=True):
        taken.marks[place] = mark
        before, body = first.setdefault((mark.source, mark.row), (place, mark.body))
        if found is not None and met[found.subject].key is None:
            taken.refused[place] = Gone()
        elif found is not None and found.same_body:
            to = into.get(found.subject)
            taken.settled[place] = again(
                subject=to or found.subject,
                unchanged=not found.same_part,
                merged_from=None if to is None else found.subject,
            )
        elif found is not None or body != mark.body:
            taken.refused[place] = RowChanged()
        elif before != place:
            taken.repeats[place] = before


def settle(tx: Tx, taken: Taken, done: Mapping[int, Any], actor: Actor, at: datetime) -> dict[int, Any]:
    """Remember keys and rows of what was written, in the transaction that wrote it; return all results by place."""
    once.record(
        tx, actor.id, [(claim, done[place].reply()) for place, claim in taken.claims.items() if place in done], at=at
    )
    imported.take(tx, [(taken.marks[place], one.subject) for place, one in done.items() if place in taken.marks])
    for place, before in taken.repeats.items():
        if before in done:
            taken.settled[place] = replace(done[before], unchanged=True)
        else:
            taken.refused[place] = taken.refused[before]
    return {**taken.settled, **done}


def read(
    catalogue: Catalogue, raw: Mapping[str, object], *, region: str, today: date, lenient: bool = False
) -> dict[str, Value]:
    """Return values as the fields hold them; ``today`` is the client's. Raises ManyBad with every one not taken."""
    bad: dict[str, Refusal] = {}
    values: dict[str, Value] = {}
    strictness = Strictness.LENIENT if lenient else Strictness.STRICT
    for path, given in raw.items():
        if unfit := not_held(catalogue, path):
            bad["/" + path] = unfit
            continue
        try:
            values[path] = normalise(catalogue[path], given, region=region, today=today, strictness=strictness)
        except BadValue as refusal:
            bad[refusal.pointer] = refusal
    if bad:
        raise ManyBad(bad)
    return values


def verbatim(catalogue: Catalogue, raw: Mapping[str, object]) -> dict[str, Value]:
    """Take text as it was recorded elsewhere: what was true there is not corrected here."""
    unfit = {"/" + path: bad for path in raw if (bad := not_held(catalogue, path)) is not None}
    if unfit:
        raise ManyBad(unfit)
    # A card number is refused in whatever form it comes, but for fields of numbers that other platforms give.
    cards: dict[str, Refusal] = {
        "/" + path: BadValue(path=path, reason="card_number")
        for path, value in raw.items()
        if PLATFORM_ID not in catalogue[path].tags and value is not None and screen_text(str(value)).findings
    }
    if cards:
        raise ManyBad(cards)
    return {path: as_text(value) for path, value in raw.items()}


def as_text(value: object) -> str | None:
    """Return what was recorded elsewhere as its text; nothing where it holds none."""
    return None if value is None or value == "" else str(value)
