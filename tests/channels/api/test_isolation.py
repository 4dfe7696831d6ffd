"""Who may not: another client, a key without the scope, and nobody's values where they do not belong."""

import json
import logging
import uuid
from typing import Any, NamedTuple

import httpx
import pytest
from tests.cast import Desk
from tests.channels.api.desk import ALL, Caller, customer, fresh, person, token
from tests.channels.api.test_batches import FILE, MAP
from tests.channels.api.test_conventions import change, is_problem
from tests.channels.api.test_story import ask

from changedesk.base.actor import Role
from changedesk.channels.api import openapi
from changedesk.rules import access

CANARIES = {
    "personal.name": "Zyxanthia Quorvellen",
    "contact.email": "zyxanthia.quorvellen@canary.example",
    "contact.phone_mobile": "+1 202 555 0187",
}
TRACES = ("zyxanthia", "quorvellen", "canary.example", "5550187", "555 0187", "2025550187")


class Ours(NamedTuple):
    subject: str
    ref: str
    version: int
    digest: str
    change: str
    challenge: str


@pytest.fixture
def ours(crm: Caller) -> Ours:
    """A customer of this client with a request that waits."""
    return waiting(crm)


def waiting(crm: Caller) -> Ours:
    """Take a customer in and ask for a change that waits."""
    dana = customer(crm)
    made = ask(crm, dana)
    entry = crm.get(f"/customers/{dana}/timeline").json()["items"][-1]
    challenge = crm.post(
        f"/change-requests/{made['ref']}/verification", {"method": "code_sms", "path": "contact.phone_mobile"}
    )
    version = crm.get(f"/change-requests/{made['ref']}").json()["version"]
    return Ours(dana, made["ref"], version, made["digest"], entry["change"], challenge.json()["id"])


def bodies(one: Ours) -> dict[str, Any]:
    """A body that is right for each operation that takes one."""
    wish = {
        "subject": one.subject,
        "kind": "contact_details",
        "values": {"contact.email": "dana@other.example"},
        "reason": "customer_request",
    }
    return {
        "customers_create": {"values": {"personal.name": "Kim"}},
        "customers_find": {"text": "Dana"},
        "proving_verify_caller": {"method": "code_email", "path": "contact.email"},
        "proving_confirm_caller": {"answer": "000000"},
        "proving_bind": {"secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"},
        "requests_submit": wish,
        "requests_preview": wish,
        "requests_revise": {"values": {"contact.email": "dana@other.example"}},
        "deciding_approve": {"digest": one.digest},
        "deciding_reject": {"reason": "other", "message": "No."},
        "deciding_request_information": {"message": "Why?"},
        "deciding_cancel": {"reason": "typo"},
        "deciding_hold": {"reason": "security_concern"},
        "deciding_reschedule": {"effective_at": "2199-01-01T00:00:00Z"},
        "proving_verify": {"method": "code_email", "path": "contact.email"},
        "proving_confirm": {"answer": "000000"},
        "proving_consent": {
            "statement": "change_of_record",
            "version": 1,
            "language": "en",
            "way": "read_aloud",
            "digest": one.digest,
        },
        "changes_record_changes": change(one.subject),
        "changes_revert": {"reason": "reversal"},
        "evidence_build": {"purpose": "audit", "record": one.subject},
        "house_resolve": {"resolution": "fraud"},
        "merges_merge": {"merged": one.subject, "into": one.subject},
        "merges_undo": {"reason": "reversal"},
        "merges_settle": {"what": "contact.email"},
        "batches_enter": {
            "name": "a",
            "reason": "typo",
            "rows": [
                {"subject": one.subject, "kind": "contact_details", "fields": {"contact.url": [{"do": "delete"}]}}
            ],
        },
        "batches_approve": {"digest": one.digest},
        "transfers_propose": {"account": one.subject, "to": one.subject},
        "transfers_verify": {"method": "totp"},
        "transfers_confirm": {"answer": "000000"},
        "transfers_decline": {},
        "reversals_ask": {"whose": "k1", "since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"},
        "reversals_restore": {"subject": one.subject, "version": 1},
        "reversals_approve": {"digest": "0" * 64},
        "policies_write": {"packs": ["telecom"]},
        "policies_simulate": {},
        "policies_publish": {},
        "erasures_preview": {"subject": one.subject},
        "erasures_ask": {"subject": one.subject},
        "audit_search": {},
        "audit_completions": {},
        "audit_keep": {"name": "mine"},
        "audit_export": {},
        "subject_requests_receive": {"subject": one.subject, "right": "access"},
        "subject_requests_doubt": {"note": "Another voice."},
        "subject_requests_extend": {"reason": "complex"},
        "subject_requests_pause": {"ground": "identity"},
        "subject_requests_link": {"change_request": one.ref},
        "subject_requests_refuse": {"ground": "excessive", "note": "Again."},
        "subject_requests_statement": {"text": "It is not so."},
        "seeing_reveal": {"subject": one.subject, "path": "contact.email", "reason": "customer_asks"},
        "seeing_break_glass": {"minutes": 15, "reason": "emergency", "reference": "INC-1"},
        "seeing_review": {"verdict": "justified"},
        "hooks_register": {"url": "https://hooks.example.com/"},
        "hooks_change": {"url": "https://hooks.example.com/"},
        "hooks_resend_range": {"since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"},
        "readers_certify": {"since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z", "readers": {}},
    }


