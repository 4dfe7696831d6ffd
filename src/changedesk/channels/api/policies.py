"""Policies: written by one person, looked at against what is in force and against the past, published by another."""

from typing import Annotated

from ninja import Query, Schema
from pydantic import Field, StrictInt

from changedesk.channels.api import asked
from changedesk.channels.api.calls import Call
from changedesk.channels.api.calls import told as tell
from changedesk.channels.api.documented import documented
from changedesk.channels.api.house import Limit
from changedesk.channels.api.routes import Routes
from changedesk.channels.refusals import Answer
from changedesk.flow import policies as flow
from changedesk.reading import policies as reading
from changedesk.reading.policies import PolicyLine, PolicyPanel, Simulation

router = Routes(tags=["Policies"])
Number = Annotated[int, Field(ge=1, le=10**9)]
Names = Annotated[list[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,39}$")]], Field(max_length=50)]


class PolicyLimits(asked.Asked):
    """How much one person may reveal, take out, or see through broken glass. What is left out stays as it is."""

    reveals_an_hour: Annotated[StrictInt, Field(ge=1, le=300)] | None = None
    reveals_a_day: Annotated[StrictInt, Field(ge=1, le=1_000)] | None = None
    export_entries: Annotated[StrictInt, Field(ge=1, le=50_000)] | None = None
    glass_minutes: Annotated[StrictInt, Field(ge=1, le=60)] | None = None


class Policy(asked.Asked):
    """A policy: the client's own rules in TOML, as packs write theirs, which packs count where, and its limits."""

    source: Annotated[str, Field(max_length=200_000)] = ""
    packs: Names
    jurisdictions: Names = []
    industries: Names = []
    limits: PolicyLimits = PolicyLimits()


class Simulate(asked.Asked):
    """How many of the newest requests to decide again."""

    last: Annotated[int, Field(ge=1, le=reading.LAST_MOST)] = 500


class WhichPolicies(asked.Asked):
    """Policies before one, newest first."""

    before: Number | None = None
    limit: Limit = 50


class Policies(Schema):
    items: list[PolicyLine]


class Published(Schema):
    """The policy version that new requests name from now on."""

    policy_version: int


@router.get("", **documented(200, Policies, body=False))
def listed(call: Call, query: Query[WhichPolicies]) -> Answer:
    """List the client's policies, drafts among them, newest first."""
    found = reading.policies(actor=call.actor, language=call.language, before=query.before, limit=query.limit)
    return tell({"items": list(found)})


@router.post("", **documented(201, PolicyPanel, key=True))
def write(call: Call, body: Policy) -> Answer:
    """Keep a draft on top of the policy in force; nothing is decided by it yet. The same draft again is one draft."""
    call.once()  # the same draft of the same author is kept once, whatever the key
    new = flow.NewPolicy(
        source=body.source,
        packs=body.packs,
        jurisdictions=body.jurisdictions,
        industries=body.industries,
        limits=body.limits.model_dump(exclude_none=True),
    )
    number = flow.write_policy(new, actor=call.actor, at=call.at)
    panel = reading.policy_panel(number, actor=call.actor, language=call.language)
    return tell(panel, status=201, headers={"Location": f"/api/v1/policies/{number}"})


@router.get("/{number}", **documented(200, PolicyPanel, body=False))
def one(call: Call, number: Number) -> Answer:
    """Read a policy, and how it differs from what is in force."""
    return tell(reading.policy_panel(number, actor=call.actor, language=call.language))


@router.post("/{number}/simulate", **documented(200, Simulation))
def simulate(call: Call, number: Number, body: Simulate = Simulate()) -> Answer:  # noqa: B008 - the usual number
    """Decide past requests again by this policy: which would have needed more, and which less. Writes nothing."""
    return tell(reading.simulate(number, last=body.last, actor=call.actor))


@router.post("/{number}/publish", **documented(200, Published, key=True, problems=[412]))
def publish(call: Call, number: Number, body: asked.Nothing = asked.Nothing()) -> Answer:  # noqa: B008 - no members
    """Put a policy in force that somebody else wrote. Requests that are under way keep the route they were given."""
    del body
    call.once()  # publishing again what one has published gives the same answer
    return tell({"policy_version": flow.publish_policy(number, actor=call.actor, at=call.at)})
