"""Erasure by HTTP alone: weighed, asked for, carried out, and its certificate."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.cast import Desk, soon
from tests.channels.api.desk import Caller, customer
from tests.flow.walk import code_to, stands

from changedesk import flow
from changedesk.base.clock import now
from changedesk.base.ids import SubjectId


@pytest.fixture(autouse=True)
def journal(settings: Any, tmp_path: Path) -> None:
    settings.CHANGEDESK_ERASURE_JOURNAL = tmp_path / "erasures.jsonl"


def test_an_erasure_is_weighed_asked_for_carried_out_and_certified(home: Desk, crm: Caller) -> None:
    dana = customer(crm)
    weighed = crm.post("/erasures/preview", {"subject": dana})
    assert weighed.status_code == 200, weighed.text
    assert (weighed.json()["subject"], weighed.json()["merged"]) == (dana, [])
    assert {(one["path"], one["verdict"]) for one in weighed.json()["items"]} >= {("contact.email", "erase")}
    made = crm.post("/erasures", {"subject": dana, "channel": "phone"})
    assert made.status_code == 201, made.text
    asked = made.json()
    assert crm.get(f"/change-requests/{asked['ref']}").json()["kind"] == "erasure"
    assert crm.get("/erasures").json() == {"items": [], "next": None}
    sent = crm.post(
        f"/change-requests/{asked['ref']}/verification", {"method": "code_sms", "path": "contact.phone_mobile"}
    )
    answered = crm.post(
        f"/change-requests/{asked['ref']}/verification/{sent.json()['id']}/confirm", {"answer": code_to(home)}
    )
    assert answered.status_code == 200, answered.text
    flow.approve({asked["ref"]: asked["digest"]}, actor=home.ines, at=now()).one()
    due = now() + timedelta(days=8)
    assert flow.apply_due(home.client, at=due) == 1
    assert flow.forget_on(home.client, at=soon(due) + timedelta(days=1)) == 1
    (found,) = crm.get("/erasures").json()["items"]
    assert crm.get(f"/erasures/{found['id']}").json() == found
    assert (found["subject"], found["ref"], found["state"], found["whole"]) == (dana, asked["ref"], "done", True)
    assert "contact.email" in {one["path"] for one in found["erased"]}
    assert found["change"]
    assert stands(home, SubjectId(UUID(dana))).key is None
    told = crm.get(f"/erasures/{found['id']}/recipients")
    assert told.status_code == 200, told.text
    assert {one["sort"] for one in told.json()["items"]} <= {"feed"}, "what went to the person is not told again"
    assert crm.get(f"/erasures/{dana}/recipients").status_code == 404
    assert crm.post("/erasures", {"subject": dana}).json()["code"] == "erased"


def test_accounts_that_only_they_hold_are_named_and_stand_in_the_way(home: Desk, crm: Caller) -> None:
    dana, account = _with_account(home)
    weighed = crm.post("/erasures/preview", {"subject": dana}).json()
    assert weighed["accounts"] == [
        {"account": account, "becomes": "open", "rule": "", "until": None, "next": ["close", "transfer", "erase"]}
    ]
    refused = crm.post("/erasures", {"subject": dana, "channel": "phone"})
    assert (refused.status_code, refused.json()["code"]) == (409, "accounts-left")
    assert refused.json()["facts"]["accounts"] == [
        {"account": account, "becomes": "open", "next": ["close", "transfer", "erase"]}
    ]
    assert crm.post("/erasures", {"subject": account, "person": dana, "channel": "phone"}).status_code == 201
    assert crm.post("/erasures/preview", {"subject": dana}).json()["accounts"][0]["becomes"] == "asked"
    assert crm.post("/erasures", {"subject": dana, "channel": "phone"}).status_code == 201


def _with_account(home: Desk) -> tuple[str, str]:
    values = {"personal.name": "Dana Novak", "contact.phone_mobile": "+1 202 555 0143"}
    new = flow.NewCustomer(values=values, accounts=[flow.NewAccount("A-1")])
    made = flow.create_customers([new], actor=home.crm, at=now() - timedelta(days=9)).one()
    return str(made.subject), str(made.accounts[0])
