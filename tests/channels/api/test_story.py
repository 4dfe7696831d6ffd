"""One change runs through, by HTTP alone."""

from typing import Any

import httpx
from tests.cast import SECRET, Desk, totp
from tests.channels.api.desk import Caller, code_sent, customer, person

from changedesk.base.actor import Role
from changedesk.base.clock import now


def ask(caller: Caller, subject: str, address: str = "dana@new.example") -> dict[str, Any]:
    """Ask for another e-mail address; return the receipt."""
    asked = caller.post(
        "/change-requests",
        {
            "subject": subject,
            "kind": "contact_details",
            "values": {"contact.email": address},
            "reason": "customer_request",
            "channel": "phone",
        },
    )
    assert asked.status_code == 201, asked.text
    assert asked.headers["Location"] == f"/api/v1/change-requests/{asked.json()['ref']}"
    assert asked.headers["ETag"] == f'"{asked.json()["version"]}"'
    return dict(asked.json())


def prove(caller: Caller, home: Desk, ref: str, body: dict[str, str]) -> dict[str, Any]:
    """Start a challenge and answer it rightly."""
    started = caller.post(f"/change-requests/{ref}/verification", body)
    assert started.status_code == 201, started.text
    answer = totp(now()) if body["method"] == "totp" else code_sent(home)
    done = caller.post(f"/change-requests/{ref}/verification/{started.json()['id']}/confirm", {"answer": answer})
    assert done.status_code == 200, done.text
    assert done.json()["matched"] is True
    return dict(done.json())


def carry(caller: Caller, home: Desk, ref: str, *, new_contact: bool = True) -> dict[str, Any]:
    """Prove and agree to whatever a request asks; return its panel."""
    panel = caller.get(f"/change-requests/{ref}").json()
    if panel["strip"]["level_needed"] > 0:
        prove(caller, home, ref, {"method": "code_sms", "path": "contact.phone_mobile"})
    if panel["strip"]["level_needed"] > 2:
        prove(caller, home, ref, {"method": "totp"})
    if panel["strip"]["new_contacts_needed"] and new_contact:
        prove(caller, home, ref, {"method": "code_email", "path": "contact.email", "purpose": "new_contact"})
    panel = caller.get(f"/change-requests/{ref}").json()
    wanted = panel["consent_asked"]
    if wanted is not None:
        said = {name: wanted[name] for name in ("statement", "version", "language")}
        given = caller.post(f"/change-requests/{ref}/consent", {**said, "way": "read_aloud", "digest": panel["digest"]})
        assert given.status_code == 200, given.text
    return dict(caller.get(f"/change-requests/{ref}").json())


def test_a_change_is_asked_proved_agreed_approved_applied_read_and_undone(
    http: httpx.Client, home: Desk, crm: Caller
) -> None:
    dana = customer(crm)
    assert crm.post(f"/customers/{dana}/factors", {"secret": SECRET}).status_code == 204
    before = now()
    ref = ask(crm, dana)["ref"]
    panel = carry(crm, home, ref)
    assert panel["state"] == "awaiting_approval"

    ines = Caller(http, person(home, "Ines", Role.SUPERVISOR, "lead"))
    seen = ines.get(f"/change-requests/{ref}")
    assert seen.headers["ETag"] == f'"{seen.json()["version"]}"'
    done = ines.post(f"/change-requests/{ref}/approve", {"digest": seen.json()["digest"]}, match=seen.json()["version"])
    assert done.status_code == 200, done.text
    assert done.json()["state"] == "applied"
    change = done.json()["change"]

    read = crm.get(f"/customers/{dana}").json()
    assert read["fields"]["contact.email"]["value"] == "dana@new.example"
    page = crm.get(f"/customers/{dana}/timeline", params={"field": "contact.email", "limit": 1})
    entry = page.json()["items"][0]
    assert (entry["change"], entry["fields"][0]["after"]) == (change, "dana@new.example")
    assert 'rel="next"' in page.headers["Link"]
    then = crm.get(f"/customers/{dana}/as-of", params={"known_at": before.isoformat(), "valid_at": before.isoformat()})
    assert then.json()["values"]["contact.email"]["value"] == "dana@old.example"

    plan = crm.post(f"/changes/{change}/revert?dry_run=true", {"reason": "reversal"}, key=None)
    assert plan.status_code == 200, plan.text
    assert [one["finding"] for one in plan.json()["fields"]] == ["restore"]
    undone = crm.post(f"/changes/{change}/revert", {"reason": "reversal", "channel": "phone"})
    assert undone.status_code == 201, undone.text
    assert crm.get(f"/change-requests/{undone.json()['ref']}").json()["reverts"] == change
    again = crm.get(f"/changes/{change}").json()
    assert again["change"] == change


def test_a_key_that_may_decide_still_approves_nothing(http: httpx.Client, home: Desk, crm: Caller) -> None:
    dana = customer(crm)
    crm.post(f"/customers/{dana}/factors", {"secret": SECRET})
    ref = ask(crm, dana)["ref"]
    panel = carry(crm, home, ref)
    done = crm.post(f"/change-requests/{ref}/approve", {"digest": panel["digest"]}, match=panel["version"])
    assert done.status_code == 403
    assert done.json()["code"] == "not-an-approver"
