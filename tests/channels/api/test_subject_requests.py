"""Data-subject requests by HTTP alone: listed by days left, answered with a copy, refused with a ground."""

import io
import json
import zipfile
from typing import Any

import httpx
from tests.cast import Desk
from tests.channels.api.desk import Caller, code_sent, customer, token

from changedesk.base.clock import now


def received(crm: Caller, dana: str, right: str = "access", **more: Any) -> dict[str, Any]:
    made = crm.post("/subject-requests", {"subject": dana, "right": right, "channel": "phone", **more})
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"/api/v1/subject-requests/{made.json()['ref']}"
    return dict(made.json())


def known(home: Desk, crm: Caller, dana: str, ref: str) -> None:
    sent = crm.post(f"/customers/{dana}/verification", {"method": "code_email", "path": "contact.email"})
    answered = crm.post(f"/customers/{dana}/verification/{sent.json()['id']}/confirm", {"answer": code_sent(home)})
    assert answered.json()["matched"], answered.text
    bound = crm.post(f"/subject-requests/{ref}/identify", {})
    assert bound.status_code == 200, bound.text


def test_a_copy_is_asked_for_built_answered_and_handed_over(home: Desk, crm: Caller) -> None:
    dana = customer(crm)
    made = received(crm, dana, note="all since 2020")
    ref = made["ref"]
    (line,) = crm.get("/subject-requests").json()["items"]
    assert (line["ref"], line["state"], line["identified"], line["overdue"]) == (ref, "open", False, False)
    assert line["days_left"] > 20
    assert crm.post(f"/subject-requests/{ref}/acknowledge", {"spoken": True}).json()["state"] == "open"
    unknown = crm.post(f"/subject-requests/{ref}/answer", {})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "identity-unverified")
    assert unknown.json()["facts"] == {"level": 0, "needed": 2}
    assert crm.post(f"/subject-requests/{ref}/copy", {}).json()["code"] == "identity-unverified"
    known(home, crm, dana, ref)
    built = crm.post(f"/subject-requests/{ref}/copy", {}, key="once")
    assert built.status_code == 200, built.text
    again = crm.post(f"/subject-requests/{ref}/copy", {}, key="once")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert crm.post(f"/subject-requests/{ref}/copy", {}).json()["code"] == "copy-before"
    answered = crm.post(f"/subject-requests/{ref}/answer", {"note": "as asked"})
    assert answered.json()["state"] == "answered"
    got = crm.post(f"/subject-requests/{ref}/copy/download", {})
    assert got.headers["Content-Disposition"] == f'attachment; filename="your-data-{ref}.zip"'
    with zipfile.ZipFile(io.BytesIO(got.content)) as archive:
        assert sorted(archive.namelist()) == ["data.json", "data.pdf"]
        said = json.loads(archive.read("data.json"))
        assert archive.read("data.pdf").startswith(b"%PDF-")
    assert "dana@old.example" in json.dumps(said["records"])
    panel = crm.get(f"/subject-requests/{ref}").json()
    assert [step["kind"].removeprefix("privacy.") for step in panel["steps"]] == [
        "received", "acknowledged", "identified", "answered", "disclosed",
    ]  # fmt: skip
    assert panel["copy"]["available"] is True
    assert [note["text"] for note in panel["notes"]] == ["all since 2020", "as asked"]
    assert (panel["line"]["outcome"], panel["may"]) == ("whole", [])
    assert crm.get("/subject-requests").json() == {"items": [], "next": None}
    assert [one["ref"] for one in crm.get("/subject-requests?state=all").json()["items"]] == [ref]
    told = crm.get(f"/customers/{dana}/recipients").json()["items"]
    assert ("copy", "privacy_officer") in {(one["sort"], one["recipient"]) for one in told}


