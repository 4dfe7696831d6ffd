"""A repeat of a call that proves, binds, clears up or sends again does it once, and gets the first call's answer."""

import httpx
import pytest
from tests.cast import SECRET, Desk, now
from tests.channels.api.desk import Caller, code_sent, customer, person
from tests.channels.api.test_conventions import is_problem
from tests.channels.api.test_lists import disputed
from tests.channels.api.test_story import ask, carry

from changedesk.base.actor import Role, automation
from changedesk.store import deliveries
from changedesk.store.begin import begin
from changedesk.store.tx import look

MOBILE = {"method": "code_sms", "path": "contact.phone_mobile"}
NEW = {"method": "code_email", "path": "contact.email", "purpose": "new_contact"}


def twice(caller: Caller, path: str, body: object = None) -> httpx.Response:
    """Call twice with one key; the second answer is the first one's, and says so."""
    first, again = (caller.post(path, body, key="one") for _ in range(2))
    assert first.is_success, first.text
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    is_problem(caller.post(path, {"other": "body"}, key="one"), 422, "call-misshapen")
    return first


def sent(home: Desk) -> int:
    with look(home.client) as seen:
        return len(deliveries.outbox(seen, before=now()))


@pytest.mark.parametrize("body", [MOBILE, NEW], ids=["change", "new contact"])
def test_a_repeated_start_sends_one_code_and_the_first_one_counts(crm: Caller, home: Desk, body: object) -> None:
    ref = ask(crm, customer(crm))["ref"]
    started = twice(crm, f"/change-requests/{ref}/verification", body).json()
    assert sent(home) == 1
    assert started["to_masked"].strip("•*")
    path = f"/change-requests/{ref}/verification/{started['id']}/confirm"
    assert crm.post(path, {"answer": code_sent(home)}).json()["matched"] is True


def test_a_repeated_wrong_answer_counts_once(crm: Caller, home: Desk) -> None:
    ref = ask(crm, customer(crm))["ref"]
    started = crm.post(f"/change-requests/{ref}/verification", MOBILE).json()
    path = f"/change-requests/{ref}/verification/{started['id']}/confirm"
    wrong = "000000" if code_sent(home) != "000000" else "111111"
    assert twice(crm, path, {"answer": wrong}).json()["tries_left"] == 4
    assert crm.post(path, {"answer": wrong}).json()["tries_left"] == 3


def test_a_repeated_right_answer_is_told_again_where_the_code_itself_is_used_up(crm: Caller, home: Desk) -> None:
    ref = ask(crm, customer(crm))["ref"]
    started = crm.post(f"/change-requests/{ref}/verification", MOBILE).json()
    path = f"/change-requests/{ref}/verification/{started['id']}/confirm"
    done = twice(crm, path, {"answer": code_sent(home)})
    assert (done.json()["matched"], done.json()["receipt"]["ref"]) == (True, ref)
    assert crm.post(path, {"answer": code_sent(home)}).status_code in {409, 422}


def test_a_caller_is_asked_and_answers_once(crm: Caller, home: Desk) -> None:
    dana = customer(crm)
    started = twice(crm, f"/customers/{dana}/verification", MOBILE).json()
    path = f"/customers/{dana}/verification/{started['id']}/confirm"
    done = crm.post(path, {"answer": code_sent(home)}, key="two")
    assert done.json() == {"matched": True, "tries_left": 5, "level": done.json()["level"], "receipt": None}
    assert crm.post(path, {"answer": code_sent(home)}, key="two").content == done.content


def test_an_authenticator_is_bound_once(crm: Caller) -> None:
    dana = customer(crm)
    twice(crm, f"/customers/{dana}/factors", {"secret": SECRET})
    kinds = [item["kind"] for item in crm.get(f"/customers/{dana}/timeline").json()["items"]]
    assert kinds.count("factor.bound") == 1


def test_a_dispute_is_cleared_up_once(http: httpx.Client, crm: Caller, home: Desk) -> None:
    _, dispute = disputed(home, crm)
    fraud = Caller(http, person(home, "Farah", Role.FRAUD, "fraud"))
    path, body = f"/disputes/{dispute}/resolve", {"resolution": "fraud"}
    twice(fraud, path, body)
    is_problem(fraud.post(path, body), 404, "not-found")


def test_a_failed_notice_is_sent_again_once(crm: Caller, home: Desk) -> None:
    crm.post(f"/customers/{customer(crm)}/verification", MOBILE)
    with begin(automation(home.client, "notices")) as tx:
        (claimed,) = deliveries.claim(tx, now=now(), lease=now() - now(), limit=1)
        assert deliveries.finish(tx, claimed, "failed", at=now(), error="refused")
    (failed,) = crm.get("/notices").json()["items"]
    twice(crm, f"/notices/{failed['id']}/resend")
    assert crm.get("/notices").json()["items"] == []
    is_problem(crm.post(f"/notices/{failed['id']}/resend"), 404, "not-found")


def test_an_approval_of_another_version_is_refused_with_how_it_stands(
    http: httpx.Client, crm: Caller, home: Desk
) -> None:
    dana = customer(crm)
    crm.post(f"/customers/{dana}/factors", {"secret": SECRET})
    ref = ask(crm, dana)["ref"]
    panel = carry(crm, home, ref)
    ines = Caller(http, person(home, "Ines", Role.SUPERVISOR, "lead"))
    for match in (panel["version"] - 1, panel["version"] + 1):
        told = is_problem(
            ines.post(f"/change-requests/{ref}/approve", {"digest": panel["digest"]}, match=match), 412, "moved"
        )
        assert (told["current"]["version"], told["current"]["digest"]) == (panel["version"], panel["digest"])
        assert [one["path"] for one in told["current"]["diff"]] == ["contact.email"]
        assert "dana@" not in str(told)
    assert crm.get(f"/change-requests/{ref}").json()["state"] == "awaiting_approval"
    body = {"digest": panel["digest"]}
    first, again = (
        ines.post(f"/change-requests/{ref}/approve", body, match=panel["version"], key="one") for _ in range(2)
    )
    assert (first.status_code, again.content) == (200, first.content), first.text
