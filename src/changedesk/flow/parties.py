"""Whom a request concerns beside its subject and its person: the survivor of a merge, the new holder of an account."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from changedesk.base.ids import RequestId, SubjectId
from changedesk.base.json import Value
from changedesk.base.refusal import Refusal
from changedesk.flow import family, left_behind
from changedesk.flow.whose import holders
from changedesk.kinds.erasure import CLASSES, classes_of
from changedesk.kinds.merge import INTO, NotMergeable, survivorship
from changedesk.kinds.ownership_transfer import TO, NotTransferable
from changedesk.kinds.unmerge import CHANGE, NotMerged
from changedesk.rules import status
from changedesk.rules.identity import FACTOR_CLASSES, Purpose
from changedesk.store import links, requests, subjects
from changedesk.store.evidence import Challenge
from changedesk.store.requests import Request
from changedesk.store.settings_read import Configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, Tx

MERGE, UNMERGE, TRANSFER = "merge", "unmerge", "ownership_transfer"
PENDING: Final = status.OVERLAYS["transfer_pending"]
"""Stands for as long as a transfer is open: read from the request, so that no way out of one can forget it."""
BY_STAFF: Final = frozenset({MERGE, UNMERGE})
"""What shows one customer's record beside another's: never asked for by a customer."""
LINKING: Final = frozenset({MERGE, UNMERGE, TRANSFER})


class MergedAway(Refusal):
    """This record was merged into another, where its changes belong now.

    ``data``: into.
    """

    code = "merged-away"
    hint = "Open the record named here and ask for the change there."
    status = "conflict"


class SurvivorMoved(Refusal):
    """The other record has changed since the preview of the merge."""

    code = "survivor-moved"
    hint = "Open the preview again, and decide on the values as they are now."
    status = "stale"


def named(values: Mapping[str, Value], path: str) -> SubjectId | None:
    """Return the record that a value names by its id, None where it names none."""
    try:
        return SubjectId(UUID(str(values.get(path))))
    except ValueError:
        return None


def survivors(look: Look, met: Iterable[Subject]) -> dict[SubjectId, SubjectId]:
    """Return where the merged ones of some records lead; the others are missing from the answer."""
    return {one.id: links.survivor_of(look, one.id) for one in met if one.status == "merged"}


def others(look: Look, asked: Iterable[Request]) -> dict[RequestId, tuple[SubjectId, ...]]:
    """Return, for the requests that bring records together or apart, the further records that they concern."""
    found: dict[RequestId, tuple[SubjectId, ...]] = {}
    for item in asked:
        if item.kind in LINKING and item.proposal is not None:
            other = _other(look, item.kind, item.proposal.values)
            found[item.id] = (() if other is None else (other,)) + ((item.person_id,) if item.kind == TRANSFER else ())
    return found


def _other(look: Look, kind: str, values: Mapping[str, Value]) -> SubjectId | None:
    if kind == UNMERGE:
        change = named(values, CHANGE)
        link = None if change is None else links.by_id(look, change)
        return None if link is None else link.survivor_id
    return named(values, INTO if kind == MERGE else TO)


def require(
    look: Look,
    config: Configuration,
    kind: str,
    subject: Subject,
    person: Subject,
    after: Mapping[str, Value],
    operation: str,
    *,
    at: datetime,
) -> None:
    """Return if the other side fits, and no open transfer stands in the way.

    Raises MergedAway, StatusForbids, NotMergeable, SurvivorMoved, NotMerged, NotTransferable, AccountsLeft, and what
    family.require raises.
    """
    if subject.status == "merged" and kind != UNMERGE:
        raise MergedAway(into=str(links.survivor_of(look, subject.id)))
    if subject.type == "account" and kind != TRANSFER:
        pending = requests.holders_of_fields(look, [subject.id], [TO])
        categories = {config.catalogue[path].category for path in after}
        forbidden = status.against({PENDING: True}, categories, operation) if pending else None
        if forbidden is not None:
            raise forbidden
    if kind == MERGE:
        _mergeable(look, subject, after, at=at)
    elif kind == UNMERGE:
        change = named(after, CHANGE)
        link = None if change is None else links.by_id(look, change)
        if link is None or link.merged_id != subject.id or link.until is not None:
            raise NotMerged
        if link.survivor_id in links.of_merged(look, [link.survivor_id]):
            # The survivor was merged itself since: what was joined last is parted first.
            raise NotMergeable(why="merged")
    elif kind == TRANSFER:
        _transferable(look, subject, person, named(after, TO), at=at)
    elif kind == left_behind.ERASURE:
        classes = classes_of(after[CLASSES])
        family.require(look, config, subject, classes, at=at)
        left_behind.require_none(look, config, subject, classes, at=at)


def _mergeable(look: Look, subject: Subject, after: Mapping[str, Value], *, at: datetime) -> None:
    into = named(after, INTO)
    survivor = None if into is None else subjects.load(look, [into]).get(into)
    if survivor is None:
        raise NotMergeable(why="unknown")
    if survivor.id == subject.id:
        raise NotMergeable(why="itself")
    if survivor.type != subject.type:
        raise NotMergeable(why="other_type")
    if survivor.key is None:
        raise NotMergeable(why="erased")
    if survivor.status == "merged":
        raise NotMergeable(why="merged")
    if subject.type == "account" and set(holders(look, subject.id, at=at)) != set(holders(look, survivor.id, at=at)):
        # Two accounts of different people would change hands: that is a transfer, with its own confirmations.
        raise NotMergeable(why="other_holders")
    if survivorship(after).base != survivor.ver:
        raise SurvivorMoved


def _transferable(look: Look, account: Subject, person: Subject, to: SubjectId | None, *, at: datetime) -> None:
    new = None if to is None else subjects.load(look, [to]).get(to)
    if new is None:
        raise NotTransferable(why="unknown")
    if new.type != "customer":
        raise NotTransferable(why="not_a_customer")
    if new.key is None:
        raise NotTransferable(why="erased")
    if new.status == "merged":
        raise NotTransferable(why="merged")
    if new.id == person.id or new.id in holders(look, account.id, at=at):
        raise NotTransferable(why="same_holder")


def moved(
    tx: Tx, request: Request, held: Mapping[SubjectId, Subject], beside: Sequence[SubjectId], *, at: datetime
) -> list[str]:
    """Return what of the records at hand is no longer as the request saw it; all of them are locked."""
    subject = held[request.subject_id]
    if subject.status == "merged" and request.kind != UNMERGE:
        return ["status.state"]
    if request.kind == left_behind.ERASURE:
        return left_behind.moved(tx, request, subject, at=at)
    if request.kind not in LINKING or request.proposal is None:
        return []
    path = {MERGE: INTO, UNMERGE: CHANGE, TRANSFER: TO}[request.kind]
    other = held.get(beside[0]) if beside else None
    if other is None or other.key is None or other.status == "merged":
        return [path]
    if request.kind != UNMERGE and subject.ver != request.base_ver:
        return ["*"]
    return [] if _fits_still(tx, request, subject, other, at=at) else [path]


def _fits_still(tx: Tx, request: Request, subject: Subject, other: Subject, *, at: datetime) -> bool:
    values = {} if request.proposal is None else request.proposal.values
    if request.kind == MERGE:
        return survivorship(values).base == other.ver
    if request.kind == UNMERGE:
        link = links.of_merged(tx, [subject.id]).get(subject.id)
        return link is not None and link.id == named(values, CHANGE)
    stands = links.hold_holding(tx, subject.id, request.person_id)
    return bool(stands) and other.id not in holders(tx, subject.id, at=at)


def new_holder(request: Request) -> SubjectId | None:
    """Return who is to take the account of a transfer over; None for every other request."""
    return None if request.kind != TRANSFER or request.proposal is None else named(request.proposal.values, TO)


def confirmed(request: Request, challenges: Iterable[Challenge]) -> bool:
    """Say whether everybody beside the person has confirmed: the new holder, by one real factor for this content."""
    if request.kind != TRANSFER:
        return True
    other = new_holder(request)
    return any(
        item.subject_id == other
        and item.request_id == request.id
        and item.purpose == Purpose.CHANGE
        and item.state == "confirmed"
        and not item.overtaken
        and item.digest == request.digest
        and item.method in FACTOR_CLASSES
        for item in challenges
    )
