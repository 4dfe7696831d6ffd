"""Everything of one key undone, a record put back, and a policy made by two people, by HTTP alone."""

from datetime import timedelta
from typing import Any

import httpx
from tests.cast import Desk
from tests.channels.api.desk import Caller, customer, person, token
from tests.channels.api.test_conventions import change, is_problem
from tests.channels.api.test_story import ask

from changedesk.base.actor import Role
from changedesk.base.clock import now

RULE = (
    '[[rule]]\nid = "OUR-MAIL"\ncitation = "House policy"\nscope = { categories = ["contact.email"] }\n'
    "oblige = [{ approve = { count = 2 } }]\n"
)


def period(before: timedelta = timedelta(hours=1)) -> dict[str, str]:
    at = now()
    return {"since": (at - before).isoformat(), "until": at.isoformat()}


def tier(subject: str, value: str) -> dict[str, Any]:
    return {"items": [{"subject": subject, "changes": [{"path": "loyalty.tier", "new": value}]}]}


def test_all_that_a_key_did_is_undone_with_a_second_persons_word(http: httpx.Client, home: Desk, crm: Caller) -> None:
    ids = [customer(crm) for _ in range(2)]
    bad = Caller(http, token(home, "changes:record"))
    entries = []
    for subject in ids:
        made = bad.post("/changes", tier(subject, "gold"))
        assert made.status_code in (200, 201, 207), made.text
        entries.append(crm.get(f"/customers/{subject}/timeline").json()["items"][0])
    crm.post("/changes", tier(ids[1], "platinum"))
    ines, omar = (Caller(http, person(home, name, Role.SUPERVISOR, name)) for name in ("Ines", "Omar"))
    whose = entries[0]["actor"]["id"]
    body = {"whose": whose, **period(), "reason": "reversal"}
    plan = ines.post("/reversals?dry_run=true", body)
    assert plan.status_code == 200, plan.text
    assert [(one["change"], one["finding"]) for one in plan.json()["changes"]] == [
        (entries[0]["change"], "revertible"), (entries[1]["change"], "conflict"),
    ]  # fmt: skip
    assert plan.json()["changes"][1]["fields"][0]["later"]
    made = ines.post("/reversals", body, key="undo-1")
    assert made.status_code == 201, made.text
    told = made.json()
    assert told["counts"] == {"awaiting_approval": 1, "refused": 1}
    assert [row["reasons"] for row in told["rows"]] == [[], [["revert-conflicts", "loyalty.tier"]]]
    id_, digest = told["line"]["id"], told["digest"]
    assert ines.post("/reversals", body, key="undo-1").json()["line"]["id"] == id_
    assert [one["id"] for one in omar.get("/reversals").json()["items"]] == [id_]
    is_problem(ines.post(f"/reversals/{id_}/approve", {"digest": digest}), 403, "same-hand")
    done = omar.post(f"/reversals/{id_}/approve", {"digest": digest})
    assert done.json()["states"] == {"applied": 1}, done.text
    page = omar.get(f"/reversals/{id_}", params={"limit": 1})
    assert (page.json()["next"], page.json()["counts"]) == (2, {"applied": 1, "refused": 1})
    assert page.links["next"]["url"].endswith("first=2")
    assert "loyalty.tier" not in crm.get(f"/customers/{ids[0]}").json()["fields"]
    is_problem(ines.post("/reversals", {**body, "until": "2199-01-01T00:00:00Z"}), 422, "bad-period")


def test_a_record_is_put_back(http: httpx.Client, home: Desk, crm: Caller) -> None:
    dana = customer(crm)
    crm.post("/changes", change(dana))
    ines = Caller(http, person(home, "Ines", Role.SUPERVISOR, "one"))
    body = {"subject": dana, "version": 1}
    plan = ines.post("/reversals/restore?dry_run=true", body)
    assert plan.status_code == 200, plan.text
    ((fields,),) = (tuple(plan.json()["kinds"].values()),)
    assert {one["finding"] for one in fields} == {"restore"}
    made = ines.post("/reversals/restore", body, key="back")
    assert made.status_code == 201, made.text
    (receipt,) = made.json()["items"]
    assert receipt["state"] == "awaiting_verification"
    again = ines.post("/reversals/restore", body, key="back")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["items"][0]["ref"] == receipt["ref"]
    is_problem(ines.post("/reversals/restore", {**body, "version": 99}), 422, "not-revertible")


def test_a_policy_is_written_tried_and_published_by_two(http: httpx.Client, home: Desk, crm: Caller) -> None:
    dana = customer(crm)
    ref = ask(crm, dana)["ref"]
    ada = Caller(http, person(home, "Ada", Role.ADMINISTRATOR, "one"))
    cora = Caller(http, person(home, "Cora", Role.COMPLIANCE, "two"))
    body = {"source": RULE, "packs": ["telecom"], "jurisdictions": ["US"], "industries": ["telecom"]}
    written = ada.post("/policies", body)
    assert written.status_code == 201, written.text
    number = written.json()["policy"]["number"]
    assert [one["rule"] for one in written.json()["rules"]] == ["OUR-MAIL"]
    tried = ada.post(f"/policies/{number}/simulate", {"last": 10}).json()
    assert (tried["counts"]["more"], tried["samples"][0]["ref"], tried["samples"][0]["more"]) == (1, ref, ["approvals"])
    is_problem(ada.post(f"/policies/{number}/publish"), 403, "own-policy")
    published = cora.post(f"/policies/{number}/publish")
    assert published.status_code == 200, published.text
    wish = {"subject": customer(crm), "kind": "contact_details", "values": {"contact.email": "d@new.example"},
            "reason": "customer_request"}  # fmt: skip
    route = crm.post("/change-requests/preview", wish).json()["route"]
    assert (route["approvals"], route["policy_version"]) == (2, published.json()["policy_version"])
    assert "OUR-MAIL" not in crm.get(f"/change-requests/{ref}").text
    assert [one["state"] for one in cora.get("/policies").json()["items"]] == ["in_force"]
    assert cora.get(f"/policies/{number}").json()["policy"]["published_by"]["name"] == "Cora"
    refused = ada.post("/policies", {**body, "source": RULE.replace("OUR-MAIL", "FLOOR-REACH")})
    told = is_problem(refused, 422, "loosens-floor")
    assert (told["facts"]["rule"], told["facts"]["why"]) == ("FLOOR-REACH", "its scope differs")
    is_problem(ada.post("/policies", {**body, "source": "[[rule"}), 422, "rule-unclear")
    wider = ada.post("/policies", {**body, "limits": {"reveals_an_hour": 40, "glass_minutes": 15}}).json()
    assert wider["limits"] == {"reveals_an_hour": [30, 40], "glass_minutes": [60, 15]}
    assert wider["policy"]["limits"]["export_entries"] == 50_000
    told = is_problem(ada.post("/policies", {**body, "limits": {"reveals_a_day": 29}}), 422, "limit-unfit")
    assert told["facts"]["least"] == 30
    is_problem(crm.get("/policies"), 403, "forbidden")
