"""Rules that wait for a word of the record: what is held, what was changed on any line, who found the error."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.cast import Desk, desk, soon, staff
from tests.flow.join import applied, approved, state_of
from tests.flow.walk import LATER, URL, ask, record, request_of, stands, wish
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import Channel, Role
from changedesk.base.ids import SubjectId
from changedesk.flow.ways import MethodRefused
from changedesk.reading.request import request
from changedesk.store.settings_read import configuration

SIM = {"device.1.type": "phone", "device.1.sim": "8949020000001234567"}
OTHER_SIM = {"device.1.sim": "8949020000007654321"}
DAY = timedelta(hours=24)
JUST = timedelta(milliseconds=1)


@pytest.fixture
def lines(d: Desk) -> tuple[SubjectId, SubjectId, SubjectId]:
    """Dana and the two accounts that she holds; a SIM on the first."""
    made = flow.create_customers(
        [flow.NewCustomer(
            values={"personal.name": "Dana Novak", "contact.email": "dana@old.example",
                    "contact.phone_mobile": "+1 202 555 0143", "contact.phone_home": "+1 202 555 0144"},
            accounts=[flow.NewAccount("A-1", "holder", SIM), flow.NewAccount("A-2", "holder", {})])],
        actor=d.crm, at=LATER - timedelta(days=9),
    ).one()  # fmt: skip
    return made.subject, made.accounts[0], made.accounts[1]


def sms(d: Desk, dana: SubjectId, at: datetime, ref: str | None = None) -> str | None:
    """Why no code goes out by text message, for a caller or for a request: None when one would."""
    ways = flow.offers(dana, ref=ref, actor=d.ben, at=at)
    (found,) = {one.refused_reason for one in ways if one.method == "code_sms"}
    if ref is not None:
        shown = request(ref, actor=d.ben, at=at, language="en").offers
        # What a page offers is what the verb takes.
        assert [(one.method, one.path, one.refused or None) for one in shown] == [
            (one.method, one.path, one.refused_reason) for one in ways
        ]
    if found is not None:
        with pytest.raises(MethodRefused):
            flow.challenge(
                dana, purpose="change" if ref else "caller", method="code_sms", path="contact.phone_mobile", ref=ref,
                actor=d.ben, at=at,
            )  # fmt: skip
    return found


CHANGED: dict[str, tuple[int, dict[str, object]]] = {
    "the SIM of the other line": (1, dict(OTHER_SIM)),
    "the release of the other number": (1, {"line.port_out": "other-carrier"}),
    "the provider of the other line": (1, {"line.provider_switch": "other-carrier"}),
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_text_message_proves_nothing_for_a_day_after_a_change_on_anything_the_person_holds(
    d: Desk, lines: tuple[SubjectId, SubjectId, SubjectId], what: str
) -> None:
    dana, other = lines[0], lines[2]
    whose, values = CHANGED[what]
    before = ask(d, dana, URL, at=LATER - timedelta(hours=1))
    assert sms(d, dana, LATER - timedelta(minutes=1)) is None
    record(d, lines[whose], values, at=LATER)
    plan: dict[str, Any] = {"kind": "plan", "values": {"plan.cycle": "yearly"}, "operation": "change_cycle"}
    for moment, reason in ((LATER, "forbidden"), (LATER + DAY - JUST, "forbidden"), (LATER + DAY, None)):
        assert sms(d, dana, moment) == reason
        # Also for the request that was there before, and for one of an account that nothing was changed on.
        assert sms(d, dana, moment, before.ref) == reason
        route = flow.preview(wish(other, **plan), actor=d.ben, at=moment).route
        assert ("code_sms" in route.methods_forbidden) is (reason is not None)


def test_the_number_itself_waits_a_day_and_another_number_changes_nothing(
    d: Desk, lines: tuple[SubjectId, SubjectId, SubjectId]
) -> None:
    dana = lines[0]
    record(d, dana, {"contact.phone_home": "+1 202 555 0199"}, at=LATER)
    assert sms(d, dana, soon(LATER)) is None
    record(d, dana, {"contact.phone_mobile": "+1 202 555 0188"}, at=LATER + DAY)
    for moment, reason in ((DAY, "changed_lately"), (2 * DAY - JUST, "changed_lately"), (2 * DAY, None)):
        assert sms(d, dana, LATER + moment) == reason


def test_the_line_of_somebody_else_says_nothing_of_the_person(
    d: Desk, lines: tuple[SubjectId, SubjectId, SubjectId]
) -> None:
    """Nor is a SIM that came with the line a changed one."""
    dana, line, _ = lines
    eve = flow.create_customers(
        [flow.NewCustomer(values={"personal.name": "Eve", "contact.phone_mobile": "+1 202 555 0155"},
                          accounts=[flow.NewAccount("E-1", "holder", SIM)])],
        actor=d.crm, at=LATER,
    ).one()  # fmt: skip
    assert sms(d, eve.subject, soon(LATER)) is None
    record(d, eve.accounts[0], OTHER_SIM, at=soon(LATER))
    assert sms(d, eve.subject, soon(LATER, 2)) == "forbidden"
    assert sms(d, dana, soon(LATER, 2)) is None
    assert sms(d, dana, soon(LATER, 2), ask(d, line, {"plan.cycle": "yearly"}, kind="plan", at=LATER).ref) is None


def test_where_no_rule_asks_the_other_lines_are_left_alone(database: Database) -> None:
    shop = desk("shop", packs=("retail",))
    made = flow.create_customers(
        [flow.NewCustomer(values={"personal.name": "Dana", "contact.phone_mobile": "+1 202 555 0143"},
                          accounts=[flow.NewAccount("A-1", "holder", SIM)])],
        actor=shop.crm, at=LATER,
    ).one()  # fmt: skip
    record(shop, made.accounts[0], OTHER_SIM, at=soon(LATER))
    assert sms(shop, made.subject, soon(LATER, 2)) is None


def rules_of(
    d: Desk, subject: SubjectId, values: Mapping[str, object], kind: str, at: datetime, **more: Any
) -> set[str]:
    """The rules that decided the route of a request like this, as it is kept with the request."""
    asked = ask(d, subject, values, kind=kind, at=at, **more)
    ruled = {name for name, _ in request_of(d, asked.ref).route["rules"]}
    flow.withdraw(asked.ref, seen_version=None, actor=d.ben, at=at)
    return ruled


TOLD: list[tuple[str, dict[str, object], str]] = [
    # the pack, what the record holds, the rule that holds for as long; what programs tell: tests/channels/api
    ("telecom", {"account.cpni_contract": True}, "US-FCC-64.2010g"),
    ("telecom", {"role.at_risk": True}, "AU-ACMA-CIA-RISK"),
    ("healthcare", {"confidential.means": "post"}, "US-HIPAA-522b-SAFE"),
]


@pytest.mark.parametrize(("pack", "held", "rule"), TOLD, ids=[row[2] for row in TOLD])
def test_what_the_record_tells_makes_the_rule_hold(
    database: Database, pack: str, held: dict[str, object], rule: str
) -> None:
    d = desk(packs=(pack,), jurisdictions=("US", "AU"))
    dana = d.customer()
    assert rule not in rules_of(d, dana, URL, "contact_details", LATER)
    record(d, dana, held, at=LATER)
    assert rule in rules_of(d, dana, URL, "contact_details", soon(LATER))
    record(d, dana, dict.fromkeys(held), at=soon(LATER, 2))
    assert rule not in rules_of(d, dana, URL, "contact_details", soon(LATER, 3))


def test_a_consumers_easy_way_out_is_not_a_businesses(database: Database) -> None:
    d = desk(packs=("retail",), jurisdictions=("US", "US-CA", "EU"))
    person, firm = d.customer(), d.customer(personal__business=True)
    for path, rules in (
        ("subscription.ends_on", {"US-ROSCA-CANCEL", "US-CA-ARL-CANCEL"}),
        ("subscription.withdrawn_on", {"EU-WITHDRAW"}),
    ):
        asked = {path: "2026-07-01"}
        assert rules <= rules_of(d, person, asked, "plan", LATER + timedelta(days=120))
        assert rules.isdisjoint(rules_of(d, firm, asked, "plan", LATER + timedelta(days=120)))


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        (datetime(2026, 7, 6, 21, 59, 59, tzinfo=UTC), False),  # 72 hours and a second before the day in Berlin
        (datetime(2026, 7, 6, 22, tzinfo=UTC), True),
        (datetime(2026, 7, 10, 21, 59, 59, tzinfo=UTC), True),  # still the day of departure
        (datetime(2026, 7, 10, 22, tzinfo=UTC), False),
    ],
)
def test_seventy_two_hours_before_the_day_of_departure_the_data_has_been_sent(
    database: Database, at: datetime, *, holds: bool
) -> None:
    d = desk(packs=("travel",), time_zone="Europe/Berlin")
    dana = d.customer()
    record(d, dana, {"travel.departs_on": date(2026, 7, 10).isoformat()}, at=LATER)
    name = {"personal.name": "Dana Novak-Lindt"}
    assert ("US-SECUREFLIGHT-72H" in rules_of(d, dana, name, "personal_details", at)) is holds


ENDED = ("care.critical", "US-TX-25.497"), ("care.priority", "EU-UK-PRIORITY-REGISTER")


@pytest.mark.parametrize(("path", "rule"), ENDED)
def test_what_protects_the_customer_is_harder_to_take_away_than_to_give(
    database: Database, path: str, rule: str
) -> None:
    d = desk(packs=("utilities",), jurisdictions=("US", "US-TX", "EU", "GB"))
    field = configuration(d.client).catalogue[path]
    value: object = True if not field.options else [next(iter(field.options))]
    dana = d.customer()
    assert rule not in rules_of(d, dana, {path: value}, "service_preferences", LATER)
    record(d, dana, {path: value}, at=LATER)
    ways_out = [None, False] if value is True else [None]
    for out in ways_out:
        assert rule in rules_of(d, dana, {path: out}, "service_preferences", soon(LATER))


def test_usage_data_is_closed_without_the_consent_that_opens_it(database: Database) -> None:
    d = desk(packs=("utilities",), jurisdictions=("US", "US-CA"))
    dana = d.customer()
    given: dict[str, object] = {"supply.usage_data": "Acme Metering"}
    opened = rules_of(d, dana, given, "service_preferences", LATER)
    assert ("US-CPUC-DATA" in opened, "US-CPUC-DATA-REVOKE" in opened) == (True, False)
    record(d, dana, given, at=LATER)
    closed = rules_of(d, dana, dict.fromkeys(given), "service_preferences", soon(LATER))
    assert ("US-CPUC-DATA" in closed, "US-CPUC-DATA-REVOKE" in closed) == (False, True)


def merging(d: Desk, dora: SubjectId, dana: SubjectId, whose: str, reason: str) -> flow.Receipt:
    how = flow.How(initiated_by=whose, reason=reason, channel=Channel.PHONE)
    return flow.merge(dora, dana, how, actor=d.ben, at=LATER)


def test_a_duplicate_that_the_business_found_is_merged_by_two_people_and_the_customer_is_told_first(
    d: Desk, dana: SubjectId
) -> None:
    dora = d.customer(contact__email="dora@old.example")
    asked = merging(d, dora, dana, "business", "duplicate_account")
    assert asked.state == "awaiting_approval"
    same_team = staff(d.client, 9, Role.SUPERVISOR, team=d.ben.team)
    assert flow.approve({asked.ref: asked.digest}, actor=same_team, at=soon(LATER)).refused
    one = flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER)).one()
    assert one.state == "awaiting_approval"
    both = flow.approve({asked.ref: asked.digest}, actor=d.omar, at=soon(LATER)).one()
    assert both.state == "scheduled"
    told = {(one["event"], one["to"]) for one in request_of(d, asked.ref).route["notices"]}
    assert told >= {("requested", "prior_contacts"), ("applied", "prior_contacts")}
    flow.apply_due(d.client, at=LATER + timedelta(hours=23))
    assert state_of(d, asked).state == "scheduled"
    assert applied(d, asked, soon(LATER)).state == "applied"


@pytest.mark.parametrize(
    ("whose", "reason"), [("customer", "duplicate_account"), ("business", "customer_request"), ("business", "reversal")]
)
def test_every_other_merge_waits_for_the_customers_proof(d: Desk, dana: SubjectId, whose: str, reason: str) -> None:
    dora = d.customer(contact__email="dora@old.example")
    asked = merging(d, dora, dana, whose, reason)
    assert asked.state == "awaiting_verification"
    assert flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER)).refused


def test_what_the_desk_closed_by_mistake_it_reopens_itself(d: Desk, dana: SubjectId) -> None:
    def of(operation: str, at: datetime, reason: str) -> flow.Receipt:
        wanted = flow.Wish(
            subject=dana, kind="account_status", operation=operation, values={}, reason=reason,
            channel=Channel.PHONE, initiated_by="business",
        )  # fmt: skip
        return flow.submit([wanted], actor=d.ben, at=at).one()

    closing = of("close", LATER, "customer_request")
    approved(d, closing, soon(LATER))
    flow.apply_due(d.client, at=LATER + timedelta(days=8))
    assert state_of(d, closing).state == "applied"
    later = LATER + timedelta(days=9)
    wished = of("reopen", later, "customer_request")
    assert wished.state == "awaiting_verification"
    flow.withdraw(wished.ref, seen_version=None, actor=d.ben, at=later)
    mended = of("reopen", later, "correction_of_error")
    assert mended.state == "awaiting_approval"
    assert approved(d, mended, soon(later)).state == "scheduled"
    assert applied(d, mended, soon(later)).state == "applied"
    assert stands(d, dana).status == "active"
