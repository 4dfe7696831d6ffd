"""Access is reviewed over HTTP: who looked and stands out, certified by somebody else, and read again."""

from datetime import timedelta

import httpx
from tests.cast import Desk
from tests.channels.api.desk import Caller, customer, person
from tests.channels.api.test_conventions import is_problem

from changedesk.base import clock
from changedesk.base.actor import Role


def test_readers_are_listed_certified_and_the_certification_is_read(
    http: httpx.Client, home: Desk, crm: Caller
) -> None:
    ben = Caller(http, person(home, "Novak", Role.AGENT, "one"))
    otto = Caller(http, person(home, "Otto", Role.AUDITOR, "audit"))
    dana = customer(crm)
    assert ben.get(f"/customers/{dana}").status_code == 200
    until = clock.now()
    period = {"since": (until - timedelta(days=2)).isoformat(), "until": until.isoformat()}
    found = otto.get("/access/readers", params=period).json()
    (one,) = found["items"]
    assert (one["by"]["name"], one["customers"], one["unasked"], one["verdict"]) == ("Novak", 1, 1, "")
    assert one["reasons"] == [{"measure": "own_name", "value": 1, "usual": None, "peers": 0}]
    assert found["may_certify"]
    wish = {**period, "readers": {one["by"]["id"]: "flagged"}}
    told = is_problem(otto.post("/access/certifications", {**period, "readers": {}}), 422, "readers-differ")
    assert told["facts"]["missing"] == [one["by"]["id"]]
    is_problem(ben.post("/access/certifications", wish), 403, "forbidden")
    assert otto.post("/access/certifications", wish).status_code == 204
    (said,) = otto.get("/access/certifications").json()["items"]
    assert (said["by"]["name"], said["kept"], said["flagged"][0]["name"]) == ("Otto", [], "Novak")
    assert otto.get("/access/readers", params=period).json()["items"][0]["verdict"] == "flagged"
    wrong = {"since": period["until"], "until": period["since"]}
    is_problem(otto.get("/access/readers", params=wrong), 422, "period-too-long")
    early = {**wish, "until": (clock.now() + timedelta(days=1)).isoformat()}
    is_problem(otto.post("/access/certifications", early), 422, "period-unfit")
