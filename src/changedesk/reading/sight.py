"""What a viewer may see of a customer. Decided here, once, by the server: what is masked never leaves it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from changedesk.base.actor import Actor, ActorType
from changedesk.base.ids import SubjectId
from changedesk.base.json import Value
from changedesk.base.refusal import NotFound
from changedesk.ledger.value import decode_value
from changedesk.rules import access, identity
from changedesk.rules.access import Verb
from changedesk.rules.fields import Catalogue, Field, FieldType, Sensitivity
from changedesk.rules.status import RESTRICTED_BY_LAW
from changedesk.rules.values import display, mask
from changedesk.rules.values.text import DOTS
from changedesk.store import evidence, links, subjects
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look

LEVEL_TO_OPEN: Final = 2
"""What a caller must have proved before a member of staff sees personal values: one real factor."""
CUSTOMERS: Final = frozenset({ActorType.CUSTOMER, ActorType.REPRESENTATIVE})


@dataclass(frozen=True, slots=True)
class Shown:
    """A text ready to show. ``value`` is the plain value behind it, None when it is masked."""

    text: str
    masked: bool
    value: Value = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Sight:
    """What one viewer sees of one customer.

    ``level`` and ``until`` say what the caller on the line has proved to this viewer. ``paths`` are fields that
    are open for another reason: they belong to the request that the viewer decides on.
    """

    everything: bool
    level: int = 0
    until: datetime | None = None
    paths: frozenset[str] = frozenset()

    def opens(self, item: Field) -> bool:
        """Say whether a field's values are shown in clear. Secrets never are."""
        if item.sensitivity is Sensitivity.SECRET:
            return False
        return item.sensitivity is Sensitivity.PUBLIC or self.everything or item.path in self.paths

    def with_paths(self, paths: Collection[str]) -> "Sight":
        return replace(self, paths=self.paths | frozenset(paths))


@dataclass(frozen=True, slots=True)
class Eyes:
    """A viewer's sight of one customer, with the client's fields and the language to show them in."""

    sight: Sight
    catalogue: Catalogue
    language: str
    _seen: dict[tuple[str, bytes], Shown] = field(default_factory=dict, repr=False, compare=False)

    def read(self, path: str, text: bytes | None) -> Shown:
        """Return a stored text as this viewer may see it. On a page most values stand twice: as new, and as old."""
        if text is None:
            return Shown("", masked=False)
        shown = self._seen.get((path, text))
        if shown is None:
            shown = self._seen[path, text] = self.show(path, decode_value(text))
        return shown

    def show(self, path: str, value: Value) -> Shown:
        """Return a value as this viewer may see it; a field that the catalogue has lost is dots."""
        if value is None:
            return Shown("", masked=False)
        if path not in self.catalogue:
            return Shown(DOTS, masked=True)
        item = self.catalogue[path]
        if self.sight.opens(item):
            return Shown(display(item, value, self.language), masked=False, value=value)
        return Shown(mask(item, value, self.language), masked=True)

    def label(self, path: str) -> str:
        """Return what a field is called; its path, when the catalogue has lost it."""
        return self.catalogue[path].label_in(self.language) if path in self.catalogue else path


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
    seen = list(wanted)
    if actor.type is not ActorType.STAFF:
        return {item.id: _without_caller(item.id, actor, (holders or {}).get(item.id, ())) for item in seen}
    people = {item.id for item in seen} | {one for ids in (holders or {}).values() for one in ids}
    since = at - identity.CALLER_TTL
    proved = [
        item
        for item in evidence.challenges_of_requests(look, [], sorted(people, key=str), since=since)
        if item.started_by == actor.id
    ]
    loaded = {item.id: item for item in seen}
    missing = {item.subject_id for item in proved} - loaded.keys()
    if missing:
        loaded |= subjects.load(look, missing)
    by_person: dict[SubjectId, Sight] = {}
    for person in {item.subject_id for item in proved}:
        by_person[person] = _of_caller(loaded[person], [c for c in proved if c.subject_id == person], actor, at)
    blind = Sight(everything=False)
    found: dict[SubjectId, Sight] = {}
    for item in seen:
        candidates = [by_person.get(one, blind) for one in (item.id, *(holders or {}).get(item.id, ()))]
        found[item.id] = max(candidates, key=lambda one: (one.everything, one.level))
    return found


