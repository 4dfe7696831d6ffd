"""Days that are hard for clocks, from the call to the duty that carries it out: once, at the instant that was meant."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.core.wsgi import get_wsgi_application
from pytest_django.fixtures import Settings
from tests.cast import Desk, desk
from tests.channels.api.desk import ALL, Caller, customer
from tests.flow.walk import history, request_of, stands
from tests.postgres import Database

from changedesk import flow
from changedesk.base import clock as base_clock
from changedesk.base.ids import SubjectId
from changedesk.channels import clock as duties
from changedesk.channels.api.limits import LIMITS
from changedesk.flow import combine, configure
from changedesk.rules import access

JUST = timedelta(microseconds=1000)


@dataclass
class Stopped:
    """A clock that stands where a test puts it."""

    at: datetime

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Stopped:
    found = Stopped(datetime(2026, 3, 1, 9, tzinfo=UTC))
    monkeypatch.setattr(base_clock, "now", found.now)
    monkeypatch.setattr(duties, "now", found.now)
    monkeypatch.setattr(combine, "now", found.now)
    return found


@pytest.fixture
def berlin(database: Database) -> Desk:
    return desk("berlin", jurisdictions=("EU", "DE"), time_zone="Europe/Berlin")


@pytest.fixture
def calling(settings: Settings, berlin: Desk, stopped: Stopped) -> Callable[[], Caller]:
    """A program with a key that lives now, whenever that is."""
    settings.ROOT_URLCONF = "tests.channels.api.urls"
    settings.ALLOWED_HOSTS = ["testserver"]
    LIMITS.forget()
    http = httpx.Client(transport=httpx.WSGITransport(app=get_wsgi_application()), base_url="http://testserver")

    def at_this_moment() -> Caller:
        key = configure.create_key(
            "crm", ALL, entry_point="crm", expires_at=stopped.at + timedelta(days=1),
            actor=access.terminal(berlin.client), at=stopped.at,
        )  # fmt: skip
        return Caller(http, key.secret)

    return at_this_moment


def duty(name: str, home: Desk) -> int:
    return next(one for one in duties.duties() if one.name == name).run(home.client)


def opt_out(subject: str, effective_at: str) -> dict[str, Any]:
    return {
        "subject": subject, "kind": "marketing_preferences", "values": {"pref.marketing_email": False},
        "reason": "customer_request", "effective_at": effective_at,
    }  # fmt: skip


MEANT = [
    # what is written, and the instant that it is
    ("2026-03-29T01:59:59+01:00", "2026-03-29T00:59:59Z"),  # the last second before the hour that is skipped
    ("2026-03-29T02:30:00+01:00", "2026-03-29T01:30:00Z"),  # half past two is not on any clock that night: 3:30
    ("2026-03-29T02:30:00+02:00", "2026-03-29T00:30:00Z"),  # nor this one: it is 1:30
    ("2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00Z"),  # half past two for the first time
    ("2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00Z"),  # and for the second
    ("2028-02-29T00:00:00+01:00", "2028-02-28T23:00:00Z"),  # leap day, where the client is
    ("2026-08-31T23:59:59+02:00", "2026-08-31T21:59:59Z"),  # the last second of a month
    ("2026-12-31T23:30:00-01:00", "2027-01-01T00:30:00Z"),  # another year by the time it is there
]


@pytest.mark.parametrize(("written", "instant"), MEANT, ids=[row[0] for row in MEANT])
def test_what_is_scheduled_is_applied_once_and_at_the_instant_that_was_meant(
    berlin: Desk, stopped: Stopped, calling: Callable[[], Caller], written: str, instant: str
) -> None:
    meant = datetime.fromisoformat(instant)
    stopped.at = meant - timedelta(days=3)
    crm = calling()
    dana = customer(crm, pref__marketing_email=True)
    sent = crm.post("/change-requests", opt_out(dana, written))
    assert sent.status_code == 201, sent.text
    ref = sent.json()["ref"]
    assert sent.json()["state"] == "scheduled"
    assert datetime.fromisoformat(crm.get(f"/change-requests/{ref}").json()["effective_at"]) == meant
    stopped.at = meant - JUST
    assert duty("clock.apply", berlin) == 0
    assert held(berlin, dana) is True
    stopped.at = meant
    assert duty("clock.apply", berlin) == 1
    assert held(berlin, dana) is False
    for late in (timedelta(), timedelta(hours=1), timedelta(days=1)):
        stopped.at = meant + late
        assert duty("clock.apply", berlin) == duty("clock.effective", berlin) == 0
    done = [one for one in history(berlin, subject_of(dana)) if one.kind.bumps and one.request is not None]
    assert [one.recorded_at for one in done] == [meant]
    assert request_of(berlin, ref).state == "applied"


def subject_of(told: str) -> SubjectId:
    return SubjectId(UUID(told))


def held(home: Desk, subject: str) -> object:
    return stands(home, subject_of(subject)).values().get("pref.marketing_email")


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-29T02:30:00",  # nobody knows which instant that is
        "2026-10-25T02:30:00",
        "2026-10-25T02:30:00 Europe/Berlin",
        "2027-02-29T00:00:00+01:00",
        "2026-09-31T12:00:00+02:00",
        "2026-03-29T24:00:00+01:00",
        "2026-06-30T23:59:60+02:00",
        "2026-03-29",
    ],
)
def test_a_time_that_is_none_or_could_be_two_is_refused_and_nothing_is_scheduled(
    berlin: Desk, calling: Callable[[], Caller], written: str
) -> None:
    crm = calling()
    dana = customer(crm, pref__marketing_email=True)
    refused = crm.post("/change-requests", opt_out(dana, written))
    assert refused.status_code == 422
    assert "effective_at" in refused.text
    assert crm.get("/change-requests").json()["items"] == []
    assert held(berlin, dana) is True


LAST_DAYS = [
    # the last day of a suspension, and the instant at which it is over in Berlin
    ("2026-03-28", "2026-03-28T23:00:00Z"),
    ("2026-03-29", "2026-03-29T22:00:00Z"),  # a day of 23 hours
    ("2026-10-24", "2026-10-24T22:00:00Z"),
    ("2026-10-25", "2026-10-25T23:00:00Z"),  # a day of 25 hours
    ("2028-02-28", "2028-02-28T23:00:00Z"),
    ("2028-02-29", "2028-02-29T23:00:00Z"),
    ("2026-08-31", "2026-08-31T22:00:00Z"),
    ("2026-12-31", "2026-12-31T23:00:00Z"),
]


@pytest.mark.parametrize(("last", "over"), LAST_DAYS, ids=[row[0] for row in LAST_DAYS])
def test_a_suspension_ends_with_its_last_day_where_the_client_is(
    berlin: Desk, stopped: Stopped, calling: Callable[[], Caller], last: str, over: str
) -> None:
    ends = datetime.fromisoformat(over)
    stopped.at = ends - timedelta(days=3)
    crm = calling()
    dana = customer(crm)
    wish = {"subject": dana, "kind": "account_status", "operation": "suspend", "values": {"status.until": last},
            "initiated_by": "business", "reason": "payment_default"}  # fmt: skip
    sent = crm.post("/change-requests", wish)
    assert sent.status_code == 201, sent.text
    asked = sent.json()
    flow.approve({asked["ref"]: asked["digest"]}, actor=berlin.ines, at=stopped.at).one()
    assert stands(berlin, subject_of(dana)).status == "suspended"
    stopped.at = ends - JUST
    assert duty("clock.effective", berlin) == 0
    assert stands(berlin, subject_of(dana)).status == "suspended"
    stopped.at = ends
    assert duty("clock.effective", berlin) == 1
    assert stands(berlin, subject_of(dana)).status == "active"
    stopped.at = ends + timedelta(hours=2)
    assert duty("clock.effective", berlin) == duty("clock.apply", berlin) == 0
    ended = [one.recorded_at for one in history(berlin, subject_of(dana)) if one.kind.bumps]
    assert ended[-1] == ends
    assert len(ended) == 3
