"""What waits for people, as lists: disputes and imports, page by page, masked."""

import uuid
from datetime import timedelta

import httpx
from tests.cast import Desk
from tests.channels.api.desk import Caller, customer, person, token
from tests.channels.api.test_conventions import is_problem
from tests.channels.api.test_story import ask

from changedesk import flow
from changedesk.base.actor import Role
from changedesk.base.clock import now
from changedesk.base.ids import SubjectId
from changedesk.rules import access
from changedesk.store import evidence, requests
from changedesk.store.begin import begin


def disputed(home: Desk, crm: Caller) -> tuple[str, str]:
    """A customer said "this wasn't me" of a request: its reference, and the dispute's id."""
    made, at = ask(crm, customer(crm)), now()
    with begin(home.ben) as tx:
        asked = requests.by_ref(tx, made["ref"])
        assert asked is not None
        link = evidence.Dispute(
            id=uuid.uuid4(),
            subject_id=SubjectId(uuid.UUID(made["subject"])),
            request_id=asked.id,
            issued_at=at,
            expires_at=at + timedelta(days=30),
        )
        evidence.issue_dispute_link(tx, link, made["ref"])
    flow.open_dispute(home.client, made["ref"], at=at)
    return made["ref"], str(link.id)


def test_disputes_wait_oldest_first_and_move_over_when_they_are_cleared_up(
    http: httpx.Client, home: Desk, crm: Caller
) -> None:
    made = [disputed(home, crm) for _ in range(3)]
    first = crm.get("/disputes", params={"limit": 2})
    assert [item["request"]["ref"] for item in first.json()["items"]] == [ref for ref, _ in made[:2]]
    assert first.headers["Link"].endswith('rel="next"')
    rest = crm.get("/disputes", params={"limit": 2, "after": first.json()["next"]})
    assert [item["id"] for item in rest.json()["items"]] == [made[2][1]]
    assert (rest.json()["next"], "Link" in rest.headers) == (None, False)
    fraud = Caller(http, person(home, "Farah", Role.FRAUD, "fraud"))
    for _, dispute in made[:2]:
        assert fraud.post(f"/disputes/{dispute}/resolve", {"resolution": "fraud"}).status_code == 204
    cleared = fraud.get("/disputes", params={"state": "resolved", "limit": 1})
    assert [(item["id"], item["resolution"]) for item in cleared.json()["items"]] == [(made[1][1], "fraud")]
    assert "state=resolved" in cleared.headers["Link"]
    assert [item["id"] for item in crm.get("/disputes").json()["items"]] == [made[2][1]]


def test_a_dispute_shows_a_person_masks_and_a_key_that_may_reveal_the_name(
    http: httpx.Client, home: Desk, crm: Caller
) -> None:
    disputed(home, crm)
    agent = Caller(http, person(home, "Ben", Role.AGENT, "front"))
    (masked,), (clear,) = (caller.get("/disputes").json()["items"] for caller in (agent, crm))
    assert (masked["title_masked"], clear["title"], clear["title_masked"]) == (True, "Dana Novak", False)
    assert masked["freeze"]["blocks"] == ["*"]


def test_an_import_is_read_with_its_counts_and_reasons(http: httpx.Client, home: Desk, crm: Caller) -> None:
    actor, at = access.terminal(home.client), now()
    runs = [flow.note_import("crm", bytes([number] * 32), actor=actor, at=at) for number in range(3)]
    counts = {"rows": 3, "taken": 1, "refused": 2, "reason field-empty personal.name": 2}
    flow.finish_import(runs[0], counts, actor=actor, at=at)
    page = crm.get("/imports", params={"limit": 2})
    assert [item["id"] for item in page.json()["items"]] == [str(runs[2]), str(runs[1])]
    assert page.headers["Link"].endswith('rel="next"')
    assert crm.get("/imports", params={"before": page.json()["next"]}).json()["items"][0]["id"] == str(runs[0])
    told = crm.get(f"/imports/{runs[0]}").json()
    assert told["counts"] == {"rows": 3, "taken": 1, "refused": 2}
    assert [(item["code"], item["field"], item["count"]) for item in told["reasons"]] == [
        ("field-empty", "personal.name", 2)
    ]
    is_problem(crm.get(f"/imports/{uuid.uuid4()}"), 404, "not-found")
    assert Caller(http, token(home, "feed:read")).get("/imports").status_code == 200
    for path in ("/imports?before=nowhere", "/disputes?after=nowhere", "/disputes?state=lost", "/imports?limit=0"):
        assert crm.get(path).status_code == 422, path
