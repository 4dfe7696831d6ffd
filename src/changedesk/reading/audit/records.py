"""Every record: its chain of versions, the values that its entries commit to, its state, its own row, its look-ups."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from changedesk.base.clock import micros
from changedesk.ledger.audit import Fault, State
from changedesk.ledger.redact import fits
from changedesk.ledger.value import decode_value
from changedesk.reading.audit.entries import UNSOUND
from changedesk.reading.audit.run import Run
from changedesk.store import audit as store
from changedesk.store import keys
from changedesk.store.audit import Tag
from changedesk.store.history import STATUS_FIELD

_FIRST: Final = {"customer": "customer.created", "account": "account.created", "desk": "desk.opened"}


class Record:
    """One record, on its way through its versions."""

    def __init__(self, run: Run, row: Any) -> None:
        self.run = run
        self.row = row
        self.state = State()
        self.whole = True
        """Whether the history gives a state: nothing of it was forgotten, and nothing is wrong with it."""
        self.lost: list[tuple[int, UUID]] = []
        self.redacted: list[tuple[int, UUID]] = []
        self.wrong: list[tuple[Fault, int, UUID, str]] = []
        self.last: Any = None
        try:
            self.key: keys.SubjectKey | None = store.key_of(run.seen, row)
            self.tombstone = False
        except keys.Erased:
            self.key, self.tombstone = None, True
        except UNSOUND:
            self.key, self.tombstone = None, False

    def take(self, version: Any) -> None:
        """Audit the next version."""
        before = 0 if self.last is None else self.last.ver
        if version.ver != before + 1:
            self._bad(Fault.CHAIN, version, f"version {before + 1}")
        if before == 0 and (version.kind, version.recorded_at) != (_FIRST.get(self.row.type), self.row.created_at):
            self._bad(Fault.SUBJECT, version, "type created_at")
        self.last = version
        if self.key is None or version.ct is None:
            self._missing(version)
            return
        try:
            payload = store.payload_of(self.run.seen, self.row.id, version, self.key)
            sound = payload is not None and fits(payload, bytes(version.fields_hash))
        except UNSOUND:
            payload, sound = None, False
        if payload is None or not sound:
            self._bad(Fault.VALUES, version)
            return
        if payload.proof is not None:
            self.redacted.append((version.id, version.change_id))
        elif store.paths(payload.assertions) != version.fields:
            self._bad(Fault.CLEAR, version, "fields")
        self.state.carry(version.ver, micros(version.recorded_at), payload.assertions)
        told = payload.snapshot is not None and self.whole and not self.redacted
        if told and payload.snapshot != self.state.snapshot():
            self._bad(Fault.STATE, version, "snapshot")

    def _missing(self, version: Any) -> None:
        if self.key is None and not self.tombstone:
            self._bad(Fault.VALUES, version, "key")
        else:
            self.lost.append((version.id, version.change_id))
        self.whole = False

    def _bad(self, fault: Fault, version: Any, about: str = "") -> None:
        self.wrong.append((fault, version.id, version.change_id, about))
        self.whole = self.whole and fault is Fault.CLEAR

    def end(self) -> None:
        """Hold the record's own row against its last version."""
        row, last = self.row, self.last
        if last is None or row.ver > last.ver:
            # What is gone has its own place in the log; here only that it was there is known.
            self.run.bad(Fault.CHAIN, None, None if last is None else last.change_id, f"up to version {row.ver}")
            self.whole = False
            return
        if (row.ver, bytes(row.head_leaf)) != (last.ver, bytes(last.leaf_hash)):
            self._bad(Fault.SUBJECT, last, "ver head_leaf")
        if row.key_of != row.id:
            self._bad(Fault.SUBJECT, last, "key")
        if self.key is None or not self.whole:
            return
        try:
            state, dated = store.state_of(self.run.seen, row)
        except UNSOUND:
            self._bad(Fault.STATE, last, "state_ct")
            return
        if state != self.state.held or dated is not self.state.dated:
            self._bad(Fault.STATE, last, "state_ct")
        elif row.status != self._status():
            self._bad(Fault.SUBJECT, last, "status")

    def _status(self) -> str:
        held = self.state.held.get(STATUS_FIELD)
        return "active" if held is None else str(decode_value(held[0]))

    def tags(self) -> tuple[set[Tag], set[Tag]]:
        """Return the rows of the blind index that the state asks for, and those that it allows beside them."""
        texts = {path: text for path, (text, _) in self.state.held.items()}
        needed: set[Tag] = set()
        allowed: set[Tag] = set()
        for index, term in self.run.terms.of(texts):
            must, may = store.tags(self.run.seen, index, term)
            needed.add(must)
            allowed.update(may)
        return needed, allowed


