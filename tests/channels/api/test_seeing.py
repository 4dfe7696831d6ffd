"""Who looked at whom, over HTTP: on record before it is told, dead after a minute, reviewed by somebody else."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
from tests.cast import Desk
from tests.channels.api.desk import Caller, customer, person, token
from tests.postgres import Database

from changedesk.base import clock
from changedesk.base.actor import Role
from changedesk.base.outcome import Outcome
from changedesk.rules.limits import Limits


@pytest.fixture
def ben(http: httpx.Client, home: Desk) -> Caller:
    return Caller(http, person(home, "Ben", Role.AGENT, "one"))


@pytest.fixture
def ines(http: httpx.Client, home: Desk) -> Caller:
    return Caller(http, person(home, "Ines", Role.SUPERVISOR, "two"))


@pytest.fixture
def otto(http: httpx.Client, home: Desk) -> Caller:
    return Caller(http, person(home, "Otto", Role.AUDITOR, "audit"))


def looks(who: Caller, **asked: str) -> list[dict[str, Any]]:
    found = who.get("/access", params=asked)
    assert found.status_code == 200, found.text
    items: list[dict[str, Any]] = found.json()["items"]
    return items


def test_every_way_to_open_a_record_is_one_view_of_the_key_that_opened_it(
    home: Desk, crm: Caller, otto: Caller, http: httpx.Client
) -> None:
    dana = customer(crm)
    machine = Caller(http, token(home, "customers:read", "requests:read"))
    for path in ("", "/timeline", "/as-of", "/timeline"):
        assert machine.get(f"/customers/{dana}{path}").status_code == 200
    (one,) = looks(otto, subject=dana)
    assert (one["kind"], one["by"]["tag"], one["purpose"], one["fields"]) == (
        "record.viewed", "key", "connected_system", [],
    )  # fmt: skip
    # A key that sees values in clear is on record with the names of what it saw.
    assert crm.get(f"/customers/{dana}").status_code == 200
    clear = looks(otto, subject=dana, actor=looks(otto)[0]["by"]["id"])
    assert {"E-mail", "Name"} <= set(clear[0]["fields"])
    wish = {"subject": dana, "kind": "contact_details", "values": {"contact.email": "d@new.example"},
            "reason": "customer_request", "channel": "phone"}  # fmt: skip
    ref = crm.post("/change-requests", wish).json()["ref"]
    assert otto.get(f"/change-requests/{ref}").status_code == 200
    assert looks(otto, subject=dana)[0]["by"]["name"] == "Otto"


def test_a_search_over_http_is_one_entry_without_the_words(crm: Caller, otto: Caller) -> None:
    customer(crm)
    assert len(crm.post("/customers/search", {"text": "dana@old.example"}).json()["items"]) == 1
    (one,) = looks(otto)
    assert (one["kind"], one["found"]) == ("record.searched", 1)
    assert "dana" not in str(one)


@pytest.mark.parametrize("path", ["", "/timeline", "/as-of"])
def test_where_the_view_cannot_be_recorded_the_answer_holds_nothing(crm: Caller, database: Database, path: str) -> None:
    dana = customer(crm)
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE desk.staged ADD CONSTRAINT never CHECK (entry_id < 0) NOT VALID")
        try:
            told = crm.get(f"/customers/{dana}{path}")
        finally:
            owner.execute("ALTER TABLE desk.staged DROP CONSTRAINT never")
    assert told.status_code == 500
    assert "Novak" not in told.text
    assert crm.get(f"/customers/{dana}{path}").status_code == 200


def test_the_second_look_asks_the_database_for_nothing_more(crm: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    from changedesk.flow import seeing as verbs  # noqa: PLC0415 - what is counted

    writes: list[int] = []
    real = verbs._write

    def counted(many: Sequence[Any]) -> Outcome[None]:
        writes.append(len(many))
        return real(many)

    monkeypatch.setattr(verbs, "_write", counted)
    verbs._joined.cache_clear()
    dana = customer(crm)
    for _ in range(5):
        crm.get(f"/customers/{dana}/timeline")
    assert writes == [1]
    monkeypatch.undo()
    verbs._joined.cache_clear()


def test_a_revealed_value_is_told_for_a_minute(
    crm: Caller, ben: Caller, otto: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    dana = customer(crm)
    wish = {
        "subject": dana,
        "path": "contact.email",
        "reason": "customer_asks",
        "reference": "call-77",
        "note": "Read back.",
    }
    assert "dana@" not in ben.get(f"/customers/{dana}").text
    made = ben.post("/reveals", wish)
    assert (made.status_code, made.json()["text"], made.json()["masked"]) == (201, "dana@old.example", False)
    place = made.headers["Location"].removeprefix("/api/v1")
    again = ben.get(place)
    assert again.json()["text"] == "dana@old.example"
    (one,) = [item for item in looks(otto) if item["kind"] == "value.revealed"]
    assert (one["purpose"], one["reference"], one["fields"], one["note"]) == (
        "customer_asks", "call-77", ["E-mail"], "",
    )  # fmt: skip
    assert otto.get(place).status_code == 403
    assert crm.get(place).status_code == 404
    later = clock.now() + timedelta(seconds=61)
    monkeypatch.setattr(clock, "now", lambda: later)
    late = ben.get(place).json()
    assert (late["masked"], late["seconds_left"]) == (True, 0)
    assert "dana@" not in str(late)


def test_a_refused_reveal_says_what_is_needed_and_when(crm: Caller, ben: Caller, otto: Caller) -> None:
    dana = customer(crm)
    wish = {"subject": dana, "path": "contact.email", "reason": "reach_customer"}
    told = otto.post("/reveals", wish)
    assert (told.status_code, told.json()["code"]) == (403, "reveal-forbidden")
    assert "agent" in told.json()["facts"]["wanted"]
    told = ben.post("/reveals", {**wish, "reason": "fraud_review"})
    assert (told.status_code, told.json()["code"]) == (422, "reference-needed")
    assert ben.post("/reveals", {**wish, "reason": "curiosity"}).status_code == 422
    for _ in range(Limits().reveals_an_hour):
        assert ben.post("/reveals", wish).status_code == 201
    told = ben.post("/reveals", wish)
    assert (told.status_code, told.json()["code"]) == (429, "reveals-spent")
    assert int(told.headers["Retry-After"]) > 3000


def test_what_money_hangs_on_is_revealed_on_the_desks_page_only(crm: Caller, ben: Caller) -> None:
    account = {"bank_code": "011000015", "account": "123456789", "country": "US"}
    wish = {"subject": customer(crm, payment__bank_account=account), "path": "payment.bank_account"}
    told = ben.post("/reveals", {**wish, "reason": "reach_customer"})
    assert (told.status_code, told.json()["code"]) == (403, "sign-in-again")


def test_broken_glass_is_marked_listed_and_reviewed_by_another(
    crm: Caller, ben: Caller, ines: Caller, otto: Caller, home: Desk, http: httpx.Client
) -> None:
    dana = customer(crm)
    wish = {"minutes": 30, "reason": "verification_down", "reference": "INC-9"}
    assert ben.post("/break-glass", wish).status_code == 403
    assert ines.post("/break-glass", {**wish, "minutes": 61}).status_code == 422
    made = ines.post("/break-glass", wish, key="once")
    assert made.status_code == 201, made.text
    assert ines.post("/break-glass", wish, key="once").json() == made.json()
    other = ines.post("/break-glass", {**wish, "minutes": 5}, key="once")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-other-body")
    assert "dana@old.example" in ines.get(f"/customers/{dana}").text
    one = looks(otto, subject=dana)[0]
    assert (one["glass"], one["purpose"], one["reference"]) == (made.json()["id"], "verification_down", "INC-9")
    (waiting,) = otto.get("/break-glass", params={"waiting": "true"}).json()["items"]
    assert (waiting["id"], waiting["running"], waiting["by"]["name"]) == (made.json()["id"], True, "Ines")
    own = ines.post(f"/break-glass/{waiting['id']}/review", {"verdict": "justified"})
    assert (own.status_code, own.json()["code"]) == (403, "own-glass")
    petra = Caller(http, person(home, "Petra", Role.PRIVACY, "three"))
    for _ in range(2):
        said = petra.post(f"/break-glass/{waiting['id']}/review", {"verdict": "justified"}, key="said")
        assert said.status_code == 204
    twice = petra.post(f"/break-glass/{waiting['id']}/review", {"verdict": "justified"})
    assert (twice.status_code, twice.json()["code"]) == (409, "glass-reviewed")
    assert otto.get("/break-glass", params={"waiting": "true"}).json()["items"] == []
    (done,) = otto.get("/break-glass").json()["items"]
    assert (done["verdict"], done["reviewed_by"]["name"]) == ("justified", "Petra")


def test_who_saw_a_customer_of_late_is_one_call_for_those_who_watch(crm: Caller, ben: Caller, otto: Caller) -> None:
    dana = customer(crm)
    assert ben.get(f"/customers/{dana}").status_code == 200
    (one,) = otto.get("/access/viewers", params={"subject": dana}).json()["items"]
    assert (one["by"]["name"], one["views"], one["reveals"]) == ("Ben", 1, 0)
    for path in ("/access", f"/access/viewers?subject={dana}", "/break-glass"):
        assert ben.get(path).status_code == 403


def test_looks_come_page_by_page(crm: Caller, otto: Caller) -> None:
    for number in range(5):
        crm.get(f"/customers/{customer(crm, contact__email=f'n{number}@old.example')}")
    first = otto.get("/access", params={"limit": "3"})
    assert 'rel="next"' in first.headers["Link"]
    rest = otto.get("/access", params={"limit": "3", "before": first.json()["next"]})
    assert (len(rest.json()["items"]), rest.json()["next"]) == (2, None)
    bad = otto.get("/access", params={"before": "1-99999999999999999999"})
    assert bad.status_code == 422
