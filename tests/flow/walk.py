"""Ways to the states that tests start from, walked through the real verbs."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.cast import START, Desk, soon, totp

from changedesk import flow
from changedesk.base.actor import Actor, Channel
from changedesk.base.ids import SubjectId
from changedesk.store import deliveries, past, requests, subjects
from changedesk.store.subjects import Subject
from changedesk.store.tx import look

LATER = START + timedelta(days=3)
"""When nothing of the customer's making counts as changed lately."""
EMAIL: Mapping[str, object] = {"contact.email": "dana@new.example"}
POST: Mapping[str, object] = {
    "contact.postal_address": {
        "country": "US", "lines": "1 Main Street", "city": "Springfield", "region": "IL", "postal_code": "62701",
    }
}  # fmt: skip
"""Two factors, confirmed by the new address, one approval; one factor and one approval; below: none of these."""
OTHER_POST: Mapping[str, object] = {
    "contact.postal_address": {**dict(POST["contact.postal_address"]), "lines": "2 Main Street"}  # type: ignore[call-overload]
}
URL: Mapping[str, object] = {"contact.url": "https://dana.example/"}


def code_to(d: Desk, event: str = "challenge") -> str:
    """The newest code that was sent, as the customer reads it."""
    with look(d.client) as seen:
        box = deliveries.outbox(seen, before=datetime(2100, 1, 1, tzinfo=UTC))
    # Several of one moment: ids are in the order of time.
    message = max((item for item in box if item.event == event), key=lambda item: (item.created_at, item.id)).message
    assert message is not None
    found = re.search(r"\b(\d{6})\b", f"{message.subject} {message.body}")
    assert found is not None
    return found[1]


def not_this(code: str) -> str:
    """Another code."""
    return f"{(int(code) + 1) % 10**6:06d}"


def vouch(d: Desk, dana: SubjectId, at: datetime, *, agent: Actor | None = None) -> None:
    """The caller on the line reads out the code of their app."""
    agent = agent or d.ben
    started = flow.challenge(dana, purpose="caller", method="totp", actor=agent, at=at)
    assert flow.confirm(started.id, totp(at), actor=agent, at=at).matched


def wish(dana: SubjectId, values: Mapping[str, object] = EMAIL, **more: Any) -> flow.Wish:
    given: dict[str, Any] = {"kind": "contact_details", "reason": "customer_request", "channel": Channel.PHONE, **more}
    return flow.Wish(subject=dana, values=values, **given)


def ask(
    d: Desk, dana: SubjectId, values: Mapping[str, object] = EMAIL, *, at: datetime, agent: Actor | None = None,
    **more: Any,
) -> flow.Receipt:  # fmt: skip
    return flow.submit([wish(dana, values, **more)], actor=agent or d.ben, at=at).one()


def prove(d: Desk, asked: flow.Receipt, at: datetime, *, agent: Actor | None = None) -> flow.Receipt:
    """A code to the mobile number of record, bound to the change."""
    agent = agent or d.ben
    started = flow.challenge(
        asked.subject,
        purpose="change",
        method="code_sms",
        path="contact.phone_mobile",
        ref=asked.ref,
        actor=agent,
        at=at,
    )
    answered = flow.confirm(started.id, code_to(d), actor=agent, at=soon(at, 0.5))
    assert answered.matched
    assert answered.receipt is not None
    return answered.receipt


def arrive(d: Desk, asked: flow.Receipt, at: datetime, *, agent: Actor | None = None) -> flow.Receipt:
    """A code to the new e-mail address, which shows that it arrives."""
    agent = agent or d.ben
    started = flow.challenge(
        asked.subject,
        purpose="new_contact",
        method="code_email",
        path="contact.email",
        ref=asked.ref,
        actor=agent,
        at=at,
    )
    answered = flow.confirm(started.id, code_to(d, "new_contact"), actor=agent, at=soon(at, 0.5))
    assert answered.receipt is not None
    return answered.receipt


def request_of(d: Desk, ref: str) -> requests.Request:
    with look(d.client) as seen:
        found = requests.by_ref(seen, ref)
    assert found is not None
    return found


def agree(d: Desk, asked: flow.Receipt, at: datetime, *, agent: Actor | None = None) -> flow.Receipt:
    """The customer agrees to the wording that the change wants, if it wants one."""
    statement = request_of(d, asked.ref).needs_consent
    if statement is None:
        return asked
    agreed = flow.Agreement(ref=asked.ref, statement=statement, version=1, language="en", way="read_aloud")
    return flow.record_consents([agreed], actor=agent or d.ben, at=at).one()


def ready(
    d: Desk, dana: SubjectId, at: datetime = LATER, values: Mapping[str, object] = EMAIL, **more: Any
) -> flow.Receipt:
    """A request that waits for its approval: the caller vouched for, and what e-mail takes beyond that."""
    vouch(d, dana, at)
    asked = ask(d, dana, values, at=soon(at, 0.2), **more)
    if "contact.email" in values:
        prove(d, asked, soon(at))
        asked = arrive(d, asked, soon(at, 2))
    asked = agree(d, asked, soon(at, 3))
    assert asked.state == "awaiting_approval", asked
    return asked


def done(
    d: Desk, dana: SubjectId, at: datetime = LATER, values: Mapping[str, object] = EMAIL, **more: Any
) -> flow.Receipt:
    """A request that was applied."""
    asked = ready(d, dana, at, values, **more)
    applied = flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(at, 4)).one()
    assert applied.state == "applied", applied
    return applied


def record(d: Desk, dana: SubjectId, values: Mapping[str, object], *, at: datetime, **more: Any) -> flow.Recorded:
    """The billing system says what it has changed already."""
    changes = [flow.FieldChange(path=path, new=value) for path, value in values.items()]
    return flow.record_changes([flow.RecordedChange(subject=dana, changes=changes, **more)], actor=d.crm, at=at).one()


def stands(d: Desk, dana: SubjectId) -> Subject:
    with look(d.client) as seen:
        return subjects.load(seen, [dana])[dana]


def holds(d: Desk, dana: SubjectId, path: str) -> object:
    """What a field holds now."""
    return stands(d, dana).values().get(path)


def history(d: Desk, dana: SubjectId) -> list[past.Entry]:
    """Everything that was recorded about a customer, oldest first."""
    with look(d.client) as seen:
        return past.timeline(seen, stands(d, dana), limit=10_000)[::-1]


def kinds(d: Desk, dana: SubjectId) -> list[str]:
    return [entry.kind.value for entry in history(d, dana)]