def test_the_list_has_pages_the_most_urgent_first(home: Desk, crm: Caller) -> None:
    dana = customer(crm)
    first = received(crm, dana, received_at="2026-01-05T10:00:00Z")["ref"]
    second = received(crm, dana, received_at="2026-01-06T10:00:00Z")["ref"]
    page = crm.get("/subject-requests?limit=1")
    assert [(one["ref"], one["overdue"]) for one in page.json()["items"]] == [(first, True)]
    assert page.json()["items"][0]["days_left"] < 0
    rest = crm.get(f"/subject-requests?limit=1&after={page.json()['next']}").json()
    assert ([one["ref"] for one in rest["items"]], rest["next"]) == ([second], None)
    newest = crm.get("/subject-requests?state=all&limit=1").json()
    older = crm.get(f"/subject-requests?state=all&limit=1&after={newest['next']}").json()
    assert [one["ref"] for one in newest["items"] + older["items"]] == [second, first]
    assert home.client


def test_what_a_year_came_to_is_counted_by_right(home: Desk, crm: Caller) -> None:
    dana = customer(crm)
    period = "since=2026-01-01T00:00:00Z&until=2100-01-01T00:00:00Z"
    refused, waits = received(crm, dana, "objection"), received(crm, dana, "objection")
    crm.post(f"/subject-requests/{refused['ref']}/refuse", {"ground": "excessive", "note": "the fifth this week"})
    crm.post(
        f"/subject-requests/{received(crm, dana, 'opt_out')['ref']}/answer", {"part": True, "note": "not the bill"}
    )
    items = {one["right"]: one for one in crm.get(f"/subject-requests/figures?{period}").json()["items"]}
    assert items["objection"] == {
        "right": "objection", "received": 2, "whole": 0, "part": 0, "denied": 1, "open": 1, "median_days": 0.0,
        "mean_days": 0.0,
    }  # fmt: skip
    assert (items["opt_out"]["part"], items["opt_out"]["denied"]) == (1, 0)
    assert (items["access"]["received"], items["access"]["mean_days"]) == (0, None)
    assert waits["state"] == "open"
    assert home.client


def test_what_cannot_be_done_is_said_by_its_code(home: Desk, crm: Caller) -> None:
    dana = customer(crm)
    ref = received(crm, dana, "rectification")["ref"]
    for step, body, code in (
        ("extend", {"reason": "holiday"}, "delay-unknown"),
        ("pause", {"ground": "clarification"}, "pause-not-given"),
        ("resume", {}, "not-stopped"),
        ("refuse", {"ground": "because", "note": "no"}, "ground-unknown"),
        ("refuse", {"ground": "excessive", "note": " "}, "note-missing"),
        ("statement", {"text": "It is not so."}, "statement-not-due"),
        ("appeal", {}, "too-late"),
        ("link", {"change_request": "ABCDE-FGHJK-2"}, "not-found"),
        ("copy/download", {}, "copy-missing"),
        ("copy", {}, "too-late"),
    ):
        told = crm.post(f"/subject-requests/{ref}/{step}", body)
        assert told.json()["code"] == code, (step, told.text)
    known(home, crm, dana, ref)
    assert crm.post(f"/subject-requests/{ref}/answer", {}).json()["code"] == "not-carried-out"
    later = {"subject": dana, "right": "access", "received_at": "2199-01-01T00:00:00Z"}
    assert crm.post("/subject-requests", later).json()["code"] == "received-later"
    elsewhere = {"subject": dana, "right": "access", "jurisdictions": ["BR"]}
    assert crm.post("/subject-requests", elsewhere).json()["code"] == "place-unknown"
    assert crm.get("/subject-requests/ABCDE-FGHJK-2").status_code == 404
    assert now().year > 2000


def test_whoever_may_not_see_values_reads_no_note_and_no_name(http: httpx.Client, home: Desk, crm: Caller) -> None:
    dana = customer(crm)
    ref = received(crm, dana, note="a word only for those who may")["ref"]
    blind = Caller(http, token(home, "privacy:read"))
    told = blind.get(f"/subject-requests/{ref}")
    assert told.status_code == 200
    assert "only for those" not in told.text
    assert "Novak" not in told.text
    assert told.json()["line"]["name_masked"] is True
    assert blind.post(f"/subject-requests/{ref}/answer", {}).status_code == 403
