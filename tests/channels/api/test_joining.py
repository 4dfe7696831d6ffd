"""Two records become one and two again, and an account changes hands, by HTTP alone; the clock is the desk's own."""

from datetime import timedelta
from uuid import UUID

import httpx
from tests.cast import SECRET, Desk
from tests.channels.api.desk import Caller, code_sent, customer, person
from tests.channels.api.test_conventions import is_problem
from tests.channels.api.test_story import carry, prove

from changedesk import flow
from changedesk.base.actor import Role
from changedesk.base.clock import now
from changedesk.base.ids import SubjectId
from changedesk.reading import customer as reading

WAIT = timedelta(hours=25)


def approve(http: httpx.Client, home: Desk, ref: str) -> None:
    """Two supervisors of two teams let a request go ahead, and a day goes by."""
    for name in ("Ines", "Omar"):
        caller = Caller(http, person(home, name, Role.SUPERVISOR, f"{name}s"))
        seen = caller.get(f"/change-requests/{ref}").json()
        done = caller.post(f"/change-requests/{ref}/approve", {"digest": seen["digest"]}, match=seen["version"])
        assert done.status_code == 200, done.text
    assert done.json()["state"] == "scheduled"
    flow.apply_due(home.client, at=now() + WAIT)


def test_duplicates_are_found_merged_and_parted(http: httpx.Client, home: Desk, crm: Caller) -> None:
    dana, twin = customer(crm), customer(crm, personal__name="Dana Novack", contact__fax="+1 202 555 0177")
    crm.post(f"/customers/{twin}/factors", {"secret": SECRET})
    found = crm.get(f"/merges/candidates/{twin}").json()["items"]
    assert [one["id"] for one in found] == [dana]
    assert found[0]["reasons"]
    body = {"merged": twin, "into": dana, "choices": {"personal.name": "survivor"}}
    plan = crm.post("/merges?dry_run=true", body)
    assert plan.status_code == 200, plan.text
    assert {one["path"]: (one["source"], one["rule"]) for one in plan.json()["choices"]} == {
        "personal.name": ("survivor", "chosen"), "contact.fax": ("merged", "only"),
    }  # fmt: skip
    asked = crm.post("/merges", body)
    assert asked.status_code == 201, asked.text
    ref = asked.json()["ref"]
    carry(crm, home, ref)
    approve(http, home, ref)
    read = crm.get(f"/customers/{twin}").json()
    assert (read["id"], read["merged_from"]) == (dana, twin)
    assert read["fields"]["contact.fax"]["value"] == "+12025550177"
    change = crm.get(f"/merges/of/{dana}").json()["items"][0]["id"]

    undone = crm.post(f"/merges/{change}/undo?dry_run=true", {"reason": "reversal"})
    assert undone.json()["fields"] == ["contact.fax"]
    crm.post("/changes", {"items": [{"subject": dana, "changes": [{"path": "contact.fax", "new": "+12025550178"}]}]})
    asked = crm.post(f"/merges/{change}/undo", {"reason": "reversal"})
    assert asked.status_code == 201, asked.text
    again = asked.json()["ref"]
    # The authenticator's code of this half minute is used up.
    prove(crm, home, again, {"method": "code_email", "path": "contact.email"})
    prove(crm, home, again, {"method": "code_sms", "path": "contact.phone_mobile"})
    approve(http, home, again)
    assert crm.get(f"/customers/{twin}").json()["merged_from"] is None
    work = crm.get("/merges/work").json()["items"]
    assert [(one["what"], one["why"]) for one in work] == [("contact.fax", "changed_since")]
    assert crm.post(f"/merges/{change}/work/settle", {"what": "contact.fax"}).status_code == 204
    assert crm.get("/merges/work").json()["items"] == []
    is_problem(crm.post(f"/merges/{change}/undo", {"reason": "reversal"}), 409, "not-merged")


def test_what_waits_for_the_merged_record_is_told_and_may_be_let_go(crm: Caller) -> None:
    dana, twin = customer(crm), customer(crm, personal__name="Dana Novack")
    values = {"contact.fax": "+1 202 555 0177"}
    wish = {"subject": twin, "kind": "contact_details", "values": values, "reason": "customer_request"}
    ref = crm.post("/change-requests", wish).json()["ref"]
    body = {"merged": twin, "into": dana}
    told = {"ref": ref, "kind": "contact_details", "fields": ["contact.fax"]}
    plan = crm.post("/merges?dry_run=true", body)
    assert plan.json()["pending"] == [{**told, "becomes": "asked_anew", "why": None}]
    plan = crm.post("/merges?dry_run=true", {**body, "close": [ref.lower()]})
    assert plan.json()["pending"] == [{**told, "becomes": "ended", "why": "chosen"}]


def test_an_account_is_given_and_taken(http: httpx.Client, home: Desk, crm: Caller) -> None:
    values = {
        "personal.name": "Dana Novak", "contact.email": "dana@old.example", "contact.phone_mobile": "+1 202 555 0143",
    }  # fmt: skip
    made = crm.post("/customers", {"values": values, "accounts": [{"number": "ACC-1"}, {"number": "ACC-2"}]}).json()
    dana, account = made["subject"], made["accounts"][0]
    crm.post(f"/customers/{dana}/factors", {"secret": SECRET})
    eve = customer(crm, personal__name="Eve Adams", contact__email="eve@old.example")
    asked = crm.post("/transfers", {"account": account, "to": eve, "keep": ["plan"]})
    assert asked.status_code == 201, asked.text
    ref = asked.json()["ref"]
    mail = {"method": "code_email", "path": "contact.email"}
    is_problem(crm.post(f"/transfers/{ref}/verification", mail), 409, "holder-first")
    assert carry(crm, home, ref)["state"] == "awaiting_verification"
    started = crm.post(f"/transfers/{ref}/verification", mail)
    assert started.status_code == 201, started.text
    path = f"/transfers/{ref}/verification/{started.json()['id']}/confirm"
    done = crm.post(path, {"answer": code_sent(home)})
    assert (done.json()["matched"], done.json()["receipt"]["state"]) == (True, "awaiting_approval")
    panel = crm.get(f"/transfers/{ref}").json()
    assert (panel["giver_confirmed"], panel["taker_confirmed"], panel["keep"]) == (True, True, ["plan"])
    approve(http, home, ref)
    held = reading.account_json(SubjectId(UUID(account)), actor=home.crm, at=now())
    assert [one["id"] for one in held["holders"]] == [eve]
    kinds = [one["kind"] for one in crm.get(f"/accounts/{account}/timeline").json()["items"]]
    assert kinds[0] == "ownership.transferred"

    other = crm.post("/transfers", {"account": made["accounts"][1], "to": eve}).json()["ref"]
    ended = crm.post(f"/transfers/{other}/decline", {})
    assert (ended.status_code, ended.json()["state"]) == (200, "withdrawn")