FORMS: dict[str, dict[str, Any]] = {
    "batch_files_enter_file": {"data": {"map": "ours"}, "files": {"file": FILE, "map_file": MAP}},
}
QUERIES = {
    "seeing_viewers": "?subject={id}",
    "readers_looked": "?since=2026-01-01T00:00:00Z&until=2026-02-01T00:00:00Z",
}


class Operation(NamedTuple):
    id: str
    method: str
    path: str


OPERATIONS = [
    Operation(operation["operationId"], method.upper(), path.removeprefix("/api/v1"))
    for path, operations in openapi.document()["paths"].items()
    for method, operation in operations.items()
]
OF_ONE = [one for one in OPERATIONS if "{" in one.path and "{name}" not in one.path]


def send(caller: Caller, operation: Operation, one: Ours) -> httpx.Response:
    """Call an operation about these things, as it should be called."""
    thing = one.change if operation.path.startswith("/changes") else one.subject
    if operation.path.startswith(("/disputes", "/notices")):
        thing = str(uuid.uuid4())
    named = {"id": thing, "ref": one.ref, "challenge": one.challenge, "name": "contact_details", "number": 1}
    named["delivery"] = named["draft"] = thing
    path = (operation.path + QUERIES.get(operation.id, "")).format(**named, place=10**6, tile="0/000")
    if operation.id in FORMS:
        return caller.send(operation.method, path, **FORMS[operation.id])
    return caller.send(operation.method, path, bodies(one).get(operation.id), match=one.version)


def test_another_clients_things_are_not_there(http: httpx.Client, crm: Caller, ours: Ours) -> None:
    other = fresh("borealis")
    outsiders = [Caller(http, token(other, *ALL))]
    outsiders += [Caller(http, person(other, role, role, "x")) for role in (Role.SUPERVISOR, Role.FRAUD)]
    for outsider in outsiders:
        for operation in OF_ONE:
            reply = send(outsider, operation, ours)
            staff_only = NEEDS[operation.id] is None
            allowed = {404} if outsider is outsiders[0] and not staff_only else {403, 404}
            assert reply.status_code in allowed, (operation, reply.text)
            assert "dana" not in reply.text.lower()
        for name in ("requests_submit", "requests_preview", "changes_record_changes"):
            found = next(one for one in OPERATIONS if one.id == name)
            assert send(outsider, found, ours).status_code in {403, 404}
        assert outsider.get("/change-requests").json()["items"] == []
        assert outsider.post("/customers/search", {"text": "dana@old.example"}).json()["items"] == []
    assert outsiders[0].get("/changes").json()["items"] == []
    assert crm.get(f"/customers/{ours.subject}").json()["version"] == 1
    assert crm.get(f"/change-requests/{ours.ref}").json()["version"] == ours.version


