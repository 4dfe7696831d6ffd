"""What a viewer may see of a customer. Decided here, once, by the server: what is masked never leaves it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from changedesk.base.actor import Actor, ActorType
from changedesk.base.ids import SubjectId
from changedesk.base.json import Value
from changedesk.base.refusal import NotFound
from changedesk.ledger.value import decode_value
from changedesk.rules import access, identity
from changedesk.rules.access import Verb
from changedesk.rules.fields import WHOLE_NAME, Catalogue, Field, Sensitivity
from changedesk.rules.status import RESTRICTED_BY_LAW
from changedesk.rules.values import displayed, mask
from changedesk.rules.values.text import DOTS
from changedesk.store import links, seen, subjects
from changedesk.store.seen import Glass, Proved, Search, Sighting
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look
from changedesk.store.wire import Call

LEVEL_TO_OPEN: Final = 2
"""What a caller must have proved before a member of staff sees personal values: one real factor."""
CUSTOMERS: Final = frozenset({ActorType.CUSTOMER, ActorType.REPRESENTATIVE})


class Shown(msgspec.Struct, frozen=True):
    """A text ready to show. ``value`` is the plain value behind it, None when it is masked."""

    text: str
    masked: bool
    value: Value = None

    def __repr__(self) -> str:
        """Say nothing of it: a representation ends in logs."""
        return "Shown(...)"


_NOTHING: Final = Shown("", masked=False)


class Sight(msgspec.Struct, frozen=True):
    """What one viewer sees of one customer.

    ``level`` and ``until`` say what the caller on the line has proved to this viewer. ``paths`` are fields that
    are open for another reason: they belong to the request that the viewer decides on.
    """

    everything: bool
    level: int = 0
    until: datetime | None = None
    paths: frozenset[str] = frozenset()
    glass: Glass | None = None
    shown: Sighting | None = None
    """Where what is shown in clear is noted."""

    def __repr__(self) -> str:
        """Say what is open, never what was shown."""
        return f"Sight({self.everything}, {self.level}, {sorted(self.paths)})"

    def opens(self, item: Field) -> bool:
        """Say whether a field's values are shown in clear. Secrets never are."""
        if item.sensitivity is Sensitivity.SECRET:
            return False
        return item.sensitivity is Sensitivity.PUBLIC or self.everything or item.path in self.paths

    def with_paths(self, paths: Collection[str]) -> "Sight":
        return replace(self, paths=self.paths | frozenset(paths))


class Watch:
    """What is being shown to somebody, record by record, so that it can be noted before it leaves the server."""

    def __init__(self) -> None:
        self.searches: list[Search] = []
        self._sightings: dict[SubjectId, Sighting] = {}

    @property
    def views(self) -> list[Sighting]:
        """The records that were opened, and those on a list of which something stands in clear."""
        return [one for one in self._sightings.values() if one.opened or one.fields]

    def of(self, subject: Subject, actor: Actor) -> Sighting | None:
        """Return where to note what is shown of a subject; customers who read what is theirs are not watched."""
        if actor.type is ActorType.CUSTOMER:
            return None
        return self._sightings.setdefault(subject.id, Sighting(subject, actor))


_WATCH: Final[ContextVar[Watch | None]] = ContextVar("watch", default=None)


@contextmanager
def watching() -> Iterator[Watch]:
    """Note what is shown while the block runs."""
    watch = Watch()
    token = _WATCH.set(watch)
    try:
        yield watch
    finally:
        _WATCH.reset(token)


def searched(found: Iterable[Sighting], *, actor: Actor) -> None:
    """Note a search that found people, with what it shows of each."""
    watch, people = _WATCH.get(), tuple(found)
    if watch is not None and people:
        watch.searches.append(Search(actor, people))


class Named(msgspec.Struct, frozen=True):
    """A field as one viewer sees it: what it is called, the word for its type, and its texts so far on this page."""

    label: str
    type: str
    item: Field | None
    """None for one that the catalogue has lost."""
    opens: bool
    texts: dict[bytes | None, Shown]
    write: Callable[[Field, Any, str], str] = mask
    """How its values are written for this viewer."""
    noted: set[str] | None = None
    """Where it is noted that one of them is shown in clear."""

    def __repr__(self) -> str:
        """Name the field, never what it holds."""
        return f"Named({self.label!r})"


