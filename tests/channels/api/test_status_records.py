"""How customers and accounts stood, asked for by programs."""

import uuid

import pytest
from tests.channels.api.desk import Caller, customer
from tests.channels.api.test_conventions import is_problem

WISHES: dict[str, tuple[str, dict[str, object]]] = {
    "customers": ("contact_details", {"contact.url": "https://dana.example/"}),
    "accounts": ("plan", {"plan.cycle": "yearly"}),
}


def suspended(crm: Caller, subject: str) -> None:
    changes = [
        {"path": "status.state", "new": "suspended", "valid_from": "2026-03-01T00:00:00Z"},
        {"path": "status.change_locked", "new": True},
    ]
    item = {"subject": subject, "changes": changes, "reason": "payment_default", "evidence": {}, "channel": "api"}
    assert crm.post("/changes", {"items": [item]}).status_code == 201


@pytest.mark.parametrize("what", ["customers", "accounts"])
def test_status_records_tell_from_to_why_and_since_when_and_what_is_stopped(crm: Caller, what: str) -> None:
    if what == "customers":
        subject = customer(crm)
    else:
        body = {"values": {"personal.name": "Kim"}, "accounts": [{"number": "A-77"}]}
        subject = crm.post("/customers", body).json()["accounts"][0]
    suspended(crm, subject)
    told = crm.get(f"/{what}/{subject}/status-records").json()
    records = {one["of"]: one for one in told["items"]}
    assert set(records) == {"state", "change_locked"}
    state = records["state"]
    assert (state["was"], state["became"], state["became_label"]) == ("", "suspended", "Suspended")
    assert (state["reason"], state["reason_label"]) == ("payment_default", "Payment default")
    assert state["effective_at"] == "2026-03-01T00:00:00Z"
    assert [(one["name"], one["lifted_by"]) for one in told["standing"]] == [
        ("suspended", "reinstate"), ("change_locked", "unlock"),
    ]  # fmt: skip
    kind, values = WISHES[what]
    wish = {"subject": subject, "kind": kind, "values": values, "reason": "customer_request"}
    assert is_problem(crm.post("/change-requests/preview", wish), 409, "status-forbids")
    assert is_problem(crm.get(f"/{what}/{uuid.uuid4()}/status-records"), 404, "not-found")