NEEDS = {
    "customers_create": "customers:write",
    "customers_find": "search",
    "customers_read": "customers:read",
    "customers_of_customer": "customers:read",
    "customers_of_account": "customers:read",
    "status_customer_records": "customers:read",
    "status_account_records": "customers:read",
    "customers_as_of": "customers:read",
    "proving_verify_caller": "requests:write",
    "proving_confirm_caller": "requests:write",
    "proving_bind": "factors:write",
    "requests_submit": "requests:write",
    "requests_waiting": "requests:read",
    "requests_preview": "requests:write",
    "requests_follow": "requests:read",
    "requests_revise": "requests:write",
    "deciding_approve": "requests:decide",
    "deciding_reject": "requests:decide",
    "deciding_request_information": "requests:decide",
    "deciding_withdraw": "requests:write",
    "deciding_cancel": "requests:write",
    "deciding_hold": "requests:hold",
    "deciding_release": "requests:hold",
    "deciding_apply_now": "requests:hold",
    "deciding_reschedule": "requests:hold",
    "proving_verify": "requests:write",
    "proving_confirm": "requests:write",
    "proving_consent": "requests:write",
    "changes_record_changes": "changes:record",
    "changes_follow": "feed:read",
    "changes_read": "customers:read",
    "changes_revert": "changes:revert",
    "evidence_build": "evidence:build",
    "evidence_waiting": "evidence:build",
    "evidence_download": "evidence:build",
    "house_kinds_offered": "requests:write",
    "house_schema": "requests:write",
    "house_disputed": "requests:read",
    "house_resolve": None,
    "house_imported": "imports:run feed:read",
    "house_one_import": "imports:run feed:read",
    "house_attention": "requests:read",
    "house_resend": "notices:write",
    "house_size": "feed:read",
    "log_keys": "feed:read",
    "log_checkpoint": "feed:read",
    "log_tile": "feed:read",
    "log_anchor_keys": "feed:read",
    "log_anchor_checkpoint": "feed:read",
    "log_anchor_tile": "feed:read",
    "log_anchor_receipt": "feed:read",
    "log_receipt": "customers:read",
    "merges_merge": "requests:write",
    "merges_undo": "changes:revert",
    "merges_candidates": "customers:read",
    "merges_of_record": "customers:read",
    "merges_work": "requests:read",
    "merges_settle": "changes:revert",
    "batches_enter": "requests:write",
    "batches_listed": "imports:run requests:decide feed:read",
    "batches_one": "imports:run requests:decide feed:read",
    "batches_approve": "requests:decide",
    "transfers_propose": "requests:write",
    "transfers_read": "requests:read",
    "transfers_verify": "requests:write",
    "transfers_confirm": "requests:write",
    "transfers_decline": "requests:write",
    "reversals_ask": "changes:revert",
    "reversals_listed": "changes:revert requests:decide",
    "reversals_one": "changes:revert requests:decide",
    "reversals_restore": "changes:revert",
    "reversals_approve": "requests:decide",
    "policies_listed": None,
    "policies_write": None,
    "policies_one": None,
    "policies_simulate": None,
    "policies_publish": None,
    "erasures_preview": "requests:write",
    "erasures_ask": "requests:write",
    "erasures_certificates": "requests:read",
    "erasures_certificate": "requests:read",
    "erasures_to_be_told": "privacy:read",
    "audit_search": "audit:search",
    "audit_completions": "audit:search",
    "audit_entry": "audit:search",
    "audit_verification": "audit:search",
    "audit_searches": "audit:search",
    "audit_keep": "audit:search",
    "audit_drop": "audit:search",
    "audit_export": "audit:export",
    "audit_download": "audit:export",
    "subject_requests_requests": "privacy:read",
    "subject_requests_figures": "privacy:read",
    "subject_requests_one": "privacy:read",
    "subject_requests_acknowledge": "privacy:write",
    "subject_requests_identify": "privacy:write",
    "subject_requests_doubt": "privacy:write",
    "subject_requests_extend": "privacy:write",
    "subject_requests_pause": "privacy:write",
    "subject_requests_resume": "privacy:write",
    "subject_requests_link": "privacy:write",
    "subject_requests_copy": "privacy:write",
    "subject_requests_download": "privacy:write",
    "subject_requests_answer": "privacy:write",
    "subject_requests_refuse": "privacy:write",
    "subject_requests_appeal": "privacy:write",
    "subject_requests_statement": "privacy:write",
    "subject_requests_receive": "privacy:write",
    "subject_requests_register": "privacy:read",
    "batch_files_enter_file": "requests:write",
    "seeing_reveal": "customers:reveal",
    "seeing_revealed": "customers:reveal",
    "seeing_looked": "access:read",
    "seeing_viewers": "access:read",
    "seeing_break_glass": None,
    "seeing_broken": "access:read",
    "seeing_review": None,
    "readers_looked": "access:read",
    "readers_certify": None,
    "readers_certifications": "access:read",
    **dict.fromkeys(
        (
            f"hooks_{name}"
            for name in (
                "listed",
                "register",
                "one",
                "change",
                "approve",
                "drop",
                "rotate",
                "pause",
                "resume",
                "remove",
                "send_test",
                "deliveries",
                "resend",
                "resend_range",
            )
        ),
    ),
}
"""The scopes of which each opens the operation; None: no key, staff only."""