class Eyes(msgspec.Struct, frozen=True):
    """A viewer's sight of one customer, with the client's fields and the language to show them in."""

    sight: Sight
    catalogue: Catalogue
    language: str
    fields: dict[str, Named] = {}
    """By path: those that stand on this page so far. ``named`` adds to them."""

    def read(self, path: str, text: bytes | None) -> Shown:
        """Return a stored text as this viewer may see it. On a page most values stand twice: as new, and as old."""
        named = self.named(path)
        return named.texts.get(text) or self.read_first(path, named, text)

    def read_first(self, path: str, named: Named, text: bytes | None) -> Shown:
        """Return a stored text of a field as ``read`` does: one that stands on this page for the first time."""
        shown = _NOTHING if text is None else self._show(path, named, decode_value(text))
        named.texts[text] = shown
        return shown

    def show(self, path: str, value: Value) -> Shown:
        """Return a value as this viewer may see it; a field that the catalogue has lost is dots."""
        return self._show(path, self.named(path), value)

    def _show(self, path: str, named: Named, value: Value) -> Shown:
        if value is None:
            return _NOTHING
        item = named.item
        if item is None:
            return Shown(DOTS, masked=True)
        text = named.write(item, value, self.language)
        if not named.opens:
            return Shown(text, masked=True)
        if named.noted is not None:
            named.noted.add(path)
        return Shown(text, masked=False, value=value)

    def label(self, path: str) -> str:
        """Return what a field is called; its path, when the catalogue has lost it."""
        return self.named(path).label

    def named(self, path: str) -> Named:
        """Return what is known of a field on this page; one that the catalogue has lost is a text."""
        found = self.fields.get(path)
        if found is None:
            item = self.catalogue.fields.get(path)
            if item is None:
                found = Named(path, "text", None, opens=False, texts={})
            else:
                label, opens = item.label_in(self.language), self.sight.opens(item)
                note = None if item.sensitivity is Sensitivity.PUBLIC else self.sight.shown
                noted = None if note is None else note.fields
                found = Named(label, item.type.value, item, opens, {}, displayed(item) if opens else mask, noted)
            self.fields[path] = found
        return found


def of_subjects(
    look: Look,
    wanted: Iterable[Subject],
    *,
    actor: Actor,
    at: datetime,
    holders: Mapping[SubjectId, Collection[SubjectId]] | None = None,
) -> dict[SubjectId, Sight]:
    """Return what the viewer sees of each subject, with one query at most.

    An account, whose ``holders`` are named, is seen as the best verified of them is.
    """
    them, held = list(wanted), holders or {}
    if actor.type is ActorType.STAFF:
        found = _of_staff(look, them, held, actor=actor, at=at)
    else:
        found = {item.id: _without_caller(item.id, actor, held.get(item.id, ())) for item in them}
    watch = _WATCH.get()
    return found if watch is None else {item.id: _watched(watch, item, found[item.id], actor) for item in them}


def _watched(watch: Watch, subject: Subject, view: Sight, actor: Actor) -> Sight:
    note = watch.of(subject, actor)
    if note is not None:
        note.level, note.glass = max(note.level, view.level), note.glass or view.glass
    return replace(view, shown=note)


def _of_staff(
    look: Look,
    them: Sequence[Subject],
    holders: Mapping[SubjectId, Collection[SubjectId]],
    *,
    actor: Actor,
    at: datetime,
) -> dict[SubjectId, Sight]:
    people = {item.id for item in them} | {one for ids in holders.values() for one in ids}
    since = at - identity.CALLER_TTL
    proved, glass = seen.standing(look, sorted(people, key=str), actor=actor.id, since=since, at=at)
    loaded = {item.id: item for item in them}
    missing = {item.subject_id for item in proved} - loaded.keys()
    if missing:
        loaded |= subjects.load(look, missing)
    by_person: dict[SubjectId, Sight] = {}
    for person in {item.subject_id for item in proved}:
        by_person[person] = _of_caller(loaded[person], [c for c in proved if c.subject_id == person], actor, at)
    blind = Sight(everything=False)
    found: dict[SubjectId, Sight] = {}
    for item in them:
        candidates = [by_person.get(one, blind) for one in (item.id, *holders.get(item.id, ()))]
        best = max(candidates, key=lambda one: (one.everything, one.level))
        found[item.id] = best if glass is None else _through_glass(item, best, glass, actor)
    return found


def _through_glass(subject: Subject, view: Sight, glass: Glass, actor: Actor) -> Sight:
    """Return what broken glass lets somebody see: as if a caller had proved its level. Nobody did, so that stays."""
    opens = glass.level >= LEVEL_TO_OPEN and access.may(actor, Verb.VALUE_REVEAL) and not restricted(subject)
    return replace(view, everything=view.everything or opens, glass=glass)


def of_subject(look: Look, subject: Subject, *, actor: Actor, at: datetime) -> Sight:
    """Return what the viewer sees of one customer."""
    return of_subjects(look, [subject], actor=actor, at=at)[subject.id]


def _without_caller(subject: SubjectId, actor: Actor, holders: Collection[SubjectId]) -> Sight:
    if actor.type is ActorType.CUSTOMER:
        return Sight(everything=actor.subject is not None and actor.subject in {subject, *holders})
    if actor.type is ActorType.INTEGRATION:
        return Sight(everything=access.may(actor, Verb.VALUE_REVEAL))
    return Sight(everything=False)


