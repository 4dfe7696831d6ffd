"""Auditing a client's whole log: every entry, tile, root and checkpoint, every chain, state and look-up.

Nothing is believed but the keys outside of the database: what a checkpoint signed, what seals open, what both commit
to. All of it is read in one snapshot, in stretches, so the memory that is needed does not grow with the log.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.ids import ChangeId, ClientId
from changedesk.base.refusal import NotFound, Refusal
from changedesk.ledger import note as notes
from changedesk.ledger.audit import MOST_FINDINGS, Fault, Finding, Roots
from changedesk.ledger.checkpoint import parse
from changedesk.ledger.cosignature import AnyVerifier
from changedesk.ledger.note import NoteRefused
from changedesk.ledger.tiles import WIDTH, hash_reader
from changedesk.ledger.tree import Frontier, Node, leaf_hash
from changedesk.reading.audit import entries, evidence, records, signed
from changedesk.reading.audit.run import Run, Tell
from changedesk.reading.published import NotPublished
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.store import audit as store
from changedesk.store import audits, keys, log_keys, past, published, tile_files
from changedesk.store.audits import AuditRun
from changedesk.store.settings_read import client as client_of
from changedesk.store.settings_read import configuration
from changedesk.store.terms import Terms
from changedesk.store.tile_files import INSTALLATION, Folder, Missing
from changedesk.store.tx import Look, look

_TOUCHED: Final = 256
_WRITTEN: Final = timedelta(minutes=1)
"""After this time a signed checkpoint stands among the published files."""


class StartUnknown(Refusal):
    """The audit cannot start there: the published files up to that place are missing, or the log is shorter.

    ``data``: since, size.
    """

    code = "audit-start-unknown"
    hint = "Audit the whole log: leave out where to start."


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an audit came to: of the entries from ``start`` to before ``size``, and the tree's root (hex) at that size.

    ``published`` is how many entries were signed for. ``count`` is how much was found; ``findings`` the first of it,
    first place first.
    """

    start: int
    size: int
    root: str
    origin: str
    published: int
    records: int
    count: int
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.count

    @property
    def first(self) -> Finding | None:
        """The first bad entry."""
        return next(iter(self.findings), None)


@dataclass(frozen=True, slots=True)
class Given:
    """What is held against the log beside what it says itself.

    ``shown``: the checkpoint of the published files, read ahead of the database. ``kept``: checkpoints that somebody
    kept elsewhere. ``witnesses``: the keys of those who cosign.
    """

    folder: Folder
    shown: bytes = b""
    kept: Sequence[bytes] = ()
    witnesses: Sequence[AnyVerifier] = ()
    at: datetime | None = None


def audit(
    *,
    actor: Actor,
    at: datetime,
    since: int = 0,
    until: int | None = None,
    kept: Sequence[bytes] = (),
    witnesses: Sequence[AnyVerifier] = (),
    tell: Tell = lambda _share, _note: None,
) -> Verdict:
    """Audit the actor's client's log: all of it, or entries and the records that they are about.

    ``since``: from this entry on. ``until``: to before that one, and on to a checkpoint that covers it. Raises
    Forbidden, StartUnknown.
    """
    _require(actor)
    folder = tile_files.of_client(actor.client)
    # Before the snapshots: what is published by now, they hold too.
    given = Given(folder, _shown(folder), kept, witnesses, at)
    with ExitStack() as first:
        installation = first.enter_context(look(INSTALLATION))
        with look(actor.client) as seen:
            # A transaction that waits for the other one's records would be ended by the server.
            return examine(seen, installation, given, since=since, until=until, tell=tell, told=first.close)


def place_of(change: ChangeId, *, actor: Actor) -> int:
    """Return the place of an entry in the log. Raises Forbidden, NotFound, NotPublished for one that has none yet."""
    _require(actor)
    with look(actor.client) as seen:
        row = past.by_change(seen, change)
    if row is None:
        raise NotFound
    if row.idx is None:
        raise NotPublished
    return int(row.idx)


def runs(*, actor: Actor, limit: int = 20) -> list[AuditRun]:
    """Return the last audits that were made on schedule, newest first. Raises Forbidden."""
    _require(actor)
    with look(actor.client) as seen:
        return audits.newest(seen, limit=limit)


def examine(
    seen: Look,
    installation: Look,
    given: Given,
    *,
    since: int = 0,
    until: int | None = None,
    tell: Tell = lambda _share, _note: None,
    told: Callable[[], None] = lambda: None,
) -> Verdict:
    """Audit what two transactions see: the client's, and one of the installation that is not newer.

    ``told`` is called once the installation's has told all it can.
    """
    keys.forget()
    with suppress(*entries.UNSOUND):
        # The phases that keys are in are part of the picture: as this transaction sees them, not as others do by now.
        keys.of_client(seen, anew=True)
    run = Run(seen, installation, given.folder, terms_for(seen.client), tell, witnesses=given.witnesses)
    start = since - since % WIDTH
    size, frontier = store.head(seen)
    covered = _signed(run, given)
    roots = Roots(_frontier(run, start, covered, since, size))
    end = size if until is None else _covering(seen, until, size)
    entries.check(run, roots, end, covered)
    if end == size:
        signed.beyond(run, size)
        if roots.frontier.to_bytes() != (frontier if size else Frontier().to_bytes()):
            run.bad(Fault.HEAD, max(size - 1, 0))
    told()
    if start or until is not None:
        touched = _touched(seen, since, size if until is None else min(until, size))
        count = records.check(run, touched, whole=False)
    else:
        _unplaced(run, size)
        count = records.check(run, store.subject_ids(seen), whole=True)
        evidence.unspoken(run)
    return Verdict(
        start, end, roots.frontier.root().hex(), run.origin, covered, count, run.found.count,
        tuple(run.found.in_order()[:MOST_FINDINGS]),
    )  # fmt: skip