def test_every_operation_names_its_scope() -> None:
    assert {one.id for one in OPERATIONS} == NEEDS.keys()


def test_a_key_without_the_scope_is_refused_everywhere(http: httpx.Client, home: Desk, crm: Caller, ours: Ours) -> None:
    without: dict[str | None, Caller] = {None: crm}
    for scopes in set(NEEDS.values()) - {None}:
        # Scopes that give the same verb (an import may record) go together.
        given = frozenset().union(*(access.SCOPES[name] for name in str(scopes).split()))
        without[scopes] = Caller(http, token(home, *(name for name in ALL if not given & access.SCOPES[name])))
    for operation in OPERATIONS:
        refused = send(without[NEEDS[operation.id]], operation, ours)
        if operation.id == "seeing_reveal":
            is_problem(refused, 403, "reveal-forbidden")
            continue
        told = is_problem(refused, 403, "forbidden")
        assert told["facts"]["verb"] in {str(verb) for verb in access.Verb}
    assert crm.get(f"/customers/{ours.subject}").json()["version"] == 1
    assert crm.get(f"/change-requests/{ours.ref}").json()["version"] == ours.version


def test_an_agents_key_does_nothing_that_is_a_supervisors(http: httpx.Client, home: Desk, ours: Ours) -> None:
    agent = Caller(http, person(home, "Ben", Role.AGENT, "front"))
    for operation in OPERATIONS:
        if NEEDS[operation.id] in {"requests:decide", "requests:hold", "changes:revert", "changes:record", None}:
            assert send(agent, operation, ours).status_code == 403, operation