def of_subject(look: Look, subject: Subject, *, actor: Actor, at: datetime) -> Sight:
    """Return what the viewer sees of one customer."""
    return of_subjects(look, [subject], actor=actor, at=at)[subject.id]


def _without_caller(subject: SubjectId, actor: Actor, holders: Collection[SubjectId]) -> Sight:
    if actor.type is ActorType.CUSTOMER:
        return Sight(everything=actor.subject is not None and actor.subject in {subject, *holders})
    if actor.type is ActorType.INTEGRATION:
        return Sight(everything=access.may(actor, Verb.VALUE_REVEAL))
    return Sight(everything=False)


def _of_caller(subject: Subject, proved: Sequence[evidence.Challenge], actor: Actor, at: datetime) -> Sight:
    """Return what a member of staff sees while the caller they verified is on the line."""
    proofs = [
        identity.Proof(item.method, item.purpose, item.contact_path, item.digest, item.decided_at)
        for item in proved
        if item.decided_at is not None and _same_contact(subject, item)
    ]
    level = identity.level(proofs, digest=b"", now=at)
    if level == 0:
        return Sight(everything=False)
    carrying = [item for item in proofs if identity.level([item], digest=b"", now=at) == level]
    until = max(item.confirmed_at for item in carrying) + identity.CALLER_TTL
    # What is restricted is stored, not used (GDPR 18(2)): whoever asks, staff see it masked.
    restricted = subject.values().get(RESTRICTED_BY_LAW) is True
    everything = level >= LEVEL_TO_OPEN and access.may(actor, Verb.VALUE_REVEAL) and not restricted
    return Sight(everything, level, until)


def _same_contact(subject: Subject, item: evidence.Challenge) -> bool:
    # A code proves the contact point that it went to, and that is the one of record only until it changes.
    if item.contact_path is None or item.contact_version is None:
        return True
    held = subject.state.get(item.contact_path)
    return held is not None and held.ver == item.contact_version


def require(actor: Actor, verb: Verb) -> None:
    """Let the viewer pass who may read such things at all; customers must then be found to be the ones meant."""
    access.require(actor, verb, subject=actor.subject)


def find(look: Look, subject: SubjectId, *, actor: Actor, type: str | None = None) -> tuple[Subject, list[SubjectId]]:  # noqa: A002 - the column's name
    """Return a subject and, for an account, who holds it. Raises NotFound, also for what is not the customer's own.

    An account that changed hands is not its former holder's any more.
    """
    found = subjects.load(look, [subject]).get(subject)
    if found is None or found.type == "desk" or (type is not None and found.type != type):
        raise NotFound
    standing = [item for item in subjects.holders_of(look, [subject]) if item.until is None]
    holders = list(dict.fromkeys(item.customer for item in standing)) if found.type == "account" else []
    if actor.type in CUSTOMERS and actor.subject not in {subject, *holders}:
        raise NotFound
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
    values = subject.values()
    named = [item for item in eyes.catalogue if item.type is FieldType.NAME and values.get(item.path)]
    whole = [item for item in named if item.path == "personal.name"] or named
    shown = [eyes.show(item.path, values[item.path]) for item in whole]
    if not shown:
        return Shown(f"…{subject.id.hex[-6:]}", masked=False)
    return Shown(" ".join(item.text for item in shown), masked=any(item.masked for item in shown))


def contact(eyes: Eyes, subject: Subject) -> Shown:
    """Return the first contact point that a customer has, as this viewer may see it."""
    values = subject.values()
    for item in eyes.catalogue.contact_points():
        if values.get(item.path) is not None:
            return eyes.show(item.path, values[item.path])
    return Shown("", masked=False)
