"""Undoing at scale: everything that one actor did in a time, and a record back to one of its versions."""

from typing import Annotated, Literal
from uuid import UUID

from ninja import Query, Schema
from pydantic import Field

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.channels.api import asked, told
from changedesk.channels.api.calls import Call
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented, onward
from changedesk.channels.api.house import Limit, Place
from changedesk.channels.api.routes import Routes
from changedesk.channels.refusals import Answer
from changedesk.reading import reversals as reading
from changedesk.reading.reversals import ReversalLine, ReversalPanel

router = Routes(tags=["Reversals"])
Actor = Annotated[str, Field(pattern=r"^([sk][0-9]{1,18}|a\.[a-z_]{1,40})$")]


class Undone(asked.Asked):
    """Whose changes, and from when until when; ``until`` itself is not in it."""

    whose: Actor
    since: asked.Time
    until: asked.Time
    reason: asked.Word = "reversal"
    force: bool = False
    """Put old values over what others set later, each with one more approval."""


class Restore(asked.How):
    """A record and the version that it goes back to."""

    subject: asked.Id
    version: Annotated[int, Field(ge=1, le=10**9)]
    reason: asked.Word = "reversal"
    choices: Annotated[dict[asked.Word, Literal["keep", "force"]], Field(max_length=200)] = {}
    """What to do with fields in conflict."""


class FieldFound(Schema):
    """One field: ``finding`` is restore, already or conflict; ``later`` are the changes that stand against it."""

    path: str
    finding: str
    later: list[UUID]


class ChangeFound(Schema):
    """One change: ``finding`` is revertible, already, conflict, erased or not_revertible."""

    change: UUID
    subject: UUID
    recorded_at: asked.Time
    kind: str
    finding: str
    fields: list[FieldFound]


class Plan(Schema):
    """What undoing would meet; ``rows`` is how many requests it would make."""

    changes: list[ChangeFound]
    rows: int


class RestorePlan(Schema):
    """What going back would meet, by kind of change."""

    kinds: dict[str, list[FieldFound]]


class Restored(Schema):
    """The requests that were made, and the codes of those that were refused, by their place."""

    items: list[told.Receipt]
    refused: dict[str, str]


class Reversals(Schema):
    items: list[ReversalLine]
    next: str | None


class ReversalApproval(asked.Asked):
    """The digest of the whole that was seen, and why it may go ahead."""

    digest: asked.Digest
    note: asked.Text = ""


class Approved(Schema):
    """Requests by where they stand now; those left behind, by reference, with the code of why."""

    states: dict[str, int]
    left: dict[str, str]


class WhichReversals(asked.Asked):
    """Reversals before one, newest first."""

    before: Place | None = None
    limit: Limit = 50


class WhichRows(asked.Asked):
    """Rows from a number on."""

    first: Annotated[int, Field(ge=0, le=10**6)] = 0
    limit: Limit = 100


@router.post("", **documented(201, ReversalPanel, key=True, also=200, also_answer=Plan))
def ask(call: Call, body: Undone, dry_run: bool = False) -> Answer:  # noqa: FBT001, FBT002 - the address's word
    """Ask for everything of one actor to be undone, as a batch that a second person approves by its digest.

    With ``dry_run=true`` nothing is asked: 200, and what each change would meet. A repeat goes on where it was ended.
    """
    if dry_run:
        plan = flow.plan_reversal(body.whose, since=body.since, until=body.until, actor=call.actor, at=call.at)
        return _plan(plan)
    made = flow.start_reversal(
        body.whose,
        since=body.since,
        until=body.until,
        reason=body.reason,
        force=body.force,
        actor=call.actor,
        at=call.at,
        key=call.once(),
    )
    flow.run_reversal(made.id, channel=Channel.API, actor=call.actor, at=call.at)
    panel = reading.reversal(made.id, actor=call.actor, language=call.language)
    return tell(panel, status=201, headers={"Location": f"/api/v1/reversals/{made.id}"})


def _plan(plan: flow.ReversalPlan) -> Answer:
    changes = [
        {
            "change": one.change,
            "subject": one.subject,
            "recorded_at": one.recorded_at,
            "kind": one.kind,
            "finding": one.finding,
            "fields": _fields(one.fields),
        }
        for one in plan.changes
    ]
    return tell({"changes": changes, "rows": plan.rows})


def _fields(fields: tuple[flow.FieldRevert, ...]) -> list[dict[str, object]]:
    return [{"path": one.path, "finding": one.finding.value, "later": list(one.later)} for one in fields]


@router.get("", **documented(200, Reversals, body=False))
def listed(call: Call, query: Query[WhichReversals]) -> Answer:
    """List reversals, newest first."""
    page = reading.past(actor=call.actor, language=call.language, before=query.before, limit=query.limit)
    link = onward(call.path, query, before=page.next)
    return tell({"items": page.items, "next": page.next}, headers=link)


@router.post("/restore", **documented(201, Restored, key=True, also=200, also_answer=RestorePlan))
def restore(call: Call, body: Restore, dry_run: bool = False) -> Answer:  # noqa: FBT001, FBT002 - the address's word
    """Ask for a record to be as it was at a version: one request for each kind of change that this takes.

    With ``dry_run=true`` nothing is asked: 200, and what each field would meet.
    """
    subject = SubjectId(body.subject)
    if dry_run:
        plan = flow.plan_restore(subject, body.version, actor=call.actor, at=call.at)
        return tell({"kinds": {kind: _fields(fields) for kind, fields in plan.kinds.items()}})
    done = flow.restore(
        subject,
        body.version,
        body.how(call.once()),
        choices=dict(body.choices),
        actor=call.actor,
        at=call.at,
    )
    replayed = bool(done.done) and all(item.replayed for item in done.done)
    refused = {str(place): refusal.code for place, refusal in done.refused.items()}
    return tell({"items": [receipt_of(item) for item in done.done], "refused": refused}, status=201, replayed=replayed)


@router.get("/{id}", **documented(200, ReversalPanel, body=False))
def one(call: Call, id: asked.Id, query: Query[WhichRows]) -> Answer:  # noqa: A002 - the address's word
    """Read one reversal: its requests by state, and a page of its rows."""
    panel = reading.reversal(id, actor=call.actor, language=call.language, first=query.first, limit=query.limit)
    return tell(panel, headers=onward(call.path, query, first=panel.next))


@router.post("/{id}/approve", **documented(200, Approved, key=True))
def approve(call: Call, id: asked.Id, body: ReversalApproval) -> Answer:  # noqa: A002 - the address's word
    """Let the whole go ahead, as a second person, exactly as it was seen. What moved since is left behind."""
    done = flow.approve_batch(id, digest=body.digest, note=body.note, actor=call.actor, at=call.at, key=call.once())
    left = dict.fromkeys(done.edited, "different-content")
    left |= {ref: refusal.code for ref, refusal in done.refused.items()}
    return tell({"states": dict(done.states), "left": left})


def receipt_of(made: flow.Receipt) -> dict[str, object]:
    return {**made.reply(), "replayed": made.replayed}
