"""How customers and accounts stood, change by change."""

from ninja import Schema

from changedesk.base.ids import SubjectId
from changedesk.channels.api import asked
from changedesk.channels.api.calls import Call
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented
from changedesk.channels.api.routes import Routes
from changedesk.channels.refusals import Answer
from changedesk.reading import status
from changedesk.reading.status import StandingView, StatusRecord

of_customers = Routes(tags=["Customers"])
of_accounts = Routes(tags=["Customers"])


class StatusRecords(Schema):
    """``items``: each change of how it stands, the newest first. ``standing``: what stands against changes now."""

    items: list[StatusRecord]
    standing: list[StandingView]


def _records(call: Call, subject: SubjectId) -> Answer:
    found = status.status_records(subject, actor=call.actor, at=call.at, language=call.language)
    now = status.standing(subject, actor=call.actor, language=call.language)
    return tell({"items": found, "standing": now})


@of_customers.get("/{id}/status-records", **documented(200, StatusRecords, body=False))
def customer_records(call: Call, id: asked.Id) -> Answer:  # noqa: A002 - the address's word
    """Read how a customer stood: from, to, why, at whose decision, since when; and what stands against changes now."""
    return _records(call, SubjectId(id))


@of_accounts.get("/{id}/status-records", **documented(200, StatusRecords, body=False))
def account_records(call: Call, id: asked.Id) -> Answer:  # noqa: A002 - the address's word
    """Read how an account stood: from, to, why, at whose decision, since when; and what stands against changes now."""
    return _records(call, SubjectId(id))
