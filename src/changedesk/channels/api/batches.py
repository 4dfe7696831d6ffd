"""Many requests in one call: entered, looked at and approved as one."""

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Final, Literal
from uuid import UUID

from ninja import Query, Schema
from pydantic import Field, StringConstraints

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.channels.api import asked
from changedesk.channels.api.calls import Call
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented, onward
from changedesk.channels.api.house import Limit, Place
from changedesk.channels.api.routes import Routes
from changedesk.channels.refusals import Answer
from changedesk.kinds import Edit
from changedesk.reading import batches as reading
from changedesk.reading.batches import BatchLine, BatchPanel, RouteCount

router = Routes(tags=["Batches"])
ROWS_MOST: Final = 500
Item = Annotated[str, StringConstraints(min_length=1, max_length=2000, strict=True)]


class Deed(asked.Asked):
    """One operation on one field. ``delete`` without values empties it."""

    do: Literal["add", "delete", "replace"]
    values: Annotated[list[Item], Field(max_length=1000)] = []


class BatchRow(asked.Asked):
    """What is asked for one customer or account: operations by field path."""

    subject: asked.Id
    kind: asked.Word
    fields: Annotated[dict[str, Annotated[list[Deed], Field(min_length=1, max_length=3)]], Field(min_length=1)]
    reference: asked.Opaque | None = None


class BatchAsked(asked.Asked):
    """A batch: what all rows have in common, and the rows."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,79}$", strict=True)]
    reason: asked.Word
    initiated_by: Literal["customer", "business"] = "customer"
    acknowledged: Annotated[list[asked.Word], Field(max_length=20)] = []
    rows: Annotated[list[BatchRow], Field(min_length=1, max_length=ROWS_MOST)]


class BatchApproval(asked.Asked):
    """The digest of the whole that was seen, and why it may go ahead."""

    digest: asked.Digest
    note: asked.Text = ""


class RowTold(Schema):
    """What became of one row, by its place in the call. ``reasons``: code and field path each."""

    index: int
    outcome: str
    ref: str | None
    state: str | None
    reasons: list[list[str]]


class BatchTold(Schema):
    """A batch that came in. ``digest`` is what an approval of the whole is bound to."""

    batch: UUID
    digest: str
    items: list[RowTold]


class BatchPlan(Schema):
    """What entering rows would do: how many by outcome, what policy would ask of them, and what became of each."""

    counts: dict[str, int]
    routes: list[RouteCount]
    items: list[RowTold]


class BatchesTold(Schema):
    items: list[BatchLine]
    next: str | None


class ApprovalTold(Schema):
    """Requests by where they stand now; those left behind, by reference, with the code of why."""

    states: dict[str, int]
    left: dict[str, str]


class WhichBatches(asked.Asked):
    """Batches before one, newest first."""

    before: Place | None = None
    limit: Limit = 50


@router.post("", **documented(201, BatchTold, key=True, also=200, also_answer=BatchPlan))
def enter(call: Call, body: BatchAsked, dry_run: bool = False) -> Answer:  # noqa: FBT001, FBT002 - the address's word
    """Enter requests as one batch. Each is refused for itself; the rest stands. A repeat gets what there is.

    With ``dry_run=true`` nothing is entered and no batch is kept: 200, and what each row would become, with the rows
    that conflict, and what policy would ask.
    """
    rows = [_row(number, row) for number, row in enumerate(body.rows)]
    terms = flow.Terms(
        reason=body.reason, initiated_by=body.initiated_by, channel=Channel.API, acknowledged=body.acknowledged
    )
    if dry_run:
        return _plan(flow.preview_rows(rows, terms, actor=call.actor, at=call.at))
    once = call.once()
    batch = flow.start_batch(
        body.name, sha256(b"call\x00" + once.key.encode()).digest(), actor=call.actor, at=call.at, key=once
    )
    became = flow.enter_rows(batch.id, rows, terms, actor=call.actor, at=call.at)
    whole = flow.finish_batch(batch.id, actor=call.actor, at=call.at)
    digest = (whole.digest or b"").hex()
    answer = {"batch": whole.id, "digest": digest, "items": [_told(one) for one in became]}
    return tell(answer, status=201, replayed=batch.digest is not None)


def _row(number: int, row: BatchRow) -> flow.Asked:
    return flow.Asked(
        number=number,
        subject=SubjectId(row.subject),
        kind=row.kind,
        values={path: tuple(Edit(one.do, tuple(one.values)) for one in deeds) for path, deeds in row.fields.items()},
        reference=row.reference or "",
    )


def _told(one: flow.Became) -> dict[str, object]:
    return {
        "index": one.row.number,
        "outcome": one.row.outcome,
        "ref": one.row.ref or None,
        "state": one.row.state or None,
        "reasons": [list(reason) for reason in one.row.reasons],
    }


def _plan(became: Sequence[flow.Became]) -> Answer:
    routes = Counter(
        (level, consent or "", approvals) for level, consent, approvals in filter(None, (one.route for one in became))
    )
    asked = [RouteCount(level=level, consent=consent, approvals=approvals, count=count)
             for (level, consent, approvals), count in sorted(routes.items())]  # fmt: skip
    counts = Counter(one.row.outcome for one in became)
    return tell({"counts": dict(counts), "routes": asked, "items": [_told(one) for one in became]})


@router.get("", **documented(200, BatchesTold, body=False))
def listed(call: Call, query: Query[WhichBatches]) -> Answer:
    """List batches of requests, newest first."""
    page = reading.batches(actor=call.actor, language=call.language, before=query.before, limit=query.limit)
    link = onward(call.path, query, before=page.next)
    return tell({"items": page.items, "next": page.next}, headers=link)


@router.get("/{id}", **documented(200, BatchPanel, body=False))
def one(call: Call, id: asked.Id) -> Answer:  # noqa: A002 - the address's word
    """Read one batch: its requests by state, what policy asks, a sample of what it would change, its digest."""
    return tell(reading.batch(id, actor=call.actor, at=call.at, language=call.language))


@router.post("/{id}/approve", **documented(200, ApprovalTold, key=True))
def approve(call: Call, id: asked.Id, body: BatchApproval) -> Answer:  # noqa: A002 - as above
    """Let the whole batch go ahead, as a second person, exactly as it was seen. What moved since is left behind."""
    done = flow.approve_batch(id, digest=body.digest, note=body.note, actor=call.actor, at=call.at, key=call.once())
    left = dict.fromkeys(done.edited, "different-content")
    left |= {ref: refusal.code for ref, refusal in done.refused.items()}
    return tell({"states": dict(done.states), "left": left})
