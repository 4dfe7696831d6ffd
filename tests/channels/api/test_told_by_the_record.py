"""What a business tells of its customers makes the rules hold that ask for it: told and asked by programs."""

from typing import Any

import httpx
import pytest
from tests.cast import desk
from tests.channels.api.desk import ALL, Caller, customer, token

from changedesk.base.clock import now

TELLS: list[tuple[str, dict[str, Any], str, dict[str, Any], str]] = [
    # the pack, what is recorded, what is asked for, the rule that decides from then on
    ("retail", {"seller.high_volume": True}, "personal_details", {"seller.legal_name": "Novak Ltd"},
     "US-INFORM-CERTIFY"),
    ("healthcare", {"record.amendment_denied_on": "2026-02-01"}, "contact_details",
     {"contact.url": "https://dana.example/"}, "US-HIPAA-526-DENIED"),
    ("education", {"student.amendment_denied_on": "2026-02-01"}, "contact_details",
     {"contact.url": "https://dana.example/"}, "US-FERPA-21"),
    ("travel", {"travel.departs_on": "TODAY"}, "personal_details", {"personal.name": "Dana Novak-Lindt"},
     "US-SECUREFLIGHT-72H"),
]  # fmt: skip


def decided_by(crm: Caller, subject: str, kind: str, values: dict[str, Any]) -> dict[str, Any]:
    """Ask for a change, read on its panel what decided its route, and take it back."""
    sent = crm.post("/change-requests", {"subject": subject, "kind": kind, "values": values, "reason": "life_event"})
    assert sent.status_code == 201, sent.text
    panel = crm.get(f"/change-requests/{sent.json()['ref']}").json()
    assert crm.post(f"/change-requests/{panel['ref']}/withdraw", {}, match=panel["version"]).status_code == 200
    return dict(panel["strip"])


def rules(strip: dict[str, Any]) -> set[str]:
    return {one["id"] for one in strip["rules"]}


def told(crm: Caller, subject: str, values: dict[str, Any]) -> None:
    item = {"subject": subject, "changes": [{"path": path, "new": new} for path, new in values.items()]}
    sent = crm.post("/changes", {"items": [item]})
    assert sent.status_code == 201, sent.text


@pytest.mark.parametrize("http", ["long"], indirect=True)
@pytest.mark.parametrize(("pack", "held", "kind", "values", "rule"), TELLS, ids=[row[4] for row in TELLS])
def test_a_rule_holds_from_when_the_record_tells_what_it_asks(
    http: httpx.Client, pack: str, held: dict[str, Any], kind: str, values: dict[str, Any], rule: str
) -> None:
    home = desk(packs=(pack,))
    crm = Caller(http, token(home, *ALL))
    dana = customer(crm)
    before = decided_by(crm, dana, kind, values)
    assert rule not in rules(before)
    today = now().date().isoformat()
    told(crm, dana, {path: today if value == "TODAY" else value for path, value in held.items()})
    after = decided_by(crm, dana, kind, values)
    assert rule in rules(after)
    assert after["level_needed"] >= before["level_needed"]


@pytest.mark.parametrize("http", ["long"], indirect=True)
def test_a_business_has_not_the_consumers_way_out_of_a_contract(http: httpx.Client) -> None:
    crm = Caller(http, token(desk(packs=("retail",)), *ALL))
    strips = []
    for business in (False, True):
        made = crm.post("/customers", {
            "values": {"personal.name": "Kim", "contact.email": "kim@shop.example", "personal.business": business},
        })  # fmt: skip
        strips.append(decided_by(crm, made.json()["subject"], "plan", {"subscription.ends_on": "2031-01-31"}))
    assert ["US-ROSCA-CANCEL" in rules(one) for one in strips] == [True, False]
