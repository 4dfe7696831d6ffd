"""Evidence for somebody who does not trust us: a ZIP that its own verify.py checks offline."""

from typing import Annotated, Any, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from changedesk.base.ids import ChangeId, SubjectId
from changedesk.channels import evidence
from changedesk.channels.api import asked
from changedesk.channels.api.documented import documented, of, send
from changedesk.channels.refusals import Answer
from changedesk.reading.evidence import Level, Wanted

router = Router(tags=["Evidence"])
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


def _zip() -> dict[str, Any]:
    made = documented(200, None, problems=(404, 422))
    schema = {"type": "string", "format": "binary"}
    made["openapi_extra"]["responses"][200] = {"description": "OK", "content": {evidence.MEDIA: {"schema": schema}}}
    return made


@router.post("/evidence", **_zip())
def build(request: HttpRequest, body: EvidenceWanted) -> HttpResponse:
    """Make an evidence bundle: entries with their receipts, the signed checkpoint, keys, a page to read, a verifier.

    Who took it out, about whom and for what is recorded with every call, so a repeat makes, and records, another one.
    """
    call = of(request)
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
    made = evidence.build(wanted, actor=call.actor, at=call.at, language=call.language)
    told = {"Content-Type": evidence.MEDIA, "Content-Disposition": f'attachment; filename="{made.name}"'}
    return send(Answer(200, made.data, told))
