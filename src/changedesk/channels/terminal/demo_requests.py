"""Requests of the demonstration: each walks through the same verbs as any other, as far as its story goes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import pyotp

from changedesk import flow
from changedesk.base.actor import Actor, Channel
from changedesk.base.ids import SubjectId
from changedesk.channels.terminal.installed import Installed
from changedesk.flow import admit
from changedesk.reading.request import request as read_request

if TYPE_CHECKING:
    from changedesk.channels.terminal.demo import Authenticator

ENTRY: Final = "demo"


def walk(here: Installed, customers: "Sequence[Authenticator]", *, at: datetime) -> None:
    """Leave requests at several stages: waiting for the customer, for consent, for approval, applied, and ended."""
    ben, sofia, ines = (_staff(here, name) for name in ("ben", "sofia", "ines"))
    people = [(SubjectId(UUID(item.subject)), item.secret) for item in customers]
    _ask(people[1][0], "contact_details", {"contact.email": "marcus.new@example.com"}, "customer_request", ben, at)
    address = _ask(people[2][0], "contact_details", {"contact.postal_address": _moved(here)}, "life_event", sofia, at)
    _verify(address, *people[2], sofia, at)
    _agree(address, sofia, at)
    given, family = customers[3].name.split(" ", 1)
    married = {"personal.name": f"{given} {family}-Berg", "personal.family_name": f"{family}-Berg"}
    name = _ask(people[3][0], "personal_details", married, "life_event", sofia, at)
    _verify(name, *people[3], sofia, at)
    _ask(people[4][0], "marketing_preferences", {"pref.marketing_phone": False, "pref.marketing_post": False},
         "customer_request", ben, at)  # fmt: skip
    wrong = _ask(
        people[5][0], "contact_details", {"contact.phone_home": "+1 206 555 0199"}, "customer_request", ben, at
    )
    flow.withdraw(wrong.ref, seen_version=None, actor=ben, at=at)
    again = _ask(people[5][0], "contact_details", {"contact.postal_address": _moved(here)}, "life_event", ben, at)
    _verify(again, *people[5], ben, at)
    _agree(again, ben, at)
    flow.reject(again.ref, seen_version=None, reason="other", message="Sent twice by mistake.", actor=ines, at=at)


def ask(here: Installed, customer: "Authenticator", kind: str, values: Mapping[str, Any], *, at: datetime) -> None:
    """Leave one more request of a customer."""
    _ask(SubjectId(UUID(customer.subject)), kind, values, "customer_request", _staff(here, "sofia"), at)


def _staff(here: Installed, name: str) -> Actor:
    return admit.member(f"{name}@demo.example", here.slug, channel=Channel.PHONE, entry_point=ENTRY)


_MOVED: Final[Mapping[str, Mapping[str, str]]] = {
    "US": {"country": "US", "lines": "77 Harbor Lane", "city": "Oakland", "region": "CA", "postal_code": "94607"},
    "CZ": {"country": "CZ", "lines": "Přístavní 77", "city": "Brno", "postal_code": "635 00"},
    "DE": {"country": "DE", "lines": "Hafenstraße 77", "city": "Hamburg", "postal_code": "20359"},
    "GB": {"country": "GB", "lines": "77 Harbour Lane", "city": "Bristol", "postal_code": "BS1 4ST"},
}


def _moved(here: Installed) -> Mapping[str, str]:
    return _MOVED[here.region]


def _ask(
    subject: SubjectId, kind: str, values: Mapping[str, Any], reason: str, actor: Actor, at: datetime
) -> flow.Receipt:
    wish = flow.Wish(
        subject=subject,
        kind=kind,
        values=values,
        reason=reason,
        channel=Channel.PHONE,
        acknowledged=("phone_unassigned", "name_parts_differ"),
    )
    return flow.submit([wish], actor=actor, at=at).one()


def _verify(receipt: flow.Receipt, subject: SubjectId, secret: str, actor: Actor, at: datetime) -> None:
    asked = flow.challenge(subject, purpose="change", method="totp", ref=receipt.ref, actor=actor, at=at)
    flow.confirm(asked.id, pyotp.TOTP(secret).at(at), actor=actor, at=at)


def _agree(receipt: flow.Receipt, actor: Actor, at: datetime) -> None:
    asked = read_request(receipt.ref, actor=actor, at=at, language="en").consent_asked
    if asked is not None:
        agreed = flow.Agreement(
            ref=receipt.ref, statement=asked.statement, version=asked.version, language="en", way="read_aloud"
        )
        flow.record_consents([agreed], actor=actor, at=at).one()
