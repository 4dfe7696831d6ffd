"""A client with keys and staff, called over HTTP."""

import re
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from tests.cast import Desk, desk

from changedesk.base.actor import Role
from changedesk.base.clock import now
from changedesk.flow import admit, configure
from changedesk.rules import access
from changedesk.store import deliveries
from changedesk.store.tx import look

ALL = tuple(access.SCOPES)
DANA = {
    "personal.name": "Dana Novak",
    "contact.email": "dana@old.example",
    "contact.phone_mobile": "+1 202 555 0143",
}


def token(home: Desk, *scopes: str) -> str:
    """A key of this client with these scopes."""
    at = now()
    made = configure.create_key(
        "crm", scopes, entry_point="crm", expires_at=at + timedelta(days=1), actor=access.terminal(home.client), at=at
    )
    return made.secret


def person(home: Desk, name: str, role: Role, team: str) -> str:
    """A staff key of a new person who works for this client."""
    at = now()
    actor = access.terminal(home.client)
    number = configure.invite(f"{name}@{uuid.uuid4().hex}.example", name, [role], team=team, actor=actor, at=at)
    return admit.staff_key(number, actor=actor, at=at).secret


@dataclass
class Caller:
    """One credential at one address."""

    http: httpx.Client
    secret: str
    headers: dict[str, str] = field(default_factory=dict)

    def send(
        self, method: str, path: str, body: Any = None, *, key: str | None = "", match: int | None = None, **more: Any
    ) -> httpx.Response:
        """Call; ``key`` empty means a fresh Idempotency-Key, None means none."""
        headers = {"Authorization": f"Bearer {self.secret}", **self.headers, **more.pop("headers", {})}
        if key is not None and method == "POST":
            headers["Idempotency-Key"] = key or uuid.uuid4().hex
        if match is not None:
            headers["If-Match"] = f'"{match}"'
        if body is not None:
            more["json"] = body
        return self.http.request(method, f"/api/v1{path}", headers=headers, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.send("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return self.send("POST", path, body, **more)


def customer(caller: Caller, **values: Any) -> str:
    """Take Dana in, or somebody else; return the id."""
    given = {**DANA, **{name.replace("__", "."): value for name, value in values.items()}}
    made = caller.post("/customers", {"values": given})
    assert made.status_code == 201, made.text
    return str(made.json()["subject"])


def code_sent(home: Desk) -> str:
    """The code in the newest message."""
    with look(home.client) as seen:
        newest = deliveries.outbox(seen, before=now() + timedelta(seconds=5), limit=1)[0]
    assert newest.message is not None
    found = re.search(r"(?<!\d)\d{6}(?!\d)", newest.message.body)
    assert found, "no code in the newest message"
    return found[0]


def fresh(slug: str = "aurora") -> Desk:
    return desk(slug)
