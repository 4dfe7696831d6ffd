"""Changes: recording what was done elsewhere, following the log, undoing."""

from collections.abc import Sequence
from typing import Annotated, Final

from msgspec.structs import replace
from ninja import Query
from pydantic import Field

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import ChangeId, SubjectId
from changedesk.base.refusal import Refusal
from changedesk.channels.api import asked, told
from changedesk.channels.api.calls import Call
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented, onward
from changedesk.channels.api.requests import receipt, sees
from changedesk.channels.api.routes import Routes
from changedesk.channels.refusals import Answer, answer, problem
from changedesk.reading import feed, timeline
from changedesk.reading.panels import EntryView

router = Routes(tags=["Changes"])
_OTHER_BODY: Final = "idempotency-other-body"


def _item(given: asked.ChangeToRecord) -> flow.RecordedChange:
    return flow.RecordedChange(
        subject=SubjectId(given.subject),
        changes=[
            flow.FieldChange(
                path=one.path,
                new=one.new,
                old=one.old if "old" in one.model_fields_set else flow.UNKNOWN,
                valid_from=one.valid_from,
                valid_to=one.valid_to,
            )
            for one in given.changes
        ],
        reason=given.reason,
        evidence={name: value for name, value in given.evidence if value is not None},
        channel=Channel(given.channel),
    )


def record(call: Call, items: Sequence[flow.RecordedChange]) -> Answer:
    """Record changes and say what became of each; the call's Idempotency-Key stands for each item by its place.

    One alone goes the joined way, and is refused as the whole call where it is refused.
    """
    once = call.once()
    wanted = [replace(item, once=flow.Once(f"{once.key}#{place}", once.body)) for place, item in enumerate(items)]
    if len(wanted) == 1:
        try:
            made = flow.record_joined(wanted[0], actor=call.actor, at=call.at)
        except Refusal as refusal:
            return answer(refusal, trace=call.trace, under=_places(wanted[0], 0), at=call.at)
        return tell({"items": [_done(0, made)]}, status=201, replayed=made.replayed)
    outcome = flow.record_changes(wanted, actor=call.actor, at=call.at)
    for why_not in outcome.refused.values():
        if why_not.code == _OTHER_BODY:
            raise why_not
    results = iter(outcome.done)
    told_items: list[dict[str, object]] = []
    for place, item in enumerate(wanted):
        refused: Refusal | None = outcome.refused.get(place)
        if refused is None:
            told_items.append(_done(place, next(results)))
        else:
            why = problem(refused, trace=call.trace, under=_places(item, place))
            told_items.append({"index": place, "status": "refused", "recorded": None, "problem": why})
    replayed = bool(outcome.done) and all(one.replayed for one in outcome.done)
    return tell({"items": told_items}, replayed=replayed)


def _done(place: int, made: flow.Recorded) -> dict[str, object]:
    return {"index": place, "status": "recorded", "recorded": made.reply(), "problem": None}


def _places(item: flow.RecordedChange, place: int) -> dict[str, str]:
    """Return where in the call each field's new value stands."""
    return {one.path: f"/items/{place}/changes/{at}/new" for at, one in enumerate(item.changes)}


@router.post("", **documented(201, told.Results, key=True, problems=[412], also=200))
def record_changes(call: Call, body: asked.Changes) -> Answer:
    """Record changes that were made and evidenced elsewhere: up to 500, each with its own result.

    One alone: 201, or its problem. Several: 200, with a result or a problem for each.
    """
    return record(call, [_item(one) for one in body.items])


class Place(asked.Asked):
    """Where in the log to go on from: the index of the last entry that was read, -1 for the beginning."""

    after: Annotated[int, Field(ge=-1, le=2**62)] = -1
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    values: bool = False


@router.get("", **documented(200, told.Feed, body=False))
def follow(call: Call, query: Query[Place]) -> Answer:
    """Follow the log by its dense index, from any point, as often as wanted. ``values`` asks for values in clear."""
    page = feed.feed(
        actor=call.actor, after=query.after, limit=query.limit, values=query.values, language=call.language
    )
    link = onward(call.path, query, after=page.next if page.more else None)
    return tell(page, headers=link)


@router.get("/{id}", **documented(200, EntryView, body=False))
def read(call: Call, id: asked.Id) -> Answer:  # noqa: A002 - the address's word
    """Read one entry of a history by the id of its change."""
    return tell(timeline.entry(ChangeId(id), actor=call.actor, at=call.at, language=call.language))


@router.post(
    "/{id}/revert", **documented(201, told.Receipt, key=True, problems=[412], also=200, also_answer=told.RevertPlan)
)
def revert(call: Call, id: asked.Id, body: asked.Revert, dry_run: bool = False) -> Answer:  # noqa: A002, FBT001, FBT002 - the address's words
    """Ask for a change to be undone, by an ordinary request with its own proofs and approval.

    With ``dry_run=true`` nothing is asked: 200, and what undoing would meet, field by field.
    """
    change = ChangeId(id)
    if dry_run:
        return _plan(call, flow.plan_revert(change, actor=call.actor, at=call.at))
    choices: dict[str, str | tuple[str, object]] = {
        path: choice if isinstance(choice, str) else ("custom", choice.custom) for path, choice in body.choices.items()
    }
    made = flow.revert(
        change,
        body.how(call.once(), acknowledged=body.acknowledged),
        choices=choices,
        actor=call.actor,
        at=call.at,
    )
    return receipt(made, status=201, location=f"/api/v1/change-requests/{made.ref}")


def _plan(call: Call, plan: flow.RevertPlan) -> Answer:
    clear = sees(call, plan.subject)
    fields = [
        {
            "path": one.path,
            "finding": one.finding.value,
            "before": one.before if clear else None,
            "after": one.after if clear else None,
            "standing": one.standing if clear else None,
            "hidden": not clear,
            "later": list(one.later),
        }
        for one in plan.fields
    ]
    return tell({"change": plan.change, "subject": plan.subject, "kind": plan.kind, "fields": fields})
