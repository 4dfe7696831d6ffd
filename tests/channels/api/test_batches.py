"""Batches of requests through the API: entered once, refused row by row, approved as one by somebody else."""

import gzip
import uuid
from typing import Any

import httpx
from tests.cast import Desk
from tests.channels.api.desk import Caller, customer, person, token
from tests.channels.api.test_conventions import is_problem

from changedesk import flow
from changedesk.base.actor import Role
from changedesk.base.clock import now


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


MAP = """
source = "crm"
key = "id"
reason = "correction_of_error"
initiated_by = "business"
[fields]
number = "loyalty.number"
"""
FILE = "id,number\n7,replace==L-100\n7,replace==L-200\n8,replace==L-300\n"


def test_a_file_is_sent_looked_at_and_entered_with_what_became_of_each_line(
    http: httpx.Client, home: Desk, crm: Caller
) -> None:
    row = flow.SourceRow("crm", "7", b"")
    values = {"personal.name": "Dana Novak", "contact.email": "dana@old.example"}
    flow.create_customers([flow.NewCustomer(values=values, source=row)], actor=home.crm, at=now())
    form: dict[str, Any] = {"data": {"map": "ours"}, "files": {"file": FILE, "map_file": MAP}}
    seen = crm.send("POST", "/batches/files?dry_run=true", **form)
    assert seen.status_code == 200, seen.text
    plan = seen.json()
    assert (plan["batch"], plan["digest"], plan["counts"]) == (
        None, None, {"rows": 3, "checked": 1, "refused": 2, "warned": 0},
    )  # fmt: skip
    assert plan["routes"] == [{"level": 0, "consent": "", "approvals": 1, "count": 1}]
    assert [(one["row"], one["outcome"], one["code"]) for one in plan["lines"]] == [
        (2, "checked", ""), (3, "refused", "field-taken"), (4, "refused", "customer-unknown"),
    ]  # fmt: skip
    assert {(one["code"], one["field"]) for one in plan["reasons"]} == {
        ("field-taken", "loyalty.number"), ("customer-unknown", ""),
    }  # fmt: skip
    assert crm.get("/batches").json()["items"] == []
    made = crm.send("POST", "/batches/files", key="one", **form)
    assert made.status_code == 201, made.text
    told = made.json()
    assert told["lines"][0]["outcome"] == "to_approve"
    assert crm.get(f"/change-requests/{told['lines'][0]['ref']}").json()["state"] == "awaiting_approval"
    assert crm.send("POST", "/batches/files", key="one", **form).json()["batch"] == told["batch"]
    other = {**form, "files": {**form["files"], "file": FILE + "9,replace==L-1\n"}}
    is_problem(crm.send("POST", "/batches/files", key="one", **other), 422, "idempotency-other-body")
    ines = Caller(http, person(home, "Ines", Role.SUPERVISOR, "two"))
    done = ines.post(f"/batches/{told['batch']}/approve", {"digest": told["digest"]})
    assert done.json() == {"states": {"applied": 1}, "left": {}}


def test_a_file_that_cannot_be_read_by_its_map_is_refused_whole(crm: Caller) -> None:
    def sent(**files: str | bytes) -> httpx.Response:
        return crm.send("POST", "/batches/files", data={"map": "ours"}, files=files)

    is_problem(sent(file=FILE), 404, "map-unknown")
    is_problem(sent(file=FILE, map_file="key = 1"), 422, "map-wrong")
    is_problem(sent(file="number\nL-1\n", map_file=MAP), 422, "header-wrong")
    is_problem(sent(file="\x00\x01", map_file=MAP), 422, "file-unreadable")
    alike = gzip.compress(FILE.encode() + b"9,replace==L-1\n" * 100_000)
    is_problem(sent(file=alike, map_file=MAP), 422, "unpacks-too-far")
    is_problem(sent(map_file=MAP), 422, "call-misshapen")
    is_problem(
        crm.send("POST", "/batches/files", data={"map": "../ours.toml"}, files={"file": FILE}), 422, "call-misshapen"
    )
    is_problem(crm.post("/batches/files", {"map": "ours"}), 415, "not-a-form")
    is_problem(sent(file="x" * 5 * 1024 * 1024), 413, "body-too-large")
