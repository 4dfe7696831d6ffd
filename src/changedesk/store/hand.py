"""All evidence of some requests, read in one round trip."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from changedesk.base.ids import RequestId, SubjectId
from changedesk.store import evidence, subjects
from changedesk.store.evidence import Challenge, Consent, Decision, Hold
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, Tx
from changedesk.store.wire import Call


@dataclass(frozen=True, slots=True)
class Hand:
    """What there is for requests: all of it, also what was given for a content that they no longer hold."""

    challenges: Sequence[Challenge]
    """Their own, and the confirmed callers of their customers."""
    consents: Sequence[Consent]
    decisions: Sequence[Decision]
    holds: Sequence[Hold]
    """What stands on the records that were asked about."""
    subjects: Sequence[Subject] = ()
    """Those of the records that were wanted with it."""


def asks(
    requests: Sequence[RequestId],
    people: Iterable[SubjectId],
    *,
    since: datetime,
    held: Iterable[SubjectId] = (),
    now: datetime,
) -> tuple[Call, Call, Call, Call]:
    """Return what ``read`` asks: to be read ahead."""
    return (
        evidence.of_requests(requests, people, since=since),
        evidence.consents_to(requests),
        evidence.decisions_on(requests),
        evidence.holds_on(held, now=now),
    )


def read(
    look: Look,
    requests: Sequence[RequestId],
    people: Iterable[SubjectId],
    *,
    since: datetime,
    held: Iterable[SubjectId] = (),
    wanted: Sequence[SubjectId] = (),
    now: datetime,
) -> Hand:
    """Return the evidence of requests, the callers of ``people`` since an instant, and what stands on ``held``.

    ``wanted`` are the subjects to be read with it.
    """
    challenges, consents, decisions, holds, *found = look.together(
        *asks(requests, people, since=since, held=held, now=now), *([subjects.load_asks(wanted)] if wanted else [])
    )
    return Hand(
        evidence.opened_challenges(challenges),
        evidence.opened_consents(consents),
        evidence.opened_decisions(decisions),
        evidence.opened_holds(holds),
        [subjects.opened(look, row) for rows in found for row in rows],
    )


def lock(
    tx: Tx, wanted: Sequence[SubjectId], *, held: Iterable[SubjectId], now: datetime
) -> tuple[dict[SubjectId, Subject], list[Hold]]:
    """Return subjects locked as ``subjects.hold`` does, and what stands on ``held`` once they are."""
    rows, holds = tx.together(subjects.hold_asks(wanted), evidence.holds_on(held, now=now))
    return {row.id: subjects.opened(tx, row) for row in rows}, evidence.opened_holds(holds)