def _require(actor: Actor) -> None:
    access.require(actor, Verb.FEED_READ if access.may(actor, Verb.FEED_READ) else Verb.CONFIGURE_READ)


def _covering(seen: Look, until: int, size: int) -> int:
    """Return the size of a checkpoint that covers a place, the whole log's where none near it does."""
    near = store.checkpoints(seen, until - 1, until + store.AT_ONCE)
    return min(near[0].size if near else size, size)


def terms_for(client: ClientId) -> Terms:
    """Return under which terms records must be found."""
    return Terms(configuration(client).catalogue)


def _shown(folder: Folder) -> bytes:
    try:
        return folder.checkpoint()
    except Missing:
        return b""


def _signed(run: Run, given: Given) -> int:
    """Learn whom to believe and what was kept; return how many entries are published."""
    newest = published.signed(run.seen)
    run.origin = _origin(run.seen, given.shown, newest)
    try:
        run.verifiers = log_keys.verifiers(run.seen, run.origin)
    except entries.UNSOUND:
        run.bad(Fault.CHECKPOINT, None, about="the log's key")
    for note in (given.shown, *given.kept):
        found = signed.believed(run, note) if note else None
        if found is not None:
            run.kept[found.size] = found.root
        elif note:
            run.bad(Fault.CHECKPOINT, None, about="a checkpoint that the log's key did not sign")
    shown = signed.believed(run, given.shown) if given.shown else None
    run.published = 0 if shown is None else shown.size
    if newest is None:
        return 0
    stale = run.published <= newest[0] and not given.shown.startswith(newest[2])
    if stale and not _being_written(run, given, newest[0]):
        run.bad(Fault.CHECKPOINT, newest[0] - 1, about="the published checkpoint is not the newest")
    return newest[0]


def _being_written(run: Run, given: Given, size: int) -> bool:
    """Say whether the newest checkpoint is so young that its file may not be there yet."""
    (newest,) = store.checkpoints(run.seen, size - 1, size)
    return given.at is not None and given.at < newest.begun_at + _WRITTEN and run.published < size


def _origin(seen: Look, shown: bytes, newest: tuple[int, bytes, bytes] | None) -> str:
    for note in (b"" if newest is None else newest[2], shown):
        try:
            return parse(notes.parse(note).text).origin
        except NoteRefused:
            continue
    return "" if seen.client == INSTALLATION else client_of(seen.client).origin


def _frontier(run: Run, start: int, covered: int, since: int, size: int) -> Frontier:
    """Return the tree's right edge where the audit starts, from the published files: a signed root lies above it."""
    if not start:
        return Frontier()
    if since > size or start > covered:
        raise StartUnknown(since=since, size=size)
    nodes: list[Node] = []
    at = 0
    for level in range(63, -1, -1):
        if start >> level & 1:
            nodes.append((level, at >> level))
            at += 1 << level
    try:
        return Frontier(start, tuple(hash_reader(covered, run.folder.read)(nodes)))
    except (Missing, ValueError):
        raise StartUnknown(since=since, size=size) from None


def _touched(seen: Look, start: int, size: int) -> Iterator[list[UUID]]:
    """Give the records that entries from a place on are about, in lists in order of their ids."""
    found: set[UUID] = set()
    for low in range(start, size, store.AT_ONCE):
        rows = store.entries(seen, low, min(low + store.AT_ONCE, size))
        found |= {row.subject_id for row in rows if row.id is not None}
    ordered = sorted(found)
    for at in range(0, len(ordered), _TOUCHED):
        yield ordered[at : at + _TOUCHED]


def _unplaced(run: Run, size: int) -> None:
    """Audit the entries that wait for their place in the log, and find those that nobody will give one."""
    rows = store.unplaced(run.seen)
    known = entries.observed(run, rows)
    spoken: list[evidence.Spoken] = []
    for row in rows:
        if not row.queued:
            run.bad(Fault.UNLOGGED, None, row.change_id)
        own = published.document(row)
        if own is None or leaf_hash(own) != row.leaf_hash:
            run.bad(Fault.ALTERED, None, row.change_id)
        facts = entries.inside(run, None, row, known)
        if facts is not None:
            spoken.append(evidence.Spoken(None, row, facts))
    evidence.check(run, spoken)
    for stray in store.strays(run.seen, size):
        run.bad(Fault.UNLOGGED, None, about=stray.what)
