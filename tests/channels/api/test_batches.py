"""Batches of requests through the API: entered once, refused row by row, approved as one by somebody else."""

import uuid
from typing import Any

import httpx
from tests.cast import Desk
from tests.channels.api.desk import Caller, customer, person, token
from tests.channels.api.test_conventions import is_problem

from changedesk.base.actor import Role


def asked(*subjects: str, **more: Any) -> dict[str, Any]:
    row = {"kind": "loyalty", "fields": {"loyalty.number": [{"do": "replace", "values": ["L-100"]}]}}
    rows = [{"subject": subject, "reference": "D/1", **row} for subject in subjects]
    return {"name": "spring", "reason": "correction_of_error", "initiated_by": "business", "rows": rows, **more}


def test_a_batch_is_entered_once_and_approved_as_one_by_a_second_person(
    http: httpx.Client, home: Desk, crm: Caller
) -> None:
    dana, nobody = customer(crm), str(uuid.uuid4())
    body = asked(dana, dana, nobody)
    made = crm.post("/batches", body, key="one")
    assert made.status_code == 201, made.text
    told = made.json()
    assert [(item["outcome"], item["state"], item["reasons"]) for item in told["items"]] == [
        ("requested", "awaiting_approval", []),
        ("refused", None, [["field-taken", "loyalty.number"]]),
        ("refused", None, [["not-found", ""]]),
    ]
    again = crm.post("/batches", body, key="one")
    assert (again.content, again.headers["Idempotency-Replayed"]) == (made.content, "true")
    is_problem(crm.post("/batches", asked(dana), key="one"), 422, "idempotency-other-body")
    path, seen = f"/batches/{told['batch']}", {"digest": told["digest"], "note": "As agreed"}
    ines = Caller(http, person(home, "Ines", Role.SUPERVISOR, "two"))
    is_problem(ines.post(f"{path}/approve", {"digest": "00" * 32}), 412, "batch-differs")
    is_problem(crm.post(f"{path}/approve", seen), 403, "same-hand")
    panel = ines.get(path).json()
    assert (panel["digest"], panel["may_approve"]) == (told["digest"], True)
    assert panel["counts"] == {"awaiting_approval": 1, "refused": 2}
    assert [field["after"] for field in panel["sample"][0]["fields"]] == ["L-100"]
    for _ in range(2):
        done = ines.post(f"{path}/approve", seen, key="two")
        assert (done.status_code, done.json()) == (200, {"states": {"applied": 1}, "left": {}})
    assert ines.get(path).json()["counts"] == {"applied": 1, "refused": 2}


def test_a_batch_is_seen_before_it_is_entered_and_nothing_is_kept_of_that(home: Desk, crm: Caller) -> None:
    dana = customer(crm)
    seen = crm.post("/batches?dry_run=true", asked(dana, dana, str(uuid.uuid4())))
    assert seen.status_code == 200, seen.text
    assert seen.json() == {
        "counts": {"requested": 1, "refused": 2},
        "routes": [{"level": 0, "consent": "", "approvals": 1, "count": 1}],
        "items": [
            {"index": 0, "outcome": "requested", "ref": None, "state": None, "reasons": []},
            {
                "index": 1,
                "outcome": "refused",
                "ref": None,
                "state": None,
                "reasons": [["field-taken", "loyalty.number"]],
            },
            {"index": 2, "outcome": "refused", "ref": None, "state": None, "reasons": [["not-found", ""]]},
        ],
    }
    assert crm.get("/batches").json()["items"] == []
    assert crm.get("/change-requests").json()["items"] == []


def test_batches_are_listed_to_who_decides_or_follows(http: httpx.Client, home: Desk, crm: Caller) -> None:
    dana = customer(crm)
    made = [crm.post("/batches", asked(dana, name=f"batch-{place}")).json()["batch"] for place in range(3)]
    first = crm.get("/batches", params={"limit": 2})
    assert [item["id"] for item in first.json()["items"]] == [made[2], made[1]]
    rest = crm.get("/batches", params={"limit": 2, "before": first.json()["next"]})
    assert ([item["id"] for item in rest.json()["items"]], rest.json()["next"]) == ([made[0]], None)
    narrow = Caller(http, token(home, "requests:write"))
    is_problem(narrow.get("/batches"), 403, "forbidden")
    is_problem(narrow.get(f"/batches/{made[0]}"), 403, "forbidden")
    is_problem(crm.get(f"/batches/{uuid.uuid4()}"), 404, "not-found")
    is_problem(crm.post("/batches", asked()), 422, "call-misshapen")
