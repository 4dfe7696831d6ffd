"""The rest: kinds and their schemas, disputes, notices, the log's size."""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from changedesk import flow, kinds
from changedesk.channels.api import asked, told
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented, of, send
from changedesk.channels.refusals import Answer
from changedesk.reading import forms, log, notices
from changedesk.rules.fields import Catalogue

router = Router(tags=["House"])


@router.get("/kinds", **documented(200, told.Kinds, body=False))
def kinds_offered(request: HttpRequest) -> HttpResponse:
    """List the kinds of change that this client offers."""
    call = of(request)
    found = [
        {"name": one.kind, "label": one.label, "schema_path": f"/api/v1/kinds/{one.kind}/schema"}
        for one in forms.kinds_offered(actor=call.actor, language=call.language)
    ]
    return send(tell({"items": found}))


@router.get("/kinds/{name}/schema", **documented(200, told.JsonSchema, body=False))
def schema(request: HttpRequest, name: str) -> HttpResponse:
    """Read the JSON Schema of a kind's ``values``, made of the same fields as its forms."""
    call = of(request)
    form = forms.form_of(name, actor=call.actor, language=call.language)
    return send(tell(kinds.json_schema(kinds.find(name), Catalogue.of(form.fields), call.language)))


@router.post("/disputes/{id}/resolve", **documented(204, None))
def resolve(request: HttpRequest, id: asked.Id, body: asked.Resolution) -> HttpResponse:  # noqa: A002 - the address's word
    """Close a dispute and lift its freeze. Undoing what was applied is a request of its own."""
    call = of(request)
    flow.resolve_dispute(id, body.resolution, actor=call.actor, at=call.at)
    return send(Answer(204))


@router.get("/notices", **documented(200, told.Deliveries, body=False))
def attention(request: HttpRequest) -> HttpResponse:
    """List the notices that a person must look at: failed, or nobody knows."""
    call = of(request)
    return send(tell({"items": notices.attention(actor=call.actor, at=call.at)}))


@router.post("/notices/{id}/resend", **documented(204, None))
def resend(request: HttpRequest, id: asked.Id, body: asked.Nothing = asked.Nothing()) -> HttpResponse:  # noqa: A002, B008 - the address's word; no members
    """Send a failed or unconfirmed notice again, because a person says so."""
    del body
    call = of(request)
    flow.resend_notice(id, actor=call.actor, at=call.at)
    return send(Answer(204))


@router.get("/log/size", **documented(200, told.LogSize, body=False))
def size(request: HttpRequest) -> HttpResponse:
    """Read how many entries the log has, and how far behind each of its followers is."""
    call = of(request)
    return send(tell(log.state(actor=call.actor)))
