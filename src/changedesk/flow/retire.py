"""Retention: when every rule has let go of a value, time takes it (GDPR 5(1)(e)). What a legal hold keeps stays.

Of a closed record that is a value as such, the whole record when nothing of it is kept any more. Of one that stands it
is the history of a value: what it was once, and what the present one had replaced. A value for which no rule names a
time is not taken while its record stands.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from changedesk.base.actor import automation
from changedesk.base.ids import ClientId, SubjectId
from changedesk.flow import forget as forgetting_steps
from changedesk.flow import weighing
from changedesk.flow.weighing import Said
from changedesk.rules import forgetting, holds
from changedesk.rules.forgetting import Decision, Verdict
from changedesk.rules.retention import today_in
from changedesk.rules.status import GRACE_MOST, OVERLAYS
from changedesk.store import evidence, forget, links, subjects
from changedesk.store.begin import begin
from changedesk.store.forget import Job
from changedesk.store.settings_read import Configuration, configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, look

AT_ONCE: Final = 100
STARTS_AT: Final = 2
"""The hour, where the client keeps its hours, from which a day's run may start."""
YOUNGEST: Final = timedelta(days=1)
"""What is younger cannot be due: terms are of whole days."""
_FIRST: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Due:
    """What time takes of one record. ``whole``: all of it."""

    subject: SubjectId
    whole: bool
    decisions: tuple[Decision, ...]


def plan_retirement(client: ClientId, *, at: datetime) -> Iterator[Due]:
    """Yield what a run at this moment would take, by id. Writes nothing."""
    after = _FIRST
    while True:
        with look(client) as seen:
            ids = forget.page(seen, after=after, before=at - YOUNGEST, limit=AT_ONCE)
            yield from _due_of(seen, ids, at=at).values()
        if len(ids) < AT_ONCE:
            return
        after = ids[-1]


def retire_due(client: ClientId, *, at: datetime) -> int:
    """Go on with the day's run; return how many records it looked at. A duty of the worker, done once a day.

    What is due becomes an erasure of its own, with its steps, its entries and its certificate.
    """
    zone = configuration(client).settings.time_zone
    day = today_in(at, zone)
    with look(client) as seen:
        run = forget.run_of(seen, day)
        if (run is not None and run.finished_at is not None) or at.astimezone(ZoneInfo(zone)).hour < STARTS_AT:
            return 0
        ids = forget.page(seen, after=_FIRST if run is None else run.after, before=at - YOUNGEST, limit=AT_ONCE)
        candidates = list(_due_of(seen, ids, at=at))
    actor = automation(client, "retention")
    with begin(actor) as tx:
        # Weighed again under the lock: what changed meanwhile is not taken for what it was.
        due = _due_of(tx, candidates, at=at, locked=subjects.hold(tx, candidates))
        begun = 0
        for one in due.values():
            subject = subjects.load(tx, [one.subject])[one.subject]
            begun += forgetting_steps.begin_without_request(tx, _job(one, actor.id, at), subject, actor=actor, at=at)
        ended = len(ids) < AT_ONCE
        forget.advance_run(
            tx,
            day,
            after=ids[-1] if ids else _FIRST,
            looked_at=len(ids),
            erased=begun,
            finished_at=at if ended else None,
        )
    return len(ids)


def _job(due: Due, actor: str, at: datetime) -> Job:
    return Job(
        id=uuid4(),
        subject_id=due.subject,
        request_id=None,
        cause="retention",
        whole=due.whole,
        decisions=[forgetting_steps.plain(one) for one in due.decisions],
        recipients=(),
        state="requested",
        last_word=None,
        requested_by=actor,
        requested_at=at,
    )


def _due_of(
    seen: Look, ids: list[SubjectId], *, at: datetime, locked: Mapping[SubjectId, Subject] | None = None
) -> dict[SubjectId, Due]:
    config = configuration(seen.client)
    known = subjects.load(seen, ids) if locked is None else locked
    stopped = _held(seen, known, at=at)
    found: dict[SubjectId, Due] = {}
    for id_ in ids:
        subject = known[id_]
        if subject.key is None or id_ in stopped:
            continue
        due = due_of(seen, config, subject, at=at)
        # What is asked for the record is sealed with it, and what was said of it still on its way: a part goes after.
        if due is None or not (due.whole or not forget.open_requests(seen, id_)):
            continue
        if not _held(seen, _family(seen, subject), at=at):
            found[id_] = due
    return found


def _held(seen: Look, known: Mapping[SubjectId, Subject], *, at: datetime) -> set[SubjectId]:
    """Return those of some records that a hold keeps from being erased."""
    found = {
        hold.subject_id
        for hold in evidence.active_holds(seen, known, now=at)
        if holds.ERASE in hold.blocks or holds.EVERYTHING in hold.blocks
    }
    legal = OVERLAYS["legal_hold"]
    return found | {one.id for one in known.values() if one.key is not None and one.values().get(legal) is True}


def _family(seen: Look, subject: Subject) -> Mapping[SubjectId, Subject]:
    """Return the records that tell of the same person: a hold on one of them keeps all."""
    first = links.survivor_of(seen, subject.id)
    return subjects.load(seen, {first, *links.family(seen, first)} - {subject.id})


def due_of(seen: Look, config: Configuration, subject: Subject, *, at: datetime) -> Due | None:
    """Return what time takes of one record now, None when it is nothing."""
    told = weighing.history_of(seen, subject)
    closed = weighing.closed_at(seen, subject)
    if closed is not None and at < closed + timedelta(days=GRACE_MOST):
        closed = None  # it may still be opened again
    found: list[Decision] = []
    kept = False
    for path, said in sorted(told.items()):
        if not weighing.is_personal(config, path):
            continue
        decision = _of_closed(config, subject, path, said, closed, at=at) if closed else None
        decision = decision or _of_standing(config, subject, path, said, closed, at=at)
        if decision is None or decision.upto is not None:
            kept = True
        if decision is not None:
            found.append(decision)
    if not found:
        return None
    return Due(subject.id, closed is not None and not kept, tuple(found))


def _of_closed(
    config: Configuration, subject: Subject, path: str, said: Said, closed: datetime | None, *, at: datetime
) -> Decision | None:
    rules = _keepings(config, subject, path, said.last, closed, at=at)
    if forgetting.standing(rules, now=at, zone=config.settings.time_zone) is not None:
        return None
    last = rules[-1] if rules else None
    return Decision(path, Verdict.ERASE, last.rule if last else "", last.retention if last else "")


def _of_standing(
    config: Configuration, subject: Subject, path: str, said: Said, closed: datetime | None, *, at: datetime
) -> Decision | None:
    """Return up to which version the history of a value goes, None when none of it is due."""
    upto, by = 0, None
    for version, recorded_at in said.versions:
        rules = _keepings(config, subject, path, recorded_at, closed, at=at)
        if not rules or forgetting.standing(rules, now=at, zone=config.settings.time_zone) is not None:
            break
        upto, by = version, rules[-1]
    newest = said.versions[-1][0]
    stands = path in subject.state
    nothing_past = stands and upto == newest and len(said.versions) == 1 and not said.replaced
    if by is None or nothing_past or (stands and subject.state[path].ver > newest):
        return None
    return Decision(path, Verdict.ERASE, by.rule, by.retention, upto=upto)


def _keepings(
    config: Configuration, subject: Subject, path: str, last: datetime, closed: datetime | None, *, at: datetime
) -> list[forgetting.Keeping]:
    category = weighing.category_of(config, path)
    return weighing.keepings(config, subject, category, last, closed, law_only=False, at=at)
