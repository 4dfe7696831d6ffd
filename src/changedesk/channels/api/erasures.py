"""Erasures: what one would take, asking for it, and the certificates of those that were begun."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Query, Schema
from pydantic import Field

from changedesk import flow
from changedesk.base.ids import SubjectId
from changedesk.channels.api import asked, told
from changedesk.channels.api.calls import Call
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented, onward
from changedesk.channels.api.requests import receipt
from changedesk.channels.api.routes import Routes
from changedesk.channels.refusals import Answer
from changedesk.reading import erasures, recipients
from changedesk.reading.erasures import Certificate
from changedesk.reading.recipients import Disclosure
from changedesk.rules.forgetting import Decision

router = Routes(tags=["Erasures"])
Classes = Annotated[list[asked.Word], Field(min_length=1, max_length=20)]


class Weighed(asked.Asked):
    """Whose data, and which of it: ``everything``, or first words of categories (personal, contact, pref ...)."""

    subject: asked.Id
    classes: Classes = ["everything"]


class Erasure(Weighed, asked.How):
    """``person``: the holder who asks, where an account is to be erased. ``received_at`` starts the legal clock."""

    reason: asked.Word = "data_subject_request"
    received_at: asked.Time | None = None


class Becomes(Schema):
    """What would become of one field: erase, or keep by a rule until a day (null: the time has not begun to run)."""

    path: str
    verdict: Literal["erase", "keep"]
    rule: str
    retention: str
    until: date | None


class AccountLeft(Schema):
    """What becomes of an account of the customer; ``rule`` and ``until`` say what keeps it.

    stays (somebody else holds it, too), empty (it was erased itself), kept (by law, until a day), asked (its own
    erasure is under way, which this one waits for). An erasure is refused while one is held (by a legal hold) or open:
    ``next`` names the operations of which one settles it (close, transfer, erase; legal_release).
    """

    account: UUID
    becomes: Literal["stays", "empty", "kept", "asked", "held", "open"]
    rule: str
    until: date | None
    next: list[Literal["close", "transfer", "erase", "legal_release"]]


class MergedRecord(Schema):
    """A record that was merged into the one that is erased, and goes with it by its own fields."""

    record: UUID
    items: list[Becomes]


class Weighing(Schema):
    """``subject``: the record that answers; another one than was asked about, where that one was merged into it."""

    subject: UUID
    items: list[Becomes]
    merged: list[MergedRecord]
    accounts: list[AccountLeft]


class Certificates(Schema):
    items: list[Certificate]
    next: str | None


class Told(Schema):
    """Who was given what of the person's data before its erasure began, newest first."""

    items: list[Disclosure]


class Which(asked.Asked):
    """Erasures before one, newest first."""

    before: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:=-]{1,120}$")] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


@router.post("/preview", **documented(200, Weighing, problems=[409]))
def preview(call: Call, body: Weighed) -> Answer:
    """Read what an erasure would take and what the law keeps, by field, and what becomes of each account.

    Records that were merged into the one that answers go with it. Nothing is written.
    """
    found = flow.preview_erasure(SubjectId(body.subject), classes=body.classes, actor=call.actor, at=call.at)
    merged = [{"record": one.subject.id, "items": _items(one.decisions)} for one in found.merged]
    left = [{name: getattr(one, name) for name in AccountLeft.model_fields} for one in found.accounts]
    said = {"subject": found.subject, "items": _items(found.fields), "merged": merged, "accounts": left}
    return tell(said)


def _items(decisions: Iterable[Decision]) -> list[dict[str, Any]]:
    return [{name: getattr(one, name) for name in Becomes.model_fields} for one in decisions]


@router.post("", **documented(201, told.Receipt, key=True))
def ask(call: Call, body: Erasure) -> Answer:
    """Ask for data to be erased: a request, with the verification, the approval and the wait that policy asks.

    Of a merged record the one that it leads to is asked for, with all that was merged into it. While the customer alone
    holds an account that would go on telling of them it is refused, naming the accounts and what settles each.
    """
    made = flow.request_erasure(
        SubjectId(body.subject),
        body.how(call.once(), received_at=body.received_at),
        classes=body.classes,
        actor=call.actor,
        at=call.at,
    )
    return receipt(made, status=201, location=f"/api/v1/change-requests/{made.ref}")


@router.get("", **documented(200, Certificates, body=False))
def certificates(call: Call, query: Query[Which]) -> Answer:
    """List erasures, the newest first: what went, what stays by which rule and until when, and how far they are."""
    page = erasures.certificates(actor=call.actor, language=call.language, before=query.before, limit=query.limit)
    link = onward(call.path, query, before=page.next)
    return tell({"items": page.items, "next": page.next}, headers=link)


@router.get("/{id}", **documented(200, Certificate, body=False))
def certificate(call: Call, id: asked.Id) -> Answer:  # noqa: A002 - the address's word
    """Read the certificate of one erasure, with the entry that confirms it."""
    return tell(erasures.certificate(id, actor=call.actor, language=call.language))


@router.get("/{id}/recipients", **documented(200, Told, body=False))
def to_be_told(call: Call, id: asked.Id) -> Answer:  # noqa: A002 - the address's word
    """Read who was given the person's data before it was erased, and is to be told: when, by whom, what. No values."""
    found = recipients.to_be_told(id, actor=call.actor, at=call.at, language=call.language)
    return tell({"items": found})
