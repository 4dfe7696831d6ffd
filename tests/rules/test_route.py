"""A route is stored with its request: nothing of what policy decided gets lost on the way."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime

from changedesk.rules.policy import from_json, to_json
from changedesk.rules.route import Deadline, HoldDuty, NoticeDuty, Prohibition, Route
from changedesk.rules.term import Term

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FULL = Route(
    level=3,
    approvals=2,
    consent="change_of_record",
    methods_forbidden=("code_sms",),
    confirm_new_contacts=True,
    separation=("maker", "team"),
    holds=(HoldDuty(("payout", "reissue"), 86_400, "compliance", "R1"),),
    notices=(NoticeDuty("applied", "new_contacts", security=False, rule="R2", channels=("email", "post")),),
    deadlines=(Deadline("answer", NOON, "R3"),),
    prohibitions=(Prohibition("R4", "locked", NOON), Prohibition("R5", "never")),
    evidence=("who",),
    retention_class="account",
    retention_least=Term(1, 2, 3),
    recipients=("bureau",),
    rules=(("R1", 1), ("R2", 7)),
    policy_version=4,
    wait_seconds=3_600,
    retention_most=Term(7, 0, 1),
    masks=(("payment.bank", "last4"),),
    lock_options=("port_out",),
    human_review=True,
    suppressed=(("household", "R6"),),
)


def test_every_part_of_a_route_comes_back_from_storage() -> None:
    usual = Route(level=0, approvals=0)
    same = [one.name for one in fields(Route) if getattr(FULL, one.name) == getattr(usual, one.name)]
    assert same == [], "each part says something"
    assert from_json(json.loads(json.dumps(to_json(FULL)))) == FULL
    endless = replace(FULL, retention_most=None)
    assert from_json(json.loads(json.dumps(to_json(endless)))) == endless


def test_a_stored_route_is_spelled_as_those_before_it() -> None:
    stored = to_json(FULL)
    assert list(stored) == [one.name for one in fields(Route)]
    assert stored["holds"] == [
        {"blocks": ["payout", "reissue"], "seconds": 86_400, "release": "compliance", "rule": "R1"}
    ]  # fmt: skip
    assert stored["notices"] == [
        {"event": "applied", "to": "new_contacts", "security": False, "rule": "R2", "channels": ["email", "post"]}
    ]
    assert stored["deadlines"] == [{"duty": "answer", "due": "2026-03-02T12:00:00+00:00", "rule": "R3"}]
    assert stored["prohibitions"] == [
        {"rule": "R4", "reason": "locked", "until": "2026-03-02T12:00:00+00:00"},
        {"rule": "R5", "reason": "never", "until": None},
    ]
    assert (stored["retention_least"], stored["retention_most"]) == ([1, 2, 3], [7, 0, 1])
    assert (stored["masks"], stored["suppressed"]) == ([["payment.bank", "last4"]], [["household", "R6"]])
    assert stored["rules"] == [["R1", 1], ["R2", 7]]
