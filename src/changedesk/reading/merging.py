"""Records that may be the same, records that were merged, and what undone merges left to a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.ids import ChangeId, SubjectId, parse_reference
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.kinds.merge import INTO, survivorship
from changedesk.reading import sight
from changedesk.reading.deciding import approve_action
from changedesk.reading.sight import Eyes
from changedesk.reading.weigh import weigh
from changedesk.rules import access, matching
from changedesk.rules.access import Verb
from changedesk.rules.fields import Catalogue, FieldType
from changedesk.rules.status import OVERLAYS, RESTRICTED_BY_LAW
from changedesk.rules.values import search_terms
from changedesk.store import links, requests, subjects
from changedesk.store.settings_read import configuration
from changedesk.store.subjects import Subject
from changedesk.store.terms import sharing
from changedesk.store.tx import Look, look

LIMIT_MAX: Final = 100
_NUMBER: Final = "account.number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A record that may be the same one. ``score`` in points, with what speaks for it and against it."""

    id: SubjectId
    title: str
    title_masked: bool
    status: str
    score: str
    """Points, as a decimal number; none for an account, which is told by its holder."""
    suggested: bool
    """The points reach the threshold of a suggestion."""
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedLine:
    """One field in which two records differ: whose value stays (survivor, merged), by which rule, both as texts."""

    path: str
    label: str
    source: str
    rule: str
    survivor: str
    merged: str
    masked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What the request for a merge asks for. ``moved``: a record has changed since, so that it will go stale."""

    ref: str
    merged: SubjectId
    survivor: SubjectId
    moved: bool
    lines: tuple[ComparedLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLine:
    """A merge: ``id`` is the change that ``unmerge`` takes. ``until`` None: it stands."""

    id: ChangeId
    merged: SubjectId
    survivor: SubjectId
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkLine:
    """Something that an undone merge left to a person. ``what``: a field's path, or the id of an account or holder.

    ``why``: changed_since (the value that came with the merge was changed), changed_while_merged (a change that may
    have been the other's), account_moved, account_new.
    """

    link: ChangeId
    merged: SubjectId
    survivor: SubjectId
    what: str
    label: str
    why: str
    at: datetime


def candidates(
    subject_id: SubjectId, *, actor: Actor, at: datetime, language: str, limit: int = 20
) -> tuple[Candidate, ...]:
    """Return records that may be the same as this one, the likeliest first, with reasons; masked for the viewer.

    A customer's are found by what they share in the blind index; an account's are the other accounts of its holders.
    Reasons name fields and likenesses, never values. Whoever was erased, or whose data is restricted (GDPR 18), is
    neither suggested nor compared. Raises Forbidden, NotFound.
    """
    sight.require(actor, Verb.CUSTOMER_READ)
    _not_themselves(actor, Verb.CUSTOMER_SEARCH)
    access.require(actor, Verb.CUSTOMER_SEARCH)
    catalogue = configuration(actor.client).catalogue
    with look(actor.client) as seen:
        subject, holders = sight.find(seen, subject_id, actor=actor)
        if not _weighable(subject):
            return ()
        near = _near(seen, subject, catalogue) if subject.type == "customer" else _beside(seen, subject, holders)
        found = [
            item
            for item in subjects.load(seen, near - {subject.id}).values()
            if item.type == subject.type and _weighable(item)
        ]
        views = sight.of_subjects(seen, found, actor=actor, at=at) if found else {}
    mine = matching.record_of(catalogue, subject.values())
    weighed = [(matching.score(mine, matching.record_of(catalogue, item.values())), item) for item in found]
    weighed.sort(key=lambda pair: (-pair[0].score, pair[1].id.int))
    lines = [_line(match, item, Eyes(views[item.id], catalogue, language)) for match, item in weighed]
    least = matching.DEFAULT_THRESHOLD if subject.type == "customer" else None
    kept = [line for line, (match, _) in zip(lines, weighed, strict=True) if least is None or match.score >= least]
    return tuple(kept[: max(1, min(limit, LIMIT_MAX))])


def _weighable(subject: Subject) -> bool:
    """Say whether a record is held against others at all: not one that was erased, or that is hardly to be used."""
    state = subject.values()
    restricted = state.get(RESTRICTED_BY_LAW) is True or state.get(OVERLAYS["restricted"]) is True
    return subject.key is not None and subject.status != "merged" and not restricted


def _not_themselves(actor: Actor, verb: Verb) -> None:
    if actor.type in sight.CUSTOMERS:
        raise Forbidden(verb=str(verb))


_SAME_HOLDER: Final = {
    "en": "Held by the same customer",
    "de": "Gehört demselben Kunden",
    "ar": "يملكه العميل نفسه",
}


def _line(match: matching.Match, subject: Subject, eyes: Eyes) -> Candidate:
    number = subject.values().get(_NUMBER)
    if subject.type == "account":
        called = eyes.show(_NUMBER, number) if number is not None else sight.title(eyes, subject)
        reason = _SAME_HOLDER.get(eyes.language.split("-", maxsplit=1)[0], _SAME_HOLDER["en"])
        return Candidate(
            id=subject.id,
            title=called.text,
            title_masked=called.masked,
            status=subject.status,
            score="",
            suggested=False,
            reasons=(reason,),
        )
    called = sight.title(eyes, subject)
    return Candidate(
        id=subject.id,
        title=called.text,
        title_masked=called.masked,
        status=subject.status,
        score=f"{match.score:g}",
        suggested=match.score >= matching.DEFAULT_THRESHOLD,
        reasons=tuple(matching.reason_text(reason, eyes.language) for reason in match.reasons),
    )


def _near(seen: Look, subject: Subject, catalogue: Catalogue) -> set[SubjectId]:
    """Return customers who share a block key with this one, or a value that people look up whole."""
    state = subject.values()
    terms = matching.block_terms(catalogue, state)
    for path, value in state.items():
        if path in catalogue and catalogue[path].type is not FieldType.NAME:
            terms.update(search_terms(catalogue[path], value))
    return sharing(seen, terms, most=matching.BLOCK_MOST)


def _beside(seen: Look, account: Subject, holders: Sequence[SubjectId]) -> set[SubjectId]:
    return {item.account for holder in holders for item in subjects.accounts_of(seen, holder) if item.until is None} - {
        account.id
    }


def compared(ref: str, *, actor: Actor, at: datetime, language: str) -> Compared:
    """Return what a merge that waits would keep of both sides, for whoever decides on it; masked for the viewer.

    Whoever may approve it as it is now sees the values that they decide on. Raises Forbidden, NotFound.
    """
    sight.require(actor, Verb.REQUEST_READ)
    _not_themselves(actor, Verb.REQUEST_READ)
    catalogue = configuration(actor.client).catalogue
    canonical = parse_reference(ref)
    with look(actor.client) as seen:
        request = None if canonical is None else requests.by_ref(seen, canonical)
        if request is None or request.kind != "merge" or request.proposal is None:
            raise NotFound
        into = SubjectId(UUID(str(request.proposal.values[INTO])))
        found = subjects.load(seen, [request.subject_id, into])
        merged, survivor = found[request.subject_id], found[into]
        views = sight.of_subjects(seen, [merged, survivor], actor=actor, at=at)
        mine_to_decide = approve_action(weigh(seen, [request], catalogue, at=at)[request.id], actor).allowed
    chosen = survivorship(request.proposal.values)
    sides = [*((path, "merged", rule) for path, rule in chosen.take.items())]
    sides += [(path, "survivor", rule) for path, rule in chosen.keep.items()]
    open_ = [path for path, _, _ in sides] if mine_to_decide else []
    mine, theirs = (Eyes(views[one.id].with_paths(open_), catalogue, language) for one in (survivor, merged))
    return Compared(
        ref=request.ref,
        merged=merged.id,
        survivor=survivor.id,
        moved=survivor.ver != chosen.base or merged.ver != request.base_ver,
        lines=tuple(
            _compared(path, side, rule, (mine, survivor), (theirs, merged)) for path, side, rule in sorted(sides)
        ),
    )


def _compared(
    path: str, side: str, rule: str, mine: tuple[Eyes, Subject], theirs: tuple[Eyes, Subject]
) -> ComparedLine:
    texts = [eyes.show(path, subject.values().get(path)) for eyes, subject in (mine, theirs)]
    return ComparedLine(
        path=path,
        label=mine[0].label(path),
        source=side,
        rule=rule,
        survivor=texts[0].text,
        merged=texts[1].text,
        masked=any(text.masked for text in texts),
    )


def merges(subject_id: SubjectId, *, actor: Actor) -> tuple[LinkLine, ...]:
    """Return the merges into a record, and the one that leads away from it, the oldest first. Raises NotFound."""
    sight.require(actor, Verb.TIMELINE_READ)
    _not_themselves(actor, Verb.TIMELINE_READ)
    with look(actor.client) as seen:
        subject, _ = sight.find(seen, subject_id, actor=actor)
        away = links.of_merged(seen, [subject.id]).values()
        found = [*links.of_survivor(seen, subject.id), *away]
    return tuple(
        LinkLine(id=one.id, merged=one.merged_id, survivor=one.survivor_id, since=one.since, until=one.until)
        for one in found
    )


def work_list(*, actor: Actor, language: str, limit: int = 100) -> tuple[WorkLine, ...]:
    """Return what undone merges left to a person and nobody has settled, the oldest first. Raises Forbidden."""
    access.require(actor, Verb.QUEUE_READ)
    catalogue = configuration(actor.client).catalogue
    with look(actor.client) as seen:
        found = links.work_open(seen, limit=max(1, min(limit, LIMIT_MAX)))
    return tuple(
        WorkLine(
            link=one.link,
            merged=one.merged,
            survivor=one.survivor,
            what=one.what,
            label=catalogue[one.what].label_in(language) if one.what in catalogue else "",
            why=one.why,
            at=one.at,
        )
        for one in found
    )