class Lookups:
    """The blind index, followed record by record in order of their ids."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._rest: Iterator[tuple[UUID, set[Tag]]] = iter(store.lookups(run.seen))
        self._next = next(self._rest, None)

    def of(self, subject: UUID) -> set[Tag]:
        """Return the rows that lead to a record; those passed over lead to none that there is."""
        while self._next is not None and self._next[0] < subject:
            self.run.bad(Fault.LOOKUP, None, about="no record")
            self._next = next(self._rest, None)
        if self._next is None or self._next[0] != subject:
            return set()
        found = self._next[1]
        self._next = next(self._rest, None)
        return found

    def end(self) -> None:
        """Look at what is left behind the last record."""
        self.of(UUID(int=2**128 - 1))


def check(run: Run, ids: Iterable[Sequence[UUID]], *, whole: bool) -> int:
    """Audit records, given in lists in order of their ids; return how many. ``whole``: these are all there are."""
    lookups = Lookups(run) if whole else None
    count = 0
    for some in ids:
        made = {row.id: Record(run, row) for row in store.subject_rows(run.seen, some)}
        for subject, versions in groupby(store.versions(run.seen, some), key=lambda row: row.subject_id):
            for version in versions:
                made[subject].take(version)
        for record in made.values():
            record.end()
        _look_ups(run, list(made.values()), lookups)
        _tell(run, list(made.values()))
        count += len(made)
        run.tell(0.5, f"{count:,} records")
    if lookups is not None:
        lookups.end()
    return count


def _look_ups(run: Run, records: Sequence[Record], lookups: Lookups | None) -> None:
    sound = [one for one in records if one.whole and one.key is not None]
    if lookups is None:
        missing = store.lookups_missing(run.seen, [(one.row.id, tag) for one in sound for tag in one.tags()[0]])
        wrong = [one for one in sound if one.row.id in missing]
    else:
        found = {one.row.id: lookups.of(one.row.id) for one in records}
        wrong = [one for one in sound if not _fit(found[one.row.id], *one.tags())]
        wrong += [one for one in records if one.tombstone and one.last is not None and found[one.row.id]]
    for one in wrong:
        one.wrong.append((Fault.LOOKUP, one.last.id, one.last.change_id, ""))


def _fit(found: set[Tag], needed: set[Tag], allowed: set[Tag]) -> bool:
    return needed <= found <= needed | allowed


def _tell(run: Run, records: Sequence[Record]) -> None:
    """Take in what is wrong with some records, at the places of the entries that it shows at."""
    lawful = [
        one.row.id for one in records if one.lost or one.redacted or one.tombstone or one.row.erased_at is not None
    ]
    forgotten = store.forgotten(run.seen, lawful) if lawful else set()
    wrong = [item for one in records for item in one.wrong]
    for one in records:
        if one.row.id not in forgotten:
            wrong += [(Fault.VALUES_GONE, entry, change, "") for entry, change in (*one.lost, *one.redacted)]
            if one.row.erased_at is not None and one.last is not None:
                wrong.append((Fault.SUBJECT, one.last.id, one.last.change_id, "erased_at"))
    places = store.places(run.seen, [entry for _, entry, _, _ in wrong]) if wrong else {}
    for fault, entry, change, about in wrong:
        run.bad(fault, places.get(entry), change, about)