def test_a_key_that_may_not_see_values_sees_none(http: httpx.Client, home: Desk, crm: Caller) -> None:
    subject = customer(crm, **{name.replace(".", "__"): value for name, value in CANARIES.items()})
    ref = ask(crm, subject, "zyxanthia@next.canary.example")["ref"]
    blind = Caller(http, token(home, *(one for one in ALL if one != "customers:reveal")))
    agent = Caller(http, person(home, "Ben", Role.AGENT, "front"))
    entry = crm.get(f"/customers/{subject}/timeline").json()["items"][-1]["change"]
    for caller in (blind, agent):
        for path in (
            f"/customers/{subject}",
            f"/customers/{subject}/timeline",
            f"/customers/{subject}/as-of",
            f"/change-requests/{ref}",
            "/change-requests",
            f"/changes/{entry}",
            "/notices",
            "/disputes",
            "/imports",
        ):
            assert_silent(caller.get(path).text, path)
        assert_silent(caller.post("/customers/search", {"text": CANARIES["contact.email"]}).text, "search")
        wish = {
            "subject": subject,
            "kind": "personal_details",
            "values": {"personal.name": "Somebody Else"},
            "reason": "customer_request",
        }
        assert_silent(caller.post("/change-requests/preview", wish).text, "preview")
    assert_silent(blind.get("/changes").text, "feed")
    assert blind.get("/changes?values=true").status_code == 403


def assert_silent(text: str, place: str) -> None:
    found = [one for one in TRACES if one in text.lower()]
    assert not found, (place, found)


def test_no_value_stands_in_a_problem_an_address_or_a_log_line(
    http: httpx.Client, home: Desk, crm: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    subject = customer(crm, **{name.replace(".", "__"): value for name, value in CANARIES.items()})
    made = ask(crm, subject, "zyxanthia@next.canary.example")
    canary = CANARIES["contact.email"]
    wrong: list[httpx.Response] = []
    wish = {"subject": subject, "kind": "contact_details", "values": {}, "reason": "customer_request"}
    for values in (
        {"contact.email": f"{canary} {canary}"},
        {canary: "x"},
        {"contact.phone_mobile": CANARIES["contact.phone_mobile"] + "99999999"},
        {"contact.email": canary},
        {"contact.email": {"address": canary}},
        {"contact.email": [canary]},
        {"contact.address": {"line1": canary, "nothing": canary}},
    ):
        wrong.append(crm.post("/change-requests", {**wish, "values": values}))
        wrong.append(crm.post("/change-requests/preview", {**wish, "values": values}))
    fine = {**wish, "values": {"contact.email": "a@b.example"}}
    wrong += [crm.post("/change-requests", {**fine, member: canary}) for member in wish]
    wrong.append(crm.post("/change-requests", {**wish, canary: canary}))
    wrong.append(crm.post("/changes", change(subject, canary, old=canary + "x")))
    wrong.append(crm.post("/changes", {"items": [{"subject": subject, "changes": [{"path": canary, "new": canary}]}]}))
    wrong.append(crm.post("/customers", {"values": {canary: canary}}))
    wrong.append(crm.post("/customers", {"values": CANARIES, "region": canary}))
    wrong.append(crm.get(f"/customers/{canary}"))
    wrong.append(crm.get(f"/change-requests/{canary}"))
    wrong.append(crm.get(f"/kinds/{canary}/schema"))
    wrong.append(crm.get("/change-requests", params={"after": canary}))
    wrong.append(crm.get(f"/customers/{subject}/as-of", params={"known_at": canary}))
    wrong.append(crm.post(f"/change-requests/{made['ref']}/withdraw", match=99))
    wrong.append(crm.post(f"/change-requests/{made['ref']}/approve", {"digest": canary}, match=1))
    wrong.append(
        crm.post(f"/change-requests/{made['ref']}/verification", {"method": canary, "path": canary, canary: canary})
    )
    for reply in wrong:
        assert 400 <= reply.status_code < 500, reply.text
        assert_silent(reply.text, str(reply.request.url.path)[:20])
        assert_silent(json.dumps(dict(reply.headers)), "headers")
    for record in caplog.records:
        if record.name.startswith(("changedesk", "django")):
            assert_silent(record.getMessage(), record.name)
