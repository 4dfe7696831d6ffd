"""Data-subject requests of three laws from intake to answer, by HTTP, with the clocks of each law."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pytest_django.plugin import DjangoDbBlocker
from tests.cast import Desk, desk
from tests.channels.api.desk import ALL, Caller, code_sent, customer, token
from tests.postgres import Database
from tests.web import Web

from changedesk import flow
from changedesk.base.clock import now
from changedesk.outbound import duties
from changedesk.store import settings_read

DAY = timedelta(days=1)


HOUSES = {
    "meridian": ("retail", "EU"),
    "transit": ("retail", "EU"),
    "pacific": ("retail", "US", "US-CA"),
    "clinic": ("healthcare", "US"),
}
"""Clients by name: the pack, and the places whose law holds."""
Street = dict[str, tuple[Desk, Caller]]


@pytest.fixture(scope="module")
def street(worker_database: Database, django_db_blocker: DjangoDbBlocker, serve: Web) -> Iterator[Street]:
    """Four clients of other laws before one real server."""
    worker_database.clean()
    settings_read.forget()
    with django_db_blocker.unblock():
        homes = {slug: desk(slug, packs=(pack,), jurisdictions=tuple(at)) for slug, (pack, *at) in HOUSES.items()}
        secrets = {slug: token(home, *ALL) for slug, home in homes.items()}
        with httpx.Client(base_url=serve.fresh(), timeout=60) as http:
            yield {slug: (home, Caller(http, secrets[slug])) for slug, home in homes.items()}


def ask(crm: Caller, dana: str, right: str, received: datetime) -> dict[str, Any]:
    body = {"subject": dana, "right": right, "channel": "phone", "received_at": received.isoformat()}
    made = crm.post("/subject-requests", body)
    assert made.status_code == 201, made.text
    return dict(made.json())


def step(crm: Caller, ref: str, name: str, **body: Any) -> dict[str, Any]:
    told = crm.post(f"/subject-requests/{ref}/{name}", body)
    assert told.status_code == 200, (name, told.text)
    return dict(told.json())


def verify(home: Desk, crm: Caller, dana: str, ref: str) -> None:
    """The person on the phone reads out a code, and that is bound to the request."""
    sent = crm.post(f"/customers/{dana}/verification", {"method": "code_email", "path": "contact.email"})
    crm.post(f"/customers/{dana}/verification/{sent.json()['id']}/confirm", {"answer": code_sent(home)})
    step(crm, ref, "identify")


def said(home: Desk, crm: Caller) -> list[str]:
    """What was written to the person about their requests, by the address of record."""
    while any(duty.run(home.client) for duty in duties()):
        pass
    assert crm.get("/notices").status_code == 200
    from changedesk.store import deliveries  # noqa: PLC0415 - what no route tells: the text itself
    from changedesk.store.tx import look  # noqa: PLC0415

    with look(home.client) as seen:
        box = deliveries.outbox(seen, before=now() + DAY, limit=200)
    return [one.message.body for one in box if one.event.startswith("privacy_") and one.message is not None]


def data_of(crm: Caller, ref: str) -> dict[str, Any]:
    got = crm.post(f"/subject-requests/{ref}/copy/download", {})
    assert got.status_code == 200, got.text
    with zipfile.ZipFile(io.BytesIO(got.content)) as archive:
        return dict(json.loads(archive.read("data.json")))


def test_access_under_the_gdpr_is_answered_within_a_month_of_the_call_with_everything_and_nothing_internal(
    street: Street,
) -> None:
    home, crm = street["meridian"]
    dana = customer(crm)
    change = {"subject": dana, "changes": [{"path": "contact.url", "new": "https://dana.example/"}]}
    assert crm.post("/changes", {"items": [change]}).status_code == 201
    made = ask(crm, dana, "access", now() - 20 * DAY)
    line = crm.get("/subject-requests").json()["items"][0]
    assert line["due_rule"] == "EU-GDPR-12"
    assert 7 <= line["days_left"] <= 11, "a month after the call, not after the note of it"
    step(crm, made["ref"], "acknowledge")
    verify(home, crm, dana, made["ref"])
    longer = step(crm, made["ref"], "extend", reason="numerous")
    assert (datetime.fromisoformat(longer["due_at"]) - datetime.fromisoformat(made["due_at"])).days in range(58, 63)
    assert (
        crm.post(f"/subject-requests/{made['ref']}/extend", {"reason": "complex"}).json()["code"] == "extended-before"
    )
    step(crm, made["ref"], "copy")
    step(crm, made["ref"], "answer")
    told = data_of(crm, made["ref"])
    fields = {one["path"]: one["value"] for one in told["records"][0]["fields"]}
    assert fields["contact.email"] == "dana@old.example"
    changed = [one for one in told["history"] for line in one["fields"] if line["after"] == "https://dana.example/"]
    assert [one["by"] for one in changed] == ["Our service team"]
    assert {"views", "recipients", "consents", "statements", "requests"} <= told.keys()
    whole = json.dumps(told)
    assert not any(word in whole for word in ('"s1"', '"k1"', "HOUSE", "EU-GDPR", "digest")), "nothing internal"
    bodies = said(home, crm)
    assert sum("because there are many requests" in body for body in bodies) == 2, "by e-mail and by text message"
    assert any("/copy/" in body for body in bodies)


def test_what_a_person_gave_is_theirs_to_take_elsewhere(street: Street) -> None:
    home, crm = street["transit"]
    dana = customer(crm)
    made = ask(crm, dana, "portability", now())
    verify(home, crm, dana, made["ref"])
    step(crm, made["ref"], "copy")
    got = crm.post(f"/subject-requests/{made['ref']}/copy/download", {})
    with zipfile.ZipFile(io.BytesIO(got.content)) as archive:
        table = archive.read("data.csv").decode()
        told = json.loads(archive.read("data.json"))
    assert told["provided"][0]["values"]["contact.email"] == "dana@old.example"
    assert f"{dana},customer,contact.email,dana@old.example\r\n" in table
    assert "history" not in told


def test_deletion_under_the_ccpa_is_acknowledged_in_ten_business_days_and_done_in_forty_five(
    street: Street, settings: Any, tmp_path: Any
) -> None:
    settings.CHANGEDESK_ERASURE_JOURNAL = tmp_path / "erasures.jsonl"
    home, crm = street["pacific"]
    dana = customer(crm)
    made = ask(crm, dana, "erasure", datetime(2026, 11, 20, 18, tzinfo=UTC))
    panel = crm.get(f"/subject-requests/{made['ref']}").json()
    assert panel["line"]["acknowledge_by"].startswith("2026-12-08T04:59:59"), "Thanksgiving is no business day"
    assert (made["due_rule"], made["due_at"][:10]) == ("US-CA-7021", "2027-01-05")
    step(crm, made["ref"], "acknowledge", spoken=True)
    unknown = crm.post(f"/subject-requests/{made['ref']}/answer", {})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "identity-unverified")
    verify(home, crm, dana, made["ref"])
    erasing = crm.post("/erasures", {"subject": dana, "channel": "phone"})
    assert erasing.status_code == 201, erasing.text
    asked = erasing.json()
    step(crm, made["ref"], "link", change_request=asked["ref"])
    assert crm.post(f"/subject-requests/{made['ref']}/answer", {}).json()["code"] == "not-carried-out"
    sent = crm.post(f"/change-requests/{asked['ref']}/verification", {"method": "code_email", "path": "contact.email"})
    crm.post(
        f"/change-requests/{asked['ref']}/verification/{sent.json()['id']}/confirm", {"answer": code_sent(home)}
    )  # fmt: skip
    flow.approve({asked["ref"]: asked["digest"]}, actor=home.ines, at=now()).one()
    assert flow.apply_due(home.client, at=now() + 8 * DAY) == 1
    assert flow.forget_on(home.client, at=now() + 10 * DAY) == 1
    assert step(crm, made["ref"], "answer")["state"] == "answered"
    (figures,) = [one for one in crm.get("/subject-requests/figures").json()["items"] if one["right"] == "erasure"]
    assert (figures["received"], figures["whole"], figures["open"]) == (1, 1, 0)
    refused = ask(crm, customer(crm, contact__email="kim@old.example"), "access", now())
    step(crm, refused["ref"], "refuse", ground="identity_unverified", note="Nothing that was tried worked.")
    assert any("could not verify that the request comes from you" in body for body in said(home, crm))


def test_an_amendment_under_hipaa_that_is_denied_carries_the_statement_with_every_later_disclosure(
    street: Street,
) -> None:
    home, crm = street["clinic"]
    dana = customer(crm)
    received = now() - 58 * DAY
    made = ask(crm, dana, "amendment", received)
    assert (made["due_rule"], crm.get("/subject-requests").json()["items"][0]["overdue"]) == ("US-HIPAA-526", False)
    longer = step(crm, made["ref"], "extend", reason="archived")
    assert (datetime.fromisoformat(longer["due_at"]) - datetime.fromisoformat(made["due_at"])).days in (29, 30)
    step(crm, made["ref"], "refuse", ground="accurate_and_complete", note="The chart was read again.")
    step(crm, made["ref"], "statement", text="I never took that medicine.")
    copy = ask(crm, dana, "access", now())
    assert copy["due_rule"] == "US-HIPAA-524"
    verify(home, crm, dana, copy["ref"])
    step(crm, copy["ref"], "copy")
    assert [one["text"] for one in data_of(crm, copy["ref"])["statements"]] == ["I never took that medicine."]
    listed = ask(crm, dana, "accounting", now())
    assert listed["due_rule"] == "US-HIPAA-528"
    verify(home, crm, dana, listed["ref"])
    step(crm, listed["ref"], "copy")
    told = data_of(crm, listed["ref"])
    assert [one["sort"] for one in told["disclosures"]] == ["feed"], "what went to the person is not accounted for"
    assert [one["text"] for one in told["statements"]] == ["I never took that medicine."]
