"""The rest: kinds and their schemas, disputes, imports, notices, the log's size."""

from typing import Annotated, Literal

from ninja import Query
from pydantic import Field

from changedesk import flow, kinds
from changedesk.channels.api import asked, told
from changedesk.channels.api.calls import Call
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented, nothing, onward
from changedesk.channels.api.routes import Routes
from changedesk.channels.refusals import Answer
from changedesk.reading import disputes, forms, imports, log, notices
from changedesk.reading.imports import ImportRun
from changedesk.rules.fields import Catalogue

router = Routes(tags=["House"])
Place = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:=-]{1,120}$")]
Limit = Annotated[int, Field(ge=1, le=200)]


class Whose(asked.Asked):
    """What is to change: a customer, or an account."""

    subject: Literal["customer", "account"] = "customer"


@router.get("/kinds", **documented(200, told.Kinds, body=False))
def kinds_offered(call: Call, query: Query[Whose]) -> Answer:
    """List the kinds of change that this client offers for customers, or for accounts."""
    asked_for = "" if query.subject == "customer" else f"?subject={query.subject}"
    found = [
        {
            "name": one.kind,
            "label": one.label,
            "operations": [{"name": item.code, "label": item.label} for item in one.operations],
            "initiators": list(one.initiators),
            "schema_path": f"/api/v1/kinds/{one.kind}/schema{asked_for}",
        }
        for one in forms.kinds_offered(actor=call.actor, language=call.language, subject_type=query.subject)
    ]
    return tell({"items": found})


@router.get("/kinds/{name}/schema", **documented(200, told.JsonSchema, body=False))
def schema(call: Call, name: str, query: Query[Whose]) -> Answer:
    """Read the JSON Schema of a kind's ``values``, made of the same fields as its forms."""
    form = forms.form_of(name, actor=call.actor, language=call.language, subject_type=query.subject)
    return tell(kinds.json_schema(kinds.find(name), Catalogue.of(form.fields), call.language))


class WhichDisputes(asked.Asked):
    """Those that wait, oldest first, or those that were cleared up, newest first."""

    state: Literal["open", "resolved"] = "open"
    after: Place | None = None
    limit: Limit = 50


@router.get("/disputes", **documented(200, told.Disputes, body=False))
def disputed(call: Call, query: Query[WhichDisputes]) -> Answer:
    """List what customers said was not them, with the request, the freeze, and what came out."""
    page = disputes.disputes(
        actor=call.actor,
        at=call.at,
        language=call.language,
        resolved=query.state == "resolved",
        after=query.after,
        limit=query.limit,
    )
    link = onward(call.path, query, after=page.next)
    return tell({"items": page.items, "next": page.next}, headers=link)


@router.post("/disputes/{id}/resolve", **documented(204, None, key=True))
def resolve(call: Call, id: asked.Id, body: asked.Resolution) -> Answer:  # noqa: A002 - the address's word
    """Close a dispute and lift its freeze. Undoing what was applied is a request of its own."""
    done = flow.resolve_dispute(id, body.resolution, actor=call.actor, at=call.at, key=call.once())
    return nothing(replayed=done)


class WhichImports(asked.Asked):
    """Runs before one, newest first."""

    before: Place | None = None
    limit: Limit = 50


@router.get("/imports", **documented(200, told.Imports, body=False))
def imported(call: Call, query: Query[WhichImports]) -> Answer:
    """List the files that were taken in, with what became of their rows."""
    page = imports.runs(actor=call.actor, language=call.language, before=query.before, limit=query.limit)
    link = onward(call.path, query, before=page.next)
    return tell({"items": page.items, "next": page.next}, headers=link)


@router.get("/imports/{id}", **documented(200, ImportRun, body=False))
def one_import(call: Call, id: asked.Id) -> Answer:  # noqa: A002 - the address's word
    """Read one import: its counts, and why rows were refused."""
    return tell(imports.run(id, actor=call.actor, language=call.language))


@router.get("/notices", **documented(200, told.Deliveries, body=False))
def attention(call: Call) -> Answer:
    """List the notices that a person must look at: failed, or nobody knows."""
    return tell({"items": notices.attention(actor=call.actor, at=call.at)})


@router.post("/notices/{id}/resend", **documented(204, None, key=True))
def resend(call: Call, id: asked.Id, body: asked.Nothing = asked.Nothing()) -> Answer:  # noqa: A002, B008 - the address's word; no members
    """Send a failed or unconfirmed notice again, because a person says so."""
    del body
    done = flow.resend_notice(id, actor=call.actor, at=call.at, key=call.once())
    return nothing(replayed=done)


@router.get("/log/size", **documented(200, told.LogSize, body=False))
def size(call: Call) -> Answer:
    """Read how many entries the log has, and how far behind each of its followers is."""
    return tell(log.state(actor=call.actor))