def _of_caller(subject: Subject, proved: Sequence[Proved], actor: Actor, at: datetime) -> Sight:
    """Return what a member of staff sees while the caller they verified is on the line."""
    proofs = [
        identity.Proof(item.method, item.purpose, item.contact_path, item.digest, item.decided_at)
        for item in proved
        if _same_contact(subject, item)
    ]
    level = identity.level(proofs, digest=b"", now=at)
    if level == 0:
        return Sight(everything=False)
    carrying = [item for item in proofs if identity.level([item], digest=b"", now=at) == level]
    until = max(item.confirmed_at for item in carrying) + identity.CALLER_TTL
    everything = level >= LEVEL_TO_OPEN and access.may(actor, Verb.VALUE_REVEAL) and not restricted(subject)
    return Sight(everything, level, until)


def restricted(subject: Subject) -> bool:
    """Say whether a record is stored and not used (GDPR 18(2)): whoever asks, staff see it masked."""
    return subject.values().get(RESTRICTED_BY_LAW) is True


def _same_contact(subject: Subject, item: Proved) -> bool:
    # A code proves the contact point that it went to, and that is the one of record only until it changes.
    if item.contact_path is None or item.contact_version is None:
        return True
    held = subject.state.get(item.contact_path)
    return held is not None and held.ver == item.contact_version


def require(actor: Actor, verb: Verb) -> None:
    """Let the viewer pass who may read such things at all; customers must then be found to be the ones meant."""
    access.require(actor, verb, subject=actor.subject)


def find_asks(subject: SubjectId, *, actor: Actor, at: datetime) -> list[Call]:
    """Return what ``find`` and ``of_subjects`` ask of one customer, and mostly of an account: to be read ahead."""
    return [subjects.one_asks(subject), *_standing_asks([subject], actor=actor, at=at)]


def load_asks(wanted: Sequence[SubjectId], *, actor: Actor, at: datetime) -> list[Call]:
    """Return what ``subjects.load`` and ``of_subjects`` ask of customers, sorted as texts: to be read ahead."""
    return [subjects.load_asks(wanted), *_standing_asks(wanted, actor=actor, at=at)]


def _standing_asks(people: Sequence[SubjectId], *, actor: Actor, at: datetime) -> list[Call]:
    if actor.type is not ActorType.STAFF:
        return []
    return [seen.standing_asks(people, actor=actor.id, since=at - identity.CALLER_TTL, at=at)]


def find(
    look: Look,
    subject: SubjectId,
    *,
    actor: Actor,
    type: str | None = None,  # noqa: A002 - the column's name
    rows: Sequence[Any] | None = None,
) -> tuple[Subject, list[SubjectId]]:
    """Return a subject and, for an account, who holds it. Raises NotFound, also for what is not the customer's own.

    An account that changed hands is not its former holder's any more. ``rows`` as in ``subjects.one``.
    """
    found, holders = subjects.one(look, subject, rows)
    if found is None or found.type == "desk" or (type is not None and found.type != type):
        raise NotFound
    if actor.type in CUSTOMERS and actor.subject not in {subject, *holders}:
        raise NotFound
    watch = _WATCH.get()
    note = None if watch is None else watch.of(found, actor)
    if note is not None:
        note.opened = True
    return found, holders


def survivor(look: Look, subject: SubjectId, *, actor: Actor) -> SubjectId:
    """Return where the id of a merged record leads for this viewer.

    Customers are not led on: what they see is what they proved to be theirs.
    """
    return subject if actor.type in CUSTOMERS else links.survivor_of(look, subject)


def own_since(look: Look, subject: Subject, *, actor: Actor) -> datetime | None:
    """Return from when on an account's history is this customer's to see; None where nothing is kept from the viewer.

    What happened before somebody took an account over belongs to whoever held it then. A merge is no change of hands.
    """
    if actor.type not in CUSTOMERS or subject.type != "account" or actor.subject is None:
        return None
    same = {actor.subject, *(link.merged_id for link in links.of_survivor(look, actor.subject) if link.until is None)}
    held = [item for item in subjects.holders_of(look, [subject.id]) if item.customer in same]
    mine = [item for item in held if item.customer == actor.subject and item.until is None]
    since = min((item.since for item in mine), default=None)
    while since is not None:
        earlier = [item.since for item in held if item.until == since and item.since < since]
        if not earlier:
            break
        since = min(earlier)
    # Entries are kept in whole milliseconds.
    return None if since is None else since.replace(microsecond=since.microsecond // 1000 * 1000)


def title(eyes: Eyes, subject: Subject) -> Shown:
    """Return what a customer is called, as far as this viewer may see; the end of the id where there is no name."""
    state = subject.state
    named = [item.path for item in eyes.catalogue.names if item.path in state]
    whole = named[:1] if named[:1] == [WHOLE_NAME] else named
    shown = [one for one in (eyes.read(path, state[path].text) for path in whole) if one.text]
    if not shown:
        return Shown(f"…{subject.id.hex[-6:]}", masked=False)
    return Shown(" ".join(item.text for item in shown), masked=any(item.masked for item in shown))


def contact(eyes: Eyes, subject: Subject) -> Shown:
    """Return the first contact point that a customer has, as this viewer may see it."""
    paths = (item.path for item in eyes.catalogue.contacts if item.path in subject.state)
    path = next(paths, None)
    return _NOTHING if path is None else eyes.read(path, subject.state[path].text)
