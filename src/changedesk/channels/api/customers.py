"""Taking customers in, finding them, reading them, and what happened to them."""

from typing import Annotated

from ninja import Query
from pydantic import Field

from changedesk import flow
from changedesk.base.ids import SubjectId
from changedesk.channels.api import asked, told
from changedesk.channels.api.calls import Call
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented, onward
from changedesk.channels.api.routes import Routes
from changedesk.channels.refusals import Answer
from changedesk.reading import asof, customer, search, timeline
from changedesk.reading.panels import AsOf

router = Routes(tags=["Customers"])
accounts = Routes(tags=["Customers"])
Limit = Annotated[int, Field(ge=1, le=200)]


class Narrowed(asked.Asked):
    """What a timeline is narrowed to, and where its page starts."""

    kind: asked.Word | None = None
    field: asked.Word | None = None
    channel: asked.Word | None = None
    actor: asked.Word | None = None
    tag: asked.Word | None = None
    since: asked.Time | None = None
    until: asked.Time | None = None
    before: Annotated[str, Field(pattern=r"^[0-9]{1,19}$")] | None = None
    limit: Limit = 50


class Instants(asked.Asked):
    """Both axes of time; now where not given."""

    known_at: asked.Time | None = None
    valid_at: asked.Time | None = None


@router.post("", **documented(201, told.Created, key=True))
def create(call: Call, body: asked.NewCustomer) -> Answer:
    """Take a customer in, with the accounts they hold: version 1 of the history."""
    new = flow.NewCustomer(
        values=body.values,
        accounts=[flow.NewAccount(one.number, one.role, one.values) for one in body.accounts],
        region=body.region,
        once=call.once(),
        valid_from=body.valid_from,
    )
    made = flow.create_customers([new], actor=call.actor, at=call.at).one()
    place = f"/api/v1/customers/{made.subject}"
    return tell(made.reply(), status=201, version=made.version, replayed=made.replayed, headers={"Location": place})


@router.post("/search", **documented(200, told.Hits))
def find(call: Call, body: asked.Search) -> Answer:
    """Find customers by what a person would type. In the body, so that no personal value stands in an address."""
    hits = search.search(body.text, actor=call.actor, at=call.at, language=call.language, limit=body.limit)
    return tell({"items": hits})


@router.get("/{id}", **documented(200, told.Customer, body=False))
def read(call: Call, id: asked.Id) -> Answer:  # noqa: A002 - the address's word
    """Read a customer. Values are masked unless this key may see them."""
    found = customer.customer_json(SubjectId(id), actor=call.actor, at=call.at, language=call.language)
    return tell(found, version=found["version"])


def history(call: Call, subject: SubjectId, query: Narrowed, path: str) -> Answer:
    """Return a page of a history, with a link to the next one (RFC 8288)."""
    page = timeline.timeline(
        subject,
        actor=call.actor,
        at=call.at,
        language=call.language,
        before=query.before,
        limit=query.limit,
        only=timeline.Only(
            kinds=None if query.kind is None else [query.kind],
            field=query.field,
            channel=query.channel,
            actor=query.actor,
            since=query.since,
            until=query.until,
            tag=query.tag,
        ),
    )
    return tell({"items": page.items, "next": page.next}, headers=onward(path, query, before=page.next))


@router.get("/{id}/timeline", **documented(200, told.Entries, body=False))
def of_customer(call: Call, id: asked.Id, query: Query[Narrowed]) -> Answer:  # noqa: A002 - the address's word
    """Read what happened to a customer, newest first."""
    return history(call, SubjectId(id), query, call.path)


@accounts.get("/{id}/timeline", **documented(200, told.Entries, body=False))
def of_account(call: Call, id: asked.Id, query: Query[Narrowed]) -> Answer:  # noqa: A002 - the address's word
    """Read what happened to an account, newest first."""
    return history(call, SubjectId(id), query, call.path)


def state_as_of(call: Call, subject: SubjectId, query: Instants) -> Answer:
    """Return what was known at one instant of what was true at another."""
    found: AsOf = asof.as_of(
        subject,
        known_at=query.known_at or call.at,
        valid_at=query.valid_at or call.at,
        actor=call.actor,
        at=call.at,
        language=call.language,
    )
    return tell(found)


@router.get("/{id}/as-of", **documented(200, told.AsOf, body=False))
def as_of(call: Call, id: asked.Id, query: Query[Instants]) -> Answer:  # noqa: A002 - the address's word
    """Read what the record held at ``known_at`` for the instant ``valid_at``."""
    return state_as_of(call, SubjectId(id), query)
