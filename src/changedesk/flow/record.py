"""Changes that a trusted system has made already, recorded with their own times and evidence."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from changedesk.base.actor import Actor
from changedesk.base.clock import micros
from changedesk.base.ids import SubjectId
from changedesk.base.json import Value
from changedesk.base.outcome import Outcome
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow import asking
from changedesk.flow.indexing import terms_for
from changedesk.flow.parties import survivors
from changedesk.flow.recorded import (
    UNKNOWN,
    FieldChange,
    FieldTwice,
    OldDiffers,
    RangeEmpty,
    Recorded,
    RecordedChange,
    Taken,
    as_text,
    read,
    settle,
    take,
    verbatim,
)
from changedesk.kinds import NoChange
from changedesk.ledger.commitment import FOREVER, Assertion
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json, encode_value
from changedesk.rules import access
from changedesk.rules.status import today_in
from changedesk.store import history, once, subjects
from changedesk.store.begin import begin
from changedesk.store.settings_read import Configuration, configuration
from changedesk.store.subjects import Held, Subject
from changedesk.store.tx import Tx


def record_changes(items: Sequence[RecordedChange], *, actor: Actor, at: datetime) -> Outcome[Recorded]:
    """Record changes that were made and evidenced elsewhere. Several of one subject apply in the order given.

    What names a merged record is recorded of its survivor, and the answer says so. The subjects are locked as they
    are read, all in one order: nothing is written over what others wrote.
    """
    access.require(actor, access.Verb.CHANGE_RECORD)
    into: dict[SubjectId, SubjectId] = {}
    while True:
        try:
            return _record_all(items, into, actor=actor, at=at)
        except _Merged as found:
            into |= found.into


class _Merged(Exception):  # noqa: N818 - no error: the call starts anew
    """Some of the records that were locked lead to others, which are locked with the rest, in the one order of all."""

    def __init__(self, into: Mapping[SubjectId, SubjectId]) -> None:
        super().__init__()
        self.into = into


def _record_all(
    items: Sequence[RecordedChange], into: Mapping[SubjectId, SubjectId], *, actor: Actor, at: datetime
) -> Outcome[Recorded]:
    led = [replace(item, subject=into[item.subject]) if item.subject in into else item for item in items]
    with begin(actor) as tx:
        taken = take(tx, led, actor, Recorded)
        rest = taken.rest(led)
        known = taken.held
        if known is None:
            known = subjects.hold(tx, {item.subject for _, item in rest})
        further = survivors(tx, known.values())
        if further:
            raise _Merged({**{one: further.get(to, to) for one, to in into.items()}, **further})
        done = _record(tx, rest, known, taken, named=[item.subject for item in items], actor=actor, at=at)
        results = settle(tx, taken, done, actor, at)
    return Outcome([results[place] for place in sorted(results)], taken.refused)


def _record(
    tx: Tx,
    items: Sequence[tuple[int, RecordedChange]],
    known: Mapping[SubjectId, Subject],
    taken: Taken,
    *,
    named: Sequence[SubjectId],
    actor: Actor,
    at: datetime,
) -> dict[int, Recorded]:
    config = configuration(tx.client)
    standing: defaultdict[SubjectId, dict[str, Held]] = defaultdict(dict)
    standing.update({subject.id: dict(subject.state) for subject in known.values()})
    drafts: dict[int, history.Draft] = {}
    for place, item in items:
        subject = known.get(item.subject)
        try:
            if subject is None:
                raise NotFound(subject=str(item.subject))
            if subject.key is None:
                raise asking.Gone
            assertions = _assertions(config, item, standing[subject.id], at=at)
        except Refusal as refusal:
            taken.refused[place] = refusal
            continue
        drafts[place] = history.Draft(
            subject=subject,
            kind=EntryKind.CHANGE_RECORDED,
            actor=actor,
            at=at,
            assertions=assertions,
            facts={**item.evidence, "reason": item.reason},
            channel=item.channel.value,
        )

    def answers(written: Sequence[history.Written]) -> list[tuple[once.Claim, Mapping[str, Json]]]:
        made = zip(drafts, written, strict=True)
        return [(claims[place], _recorded(one, named[place]).reply()) for place, one in made if place in claims]

    # Kept with the statement that writes: one round trip less.
    claims, taken.claims = taken.claims, {}
    written = history.append(tx, list(drafts.values()), terms=terms_for(tx.client), answers=answers)
    return {place: _recorded(one, named[place]) for place, one in zip(drafts, written, strict=True)}


def _recorded(one: history.Written, named: SubjectId) -> Recorded:
    return Recorded(
        subject=one.subject,
        change=one.change,
        version=one.version,
        leaf=one.leaf.hex(),
        merged_from=None if one.subject == named else named,
    )


def _assertions(
    config: Configuration, item: RecordedChange, state: dict[str, Held], *, at: datetime
) -> list[Assertion]:
    """Return what one recorded change says, and carry it into the state that the next one is read against."""
    now_us = micros(at) // 1000 * 1000
    olds, news = _told(config, item, at=at)
    held = {path: state[path].text for path in news if path in state}
    differs = [path for path, old in olds.items() if old != held.get(path)]
    if differs:
        raise OldDiffers(paths=differs)
    made: list[Assertion] = []
    for change in item.changes:
        old, new = held.get(change.path), news[change.path]
        start, end = _range(change, now_us)
        if new != old or (start, end) != (now_us, FOREVER):
            made.append(Assertion(change.path, old, new, start, end))
    if not made:
        raise NoChange(paths=list(news))
    for one in made:
        if one.valid_from_us <= now_us < one.valid_to_us:
            if one.new is None:
                state.pop(one.path, None)
            else:
                state[one.path] = Held(one.new, 0)
    return made


def _told(
    config: Configuration, item: RecordedChange, *, at: datetime
) -> tuple[dict[str, bytes | None], dict[str, bytes | None]]:
    """Return the texts of the old values that were told, and of the new ones, by path."""
    news = {change.path: change.new for change in item.changes}
    if len(news) != len(item.changes):
        raise FieldTwice
    olds = {change.path: change.old for change in item.changes if change.old is not UNKNOWN}
    if item.verbatim:
        # An old text is only compared with what stands there: nothing of it is taken in.
        both: list[dict[str, Value]] = [
            {path: as_text(old) for path, old in olds.items()},
            verbatim(config.catalogue, news),
        ]
    else:
        today, region = today_in(at, config.settings.time_zone), config.settings.region
        both = [read(config.catalogue, raw, region=region, today=today) for raw in (olds, news)]
    texts = [{path: None if value is None else encode_value(value) for path, value in one.items()} for one in both]
    return texts[0], texts[1]


def _range(change: FieldChange, now_us: int) -> tuple[int, int]:
    start = now_us if change.valid_from is None else micros(change.valid_from)
    end = FOREVER if change.valid_to is None else micros(change.valid_to)
    if start >= end:
        raise RangeEmpty(path=change.path)
    return start, end
