"""Records that are one: found, compared, merged, and parted again."""

from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from changedesk import flow
from changedesk.base.ids import ChangeId, SubjectId, parse_reference
from changedesk.channels.api import asked, told
from changedesk.channels.api.calls import Call
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented, nothing
from changedesk.channels.api.requests import receipt, sees
from changedesk.channels.api.routes import Routes
from changedesk.channels.refusals import Answer
from changedesk.reading import merging
from changedesk.reading.merging import Candidate, LinkLine, WorkLine
from changedesk.rules import policy

router = Routes(tags=["Merges"])


class Merge(asked.How):
    """Which record goes into which. ``choices`` override the rules of survivorship, field by field.

    ``close`` names requests that wait for the merged record and are to end with the merge; the others are asked anew
    of the survivor where nothing stands against it.
    """

    merged: asked.Id
    into: asked.Id
    choices: Annotated[dict[asked.Word, Literal["survivor", "merged"]], Field(max_length=200)] = {}
    close: Annotated[list[asked.Opaque], Field(max_length=100)] = []
    reason: asked.Word = "duplicate_account"


class Undo(asked.How):
    """Why a merge is undone."""


class Settled(asked.Asked):
    """What was looked at: a field's path, or the id of an account."""

    what: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.#-]{1,120}$")]


class FieldChoice(Schema):
    """One field in which the two differ: whose value stays, by which rule. Values only for keys that may see them."""

    path: str
    source: Literal["survivor", "merged"]
    rule: str
    value: told.Value = None
    other: told.Value = None
    hidden: bool


class Waiting(Schema):
    """A request that waits for the merged record: asked anew of the survivor, or ended with the merge and why.

    ``why``: chosen, stands, undoes, erased, or the code of the problem that asking anew would meet.
    """

    ref: str
    kind: str
    fields: list[str]
    becomes: Literal["asked_anew", "ended"]
    why: str | None


class MergePlan(Schema):
    merged: UUID
    survivor: UUID
    choices: list[FieldChoice]
    pending: list[Waiting]
    route: dict[str, object]
    conflicts: dict[str, str]


class Returned(Schema):
    account: UUID
    customer: UUID
    role: str


class Left(Schema):
    what: str
    why: str


class UnmergePlan(Schema):
    """What undoing a merge gives back, and what it leaves to a person."""

    merged: UUID
    survivor: UUID
    fields: list[str]
    holdings: list[Returned]
    work: list[Left]


class Candidates(Schema):
    items: list[Candidate]


class Links(Schema):
    items: list[LinkLine]


class WorkList(Schema):
    items: list[WorkLine]


@router.post("", **documented(201, told.Receipt, key=True, problems=[412], also=200, also_answer=MergePlan))
def merge(call: Call, body: Merge, dry_run: bool = False) -> Answer:  # noqa: FBT001, FBT002 - the address's word
    """Ask for one record to be merged into another, with its own proofs and approvals.

    With ``dry_run=true`` nothing is asked: 200, and which values would stay. Reading the merged record answers with
    the survivor from then on, whose ``merged_from`` is the id that was asked for: never a redirect, since a merge
    can be undone.
    """
    how = body.how(None if dry_run else call.once())
    close = [parse_reference(ref) or ref for ref in body.close]
    if dry_run:
        plan = flow.preview_merge(
            SubjectId(body.merged),
            SubjectId(body.into),
            how,
            choices=dict(body.choices),
            close=close,
            actor=call.actor,
            at=call.at,
        )
        return _plan(call, plan)
    made = flow.merge(
        SubjectId(body.merged),
        SubjectId(body.into),
        how,
        choices=dict(body.choices),
        close=close,
        actor=call.actor,
        at=call.at,
    )
    return receipt(made, status=201, location=f"/api/v1/change-requests/{made.ref}")


def _plan(call: Call, made: flow.MergePlan) -> Answer:
    clear = sees(call, made.merged) and sees(call, made.survivor)
    choices = [
        {
            "path": one.path,
            "source": one.source.value,
            "rule": one.rule.value,
            "value": one.value if clear else None,
            "other": one.other if clear else None,
            "hidden": not clear,
        }
        for one in made.choices
    ]
    plan = made.plan
    return tell(
        {
            "merged": made.merged,
            "survivor": made.survivor,
            "choices": choices,
            "pending": [_waiting(one) for one in made.pending],
            "route": policy.to_json(plan.route),
            "conflicts": dict(plan.conflicts),
        }
    )


def _waiting(one: flow.Pending) -> dict[str, object]:
    becomes = "ended" if one.why else "asked_anew"
    return {
        "ref": one.request.ref,
        "kind": one.request.kind,
        "fields": list(one.request.fields),
        "becomes": becomes,
        "why": one.why or None,
    }


@router.post("/{id}/undo", **documented(201, told.Receipt, key=True, problems=[412], also=200, also_answer=UnmergePlan))
def undo(call: Call, id: asked.Id, body: Undo, dry_run: bool = False) -> Answer:  # noqa: A002, FBT001, FBT002 - the address's words
    """Ask for a merge to be undone; ``id`` is its change. With ``dry_run=true``: what would come back, and what not."""
    if dry_run:
        parts = flow.plan_unmerge(ChangeId(id), actor=call.actor, at=call.at)
        return _parting(parts)
    made = flow.unmerge(ChangeId(id), body.how(call.once()), actor=call.actor, at=call.at)
    return receipt(made, status=201, location=f"/api/v1/change-requests/{made.ref}")


def _parting(parts: flow.Parting) -> Answer:
    return tell(
        {
            "merged": parts.link.merged_id,
            "survivor": parts.link.survivor_id,
            "fields": [one.path for one in parts.back],
            "holdings": [
                {"account": one.account, "customer": one.customer, "role": one.role} for one in parts.returned
            ],
            "work": [{"what": what, "why": why} for what, why in parts.work],
        }
    )


@router.get("/candidates/{id}", **documented(200, Candidates, body=False))
def candidates(call: Call, id: asked.Id) -> Answer:  # noqa: A002 - the address's word
    """List records that may be the same customer or account, the likeliest first, with the reasons."""
    found = merging.candidates(SubjectId(id), actor=call.actor, at=call.at, language=call.language)
    return tell({"items": list(found)})


@router.get("/of/{id}", **documented(200, Links, body=False))
def of_record(call: Call, id: asked.Id) -> Answer:  # noqa: A002 - the address's word
    """List the merges into a record, and the one that leads away from it."""
    return tell({"items": list(merging.merges(SubjectId(id), actor=call.actor))})


@router.get("/work", **documented(200, WorkList, body=False))
def work(call: Call) -> Answer:
    """List what undone merges left to a person, the oldest first."""
    return tell({"items": list(merging.work_list(actor=call.actor, language=call.language))})


@router.post("/{id}/work/settle", **documented(204, None, key=True))
def settle(call: Call, id: asked.Id, body: Settled) -> Answer:  # noqa: A002 - the address's word
    """Strike one thing off that list, once it was looked at."""
    flow.settle_work(ChangeId(id), body.what, actor=call.actor, at=call.at, key=call.once())
    return nothing(replayed=False)
