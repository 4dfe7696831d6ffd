"""A client with its people, and ways to a state through the real verbs."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any
from uuid import UUID, uuid4

import django

django.setup()

import pytest  # noqa: E402 - tables must be loaded before anything is imported
from msgspec import Struct, structs  # noqa: E402
from tests import cast  # noqa: E402
from tests.cast import Desk, soon, totp  # noqa: E402
from tests.postgres import Database  # noqa: E402

from changedesk import flow  # noqa: E402
from changedesk.base.actor import Actor, ActorType, Channel  # noqa: E402
from changedesk.base.ids import SubjectId  # noqa: E402
from changedesk.reading import notices, request  # noqa: E402
from changedesk.store import evidence, keys, settings_read, wire  # noqa: E402
from changedesk.store.begin import begin  # noqa: E402

NEW_EMAIL = "dana@new.example"
PRIVATE = ("dana@old.example", "Dana Novak", "Novak", "2025550143", "555 0143", "555-0143", NEW_EMAIL, "new.example")
"""What Dana's record holds, and would hold: none of it may stand in what is masked."""


@pytest.fixture
def desk(database: Database) -> Desk:
    settings_read.forget()
    keys.forget()
    return cast.desk()


@pytest.fixture
def other(desk: Desk) -> Desk:
    """Another client, whose staff have the same ids and whose customer looks the same."""
    return cast.desk("borealis")


def told(panel: object) -> str:
    """Everything that a panel says, as one text."""
    return json.dumps(_plain(panel), ensure_ascii=False, default=_inside)


def _plain(panel: object) -> Any:
    if isinstance(panel, list | tuple):
        return [_plain(item) for item in panel]
    return asdict(panel) if is_dataclass(panel) and not isinstance(panel, type) else panel


def _inside(piece: object) -> Any:
    # Not as it shows itself, which may leave out what it holds.
    return structs.asdict(piece) if isinstance(piece, Struct) else str(piece)


def says_nothing_private(panel: object) -> bool:
    text = told(panel)
    return not any(word in text for word in PRIVATE)


def verify_caller(subject: SubjectId, actor: Actor, at: Any) -> None:
    """The caller on this actor's line answers with the authenticator."""
    made = flow.challenge(subject, purpose="caller", method="totp", actor=actor, at=at)
    assert flow.confirm(made.id, totp(at), actor=actor, at=at).matched


def ask_for_email(subject: SubjectId, actor: Actor, at: Any, email: str = NEW_EMAIL) -> flow.Receipt:
    wish = flow.Wish(
        subject=subject,
        kind="contact_details",
        values={"contact.email": email},
        reason="customer_request",
        channel=Channel.PHONE,
        note="called from a train",
    )
    return flow.submit([wish], actor=actor, at=at).one()


def code_of(desk: Desk, event: str, at: Any) -> str:
    """The newest code of an installation that has no mail server."""
    for item in notices.outbox(actor=desk.ines, at=at, show_codes=True).items:
        if item.event == event:
            return next(word for word in item.body.replace(".", " ").split() if word.isdigit() and len(word) == 6)
    raise AssertionError(f"no {event} in the outbox")


def prove(desk: Desk, receipt: flow.Receipt, at: Any) -> None:
    """Take a request for another e-mail address to the people who decide."""
    ben = desk.ben
    about = {"ref": receipt.ref, "actor": ben, "at": at}
    for purpose, method, path in (
        ("change", "totp", None),
        ("change", "code_sms", "contact.phone_mobile"),
        ("new_contact", "code_email", "contact.email"),
    ):
        made = flow.challenge(receipt.subject, purpose=purpose, method=method, path=path, **about)
        event = "new_contact" if purpose == "new_contact" else "challenge"
        answer = totp(at) if method == "totp" else code_of(desk, event, at)
        assert flow.confirm(made.id, answer, actor=ben, at=at).matched
    words = request.request(receipt.ref, actor=ben, at=at, language="en").consent_asked
    if words is not None:
        agreed = flow.Agreement(
            ref=receipt.ref,
            statement=words.statement,
            version=words.version,
            language=words.language,
            way="read_aloud",
            evidence_text="recording 4711",
        )
        flow.record_consents([agreed], actor=ben, at=at).one()


def dispute(desk: Desk, receipt: flow.Receipt, at: Any) -> UUID:
    """The customer follows a notice's link and says that it wasn't them; return the dispute."""
    found = evidence.Dispute(
        id=uuid4(), subject_id=receipt.subject, request_id=receipt.request, issued_at=at, expires_at=soon(at, 600)
    )
    with begin(desk.ben) as writing:
        evidence.issue_dispute_link(writing, found, receipt.ref)
    assert not flow.open_dispute(desk.client, receipt.ref, at=at).already
    return found.id


def customer_self(desk: Desk, subject: SubjectId) -> Actor:
    return Actor(desk.client, ActorType.CUSTOMER, "c", Channel.WEB_PORTAL, "portal", subject=subject)


@dataclass
class Counted:
    statements: int = 0


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], int]:
    """How many statements on facts a reading costs."""
    counted = Counted()
    exchange = wire.Wire.exchange

    def counting(self: wire.Wire, on: Any, calls: Sequence[wire.Call]) -> list[Any]:
        counted.statements += len(calls)
        return exchange(self, on, calls)

    monkeypatch.setattr(wire.Wire, "exchange", counting)
    monkeypatch.setattr(keys, "KNOWN_SECONDS", 3600)  # a slow machine reads them no more often than a fast one

    def cost(ask: Callable[[], object]) -> int:
        ask()  # keys and settings are read once
        counted.statements = 0
        ask()
        return counted.statements

    return cost


__all__ = ["soon"]
