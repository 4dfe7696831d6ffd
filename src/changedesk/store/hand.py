"""All evidence of some requests, read in one round trip."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from changedesk.base.ids import RequestId, SubjectId
from changedesk.store import evidence
from changedesk.store.evidence import Challenge, Consent, Decision, Hold
from changedesk.store.tx import Look
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
    now: datetime,
) -> Hand:
    """Return the evidence of requests, the callers of ``people`` since an instant, and what stands on ``held``."""
    challenges, consents, decisions, holds = look.together(*asks(requests, people, since=since, held=held, now=now))
    return Hand(
        evidence.opened_challenges(challenges),
        evidence.opened_consents(consents),
        evidence.opened_decisions(decisions),
        evidence.opened_holds(holds),
    )
