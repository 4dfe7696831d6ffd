"""Asking, following, proving, agreeing, and putting new content in."""

from typing import Annotated, Any, Literal

from ninja import Query
from pydantic import Field

from changedesk import flow
from changedesk.base.actor import ActorType, Channel
from changedesk.base.ids import SubjectId
from changedesk.channels.api import asked, told
from changedesk.channels.api.calls import Call
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented, onward
from changedesk.channels.api.routes import Routes
from changedesk.channels.refusals import Answer
from changedesk.reading import queue
from changedesk.reading import request as requests
from changedesk.reading.request_panels import RequestPanel
from changedesk.reading.sight import LEVEL_TO_OPEN
from changedesk.rules import access, policy

router = Routes(tags=["Change requests"])


class QueueNarrowed(asked.Asked):
    """Which requests, oldest first. ``state`` goes before ``tab``."""

    tab: Literal["open", "customer", "approval", "returned", "waiting", "done"] = "open"
    state: asked.Word | None = None
    kind: asked.Word | None = None
    channel: asked.Word | None = None
    mine: bool = False
    after: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:=-]{1,120}$")] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


def receipt(given: flow.Receipt, *, status: int = 200, location: str = "") -> Answer:
    """Return a receipt as the answer of a verb on a request; a repeat's is the first one's, byte for byte."""
    more = {"Location": location} if location else {}
    return tell(given.reply(), status=status, version=given.version, replayed=given.replayed, headers=more)


def _wish(body: asked.Wish, once: flow.Once | None) -> flow.Wish:
    return flow.Wish(
        subject=SubjectId(body.subject),
        kind=body.kind,
        values=body.values,
        operation=body.operation or "",
        person=None if body.person is None else SubjectId(body.person),
        initiated_by=body.initiated_by,
        reason=body.reason,
        channel=Channel(body.channel),
        note=body.note,
        requested_by=body.requested_by,
        on_behalf_of=body.on_behalf_of,
        interaction=body.interaction,
        acknowledged=body.acknowledged,
        effective_at=body.effective_at,
        received_at=body.received_at,
        once=once,
    )


@router.post("", **documented(201, told.Receipt, key=True))
def submit(call: Call, body: asked.Wish) -> Answer:
    """Ask for a change. It goes as far as its evidence carries it: to whom it waits for, or to the end."""
    made = flow.submit_joined(_wish(body, call.once()), actor=call.actor, at=call.at)
    return receipt(made, status=201, location=f"/api/v1/change-requests/{made.ref}")


@router.post("/preview", **documented(200, told.Preview, problems=[409]))
def preview(call: Call, body: asked.Wish) -> Answer:
    """Tell exactly what submitting the same wish would do: values as they would be kept, route, rules, conflicts."""
    plan = flow.preview(_wish(body, None), actor=call.actor, at=call.at)
    return tell(_preview(call, plan))


def sees(call: Call, subject: SubjectId) -> bool:
    """Say whether the caller of the API may see this customer's values in clear."""
    if not access.may(call.actor, access.Verb.VALUE_REVEAL):
        return False
    if call.actor.type is not ActorType.STAFF:
        return True
    return flow.caller_level(subject, actor=call.actor, at=call.at).level >= LEVEL_TO_OPEN


def _preview(call: Call, plan: flow.Plan) -> dict[str, Any]:
    clear = sees(call, plan.wish.subject)
    return {
        "subject": plan.wish.subject,
        "kind": plan.kind.name,
        "version": plan.subject.ver,
        "changes": [
            {
                "path": path,
                "before": plan.before.get(path) if clear else None,
                "before_hidden": not clear and plan.before.get(path) is not None,
                "after": value,
            }
            for path, value in sorted(plan.after.items())
        ],
        "route": {
            name: value for name, value in policy.to_json(plan.route).items() if name not in {"rules", "suppressed"}
        },
        "rules": [rule for rule, _ in plan.route.rules],
        "concerns": [
            {"path": item.path, "code": item.code, "text": item.text(call.language)} for item in plan.concerns
        ],
        "conflicts": dict(plan.conflicts),
    }


@router.patch("/{ref}", **documented(200, told.Receipt, seen=True))
def revise(call: Call, ref: str, body: asked.Revision) -> Answer:
    """Put new content into a request that waits. Codes, consents and approvals of the old content are void."""
    made = flow.revise(
        ref,
        body.values,
        seen_version=call.seen(),
        reason=body.reason,
        note=body.note,
        acknowledged=body.acknowledged,
        actor=call.actor,
        at=call.at,
    )
    return receipt(made)


@router.get("", **documented(200, told.Rows, body=False))
def waiting(call: Call, query: Query[QueueNarrowed]) -> Answer:
    """Read the queue: requests by what has to happen next."""
    page = queue.queue(
        actor=call.actor,
        at=call.at,
        language=call.language,
        tab=query.tab,
        states=None if query.state is None else [query.state],
        kind=query.kind,
        channel=query.channel,
        mine=query.mine,
        after=query.after,
        limit=query.limit,
    )
    link = onward(call.path, query, after=page.next)
    return tell({"items": page.items, "next": page.next}, headers=link)


@router.get("/{ref}", **documented(200, RequestPanel, body=False))
def follow(call: Call, ref: str) -> Answer:
    """Read one request: its route, its evidence, its history, and what this key may do with it."""
    panel = requests.request(ref, actor=call.actor, at=call.at, language=call.language)
    return tell(panel, version=panel.version)
