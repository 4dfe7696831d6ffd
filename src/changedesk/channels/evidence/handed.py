"""Evidence that the worker makes: asked for by a page or a call, kept sealed until whoever asked fetches it."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from changedesk import flow
from changedesk.base.actor import Actor, ActorType, Channel, Role
from changedesk.base.ids import ChangeId, ClientId, SubjectId
from changedesk.base.refusal import Refusal
from changedesk.channels.evidence import Bundle, build
from changedesk.reading import evidence
from changedesk.reading.evidence import Level, Wanted
from changedesk.reading.evidence.taken import waiting

SOON: Final = 100
"""Entries of a bundle that is made while its asker waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A bundle that the worker makes. ``code``: of the refusal, where it is refused."""

    id: UUID
    state: str
    code: str
    wanted: Wanted
    at: datetime
    ends_at: datetime


def ask(wanted: Wanted, *, actor: Actor, at: datetime, language: str) -> Bundle | UUID:
    """Make a bundle at once, or let the worker make it where it is large; return it, or what it is fetched by.

    Raises what ``reading.evidence.collect`` raises.
    """
    if evidence.size(wanted, actor=actor) <= SOON:
        return build(wanted, actor=actor, at=at, language=language)
    return flow.ask_evidence(_body(wanted, actor, language), actor=actor, at=at)


def pending(*, actor: Actor) -> list[Pending]:
    """Return the bundles that the worker makes for somebody, newest first. Raises Forbidden."""
    return [
        Pending(
            id=one.id, state=one.state, code=one.code, wanted=_wanted(json.loads(one.body)["wanted"]), at=one.at,
            ends_at=one.ends_at,
        )
        for one in waiting(actor=actor)
    ]  # fmt: skip


def fetch(id_: UUID, *, actor: Actor) -> Bundle:
    """Hand a finished bundle over, once, to whoever asked for it and still may have what it shows.

    Raises Forbidden, NotFound.
    """
    for one in pending(actor=actor):
        if one.id == id_:
            evidence.require_level(one.wanted.level, actor=actor)
    bundle, data = flow.fetch_evidence(id_, actor=actor)
    return Bundle(bundle, data, 0)


def make_on(client: ClientId, *, at: datetime) -> int:
    """Make the bundle that waits longest; return how many were moved: 0 or 1. A duty of the worker.

    In the name of whoever asked, with the rights that they asked with: fetching it asks for them again.
    """
    found = flow.next_evidence(client, at=at)
    if found is None:
        return 0
    id_, body = found
    told = json.loads(body)
    try:
        made = build(_wanted(told["wanted"]), actor=_actor(client, told), at=at, language=told["language"])
    except Refusal as refusal:
        flow.refuse_evidence(id_, refusal.code, client=client)
    else:
        flow.keep_evidence(id_, made.id, made.data, dict(made.under), client=client)
    return 1


def _body(wanted: Wanted, actor: Actor, language: str) -> bytes:
    told = {
        "wanted": asdict(wanted),
        "id": actor.id,
        "type": actor.type,
        "channel": actor.channel,
        "roles": sorted(actor.roles),
        "scopes": sorted(actor.scopes),
        "team": actor.team,
        "language": language,
    }
    return json.dumps(told, default=str).encode()


def _actor(client: ClientId, told: dict[str, Any]) -> Actor:
    return Actor(
        client, ActorType(told["type"]), told["id"], Channel(told["channel"]), "worker",
        roles=frozenset(Role(one) for one in told["roles"]), scopes=frozenset(told["scopes"]), team=told["team"],
    )  # fmt: skip


def _wanted(told: dict[str, Any]) -> Wanted:
    def moment(name: str) -> datetime | None:
        return None if told[name] is None else datetime.fromisoformat(told[name])

    return Wanted(
        purpose=told["purpose"],
        level=Level(told["level"]),
        fields=tuple(told["fields"]),
        reference=told["reference"],
        change=None if told["change"] is None else ChangeId(UUID(told["change"])),
        request=told["request"],
        record=None if told["record"] is None else SubjectId(UUID(told["record"])),
        actor=told["actor"],
        since=moment("since"),
        until=moment("until"),
    )
