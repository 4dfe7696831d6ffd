"""What never changes of a request: enough to lock it, and to ask for its evidence with it, in one round trip."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from changedesk.base.ids import ChallengeId, RequestId, SubjectId
from changedesk.store.tx import Look
from changedesk.store.wire import Call


@dataclass(frozen=True, slots=True)
class Place:
    """Where one request is found, whom it is about, and since when its evidence counts."""

    id: RequestId
    ref: str
    subject_id: SubjectId
    person_id: SubjectId
    kind: str
    received_at: datetime


def of_refs(look: Look, refs: Iterable[str]) -> list[Place]:
    """Return the places of some canonical references, those that there are."""
    return [_place(row) for row in look.together(of_refs_asks(refs))[0]]


def of_refs_asks(refs: Iterable[str]) -> Call:
    """Return what ``of_refs`` asks: to be read ahead."""
    return "requests.places", {"refs": sorted(refs)}


def of_challenges(look: Look, challenges: Iterable[ChallengeId]) -> dict[ChallengeId, tuple[SubjectId, Place | None]]:
    """Return whom challenges are about, those that there are, and the place of the request that each is of."""
    rows = look.together(of_challenges_asks(challenges))[0]
    return {row.challenge: (row.whom, None if row.id is None else _place(row)) for row in rows}


def of_challenges_asks(challenges: Iterable[ChallengeId]) -> Call:
    """Return what ``of_challenges`` asks: to be read ahead."""
    return "challenges.places", {"ids": list(challenges)}


def _place(row: Any) -> Place:
    return Place(row.id, row.ref, row.subject_id, row.person_id, row.kind, row.received_at)
