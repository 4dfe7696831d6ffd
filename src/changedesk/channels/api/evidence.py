"""Evidence for somebody who does not trust us: a ZIP that its own verify.py checks offline."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from changedesk.base.ids import ChangeId, SubjectId
from changedesk.base.refusal import NotFound
from changedesk.channels import evidence
from changedesk.channels.api import asked
from changedesk.channels.api.calls import Call
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented
from changedesk.channels.api.routes import Routes
from changedesk.channels.evidence import handed
from changedesk.channels.refusals import Answer
from changedesk.reading.evidence import Level, Wanted

router = Routes(tags=["Evidence"])
_FIELDS_MOST: Final = 50


class EvidenceWanted(asked.Asked):
    """Exactly one of ``change``, ``request`` (its reference), ``record`` (a customer or an account), or a period from
    ``since`` until before ``until``, all of it or what one ``actor`` did.

    ``level``: masked, single ``fields``, or full; values need the scope customers:reveal. ``reference`` is kept with
    the record of this bundle, so it must hold nothing personal.
    """

    purpose: Literal[
        "court_or_authority", "legal_claim", "customer_request", "dispute", "complaint", "audit", "investigation"
    ]
    level: Literal["masked", "fields", "full"] = "masked"
    fields: Annotated[list[asked.Word], Field(max_length=_FIELDS_MOST)] = []
    reference: Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9 ._:#/-]{0,79})?$")] = ""
    change: asked.Id | None = None
    request: Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{5,20}$")] | None = None
    record: asked.Id | None = None
    actor: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,40}$")] | None = None
    since: asked.Time | None = None
    until: asked.Time | None = None


class BundleWaiting(Schema):
    """A bundle that the worker makes: waiting, ready (fetch it once, until ``ends_at``), or refused (``code``)."""

    id: UUID
    state: Literal["waiting", "ready", "refused"]
    code: str
    ends_at: datetime


def _zip(*, body: bool = True, also: int | None = None) -> dict[str, Any]:
    made = documented(200, None, body=body, also=also, also_answer=BundleWaiting if also else None)
    schema = {"type": "string", "format": "binary"}
    made["openapi_extra"]["responses"][200] = {"description": "OK", "content": {evidence.MEDIA: {"schema": schema}}}
    return made


@router.post("/evidence", **_zip(also=202))
def build(call: Call, body: EvidenceWanted) -> Answer:
    """Make an evidence bundle: entries with their receipts, the signed checkpoint, keys, a page to read, a verifier.

    Who took it out, about whom and for what is recorded with every call, so a repeat makes, and records, another one.
    A large one is made by the worker: 202, and it is fetched by its id when it is ready.
    """
    wanted = Wanted(
        purpose=body.purpose,
        level=Level(body.level),
        fields=tuple(body.fields),
        reference=body.reference,
        change=None if body.change is None else ChangeId(body.change),
        request=body.request,
        record=None if body.record is None else SubjectId(body.record),
        actor=body.actor,
        since=body.since,
        until=body.until,
    )
    made = handed.ask(wanted, actor=call.actor, at=call.at, language=call.language)
    if isinstance(made, UUID):
        return tell(_waiting(made, call), status=202)
    return _file(made)


@router.get("/evidence/{id}", **documented(200, BundleWaiting, body=False))
def waiting(call: Call, id: asked.Id) -> Answer:  # noqa: A002 - the path's word
    """Say how far a large bundle is that this key asked for."""
    return tell(_waiting(id, call))


@router.post("/evidence/{id}/download", **_zip(body=False))
def download(call: Call, id: asked.Id) -> Answer:  # noqa: A002 - as above
    """Fetch a large bundle that this key asked for, once."""
    return _file(handed.fetch(id, actor=call.actor))


def _waiting(id_: UUID, call: Call) -> dict[str, Any]:
    for one in handed.pending(actor=call.actor):
        if one.id == id_:
            return {"id": id_, "state": one.state, "code": one.code, "ends_at": one.ends_at}
    raise NotFound


def _file(made: evidence.Bundle) -> Answer:
    told = {"Content-Type": evidence.MEDIA, "Content-Disposition": f'attachment; filename="{made.name}"'}
    return Answer(200, made.data, told)
