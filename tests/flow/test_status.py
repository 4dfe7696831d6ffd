"""How customers and accounts stand: asked for, approved, applied, stopped, ended by the clock."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import psycopg
import pytest
from tests.cast import Desk, soon
from tests.flow.walk import (
    LATER,
    POST,
    URL,
    ask,
    code_to,
    done,
    history,
    kinds,
    prove,
    ready,
    record,
    request_of,
    stands,
    vouch,
)
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.kinds.account_status.refusals import GraceOver, MoveImpossible, OneOperation, UntilPast
from changedesk.kinds.refusals import OperationDiffers
from changedesk.reading.customer import customer
from changedesk.rules.status import StatusForbids
from changedesk.store import status
from changedesk.store.past import Entry
from changedesk.store.tx import look


def of(d: Desk, subject: SubjectId, operation: str, *, at: datetime, by: str = "business", **more: Any) -> flow.Receipt:
    """A change of status that the business decides, entered by Ben."""
    given: dict[str, Any] = {"kind": "account_status", "reason": "payment_default", "channel": Channel.PHONE, **more}
    values = given.pop("values", {})
    wish = flow.Wish(subject=subject, operation=operation, values=values, initiated_by=by, **given)
    return flow.submit([wish], actor=d.ben, at=at).one()


def through(d: Desk, asked: flow.Receipt, at: datetime) -> flow.Receipt:
    """Approved by Ines, and by Omar where two are wanted."""
    if asked.state == "awaiting_approval":
        asked = flow.approve({asked.ref: asked.digest}, actor=d.ines, at=at).one()
    if asked.state == "awaiting_approval":
        asked = flow.approve({asked.ref: asked.digest}, actor=d.omar, at=at).one()
    return asked


def suspend(d: Desk, subject: SubjectId, at: datetime = LATER, **values: object) -> flow.Receipt:
    typed = {f"status.{name}": value for name, value in values.items()}
    asked = through(d, of(d, subject, "suspend", at=at, values=typed), soon(at))
    assert asked.state == "applied", asked
    return asked


def announced(entry: Entry) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", entry.facts["announces"])


def moves(d: Desk, subject: SubjectId) -> list[tuple[str, str | None, str | None, str]]:
    with look(d.client) as seen:
        found = status.of_subject(seen, subject)
    return [(one.path, one.was, one.became, one.initiated_by) for one in found[::-1]]


def test_a_suspension_for_default_is_the_businesss_and_is_told_to_billing_and_services(
    d: Desk, dana: SubjectId
) -> None:
    asked = of(d, dana, "suspend", at=LATER, values={"status.blocks": ["orders", "payments"]})
    assert (asked.state, request_of(d, asked.ref).needs_level) == ("awaiting_approval", 0)
    through(d, asked, soon(LATER))
    entry = history(d, dana)[-1]
    assert (entry.kind.value, stands(d, dana).status) == ("status.changed", "suspended")
    assert (entry.facts["reason"], entry.facts["initiated_by"]) == ("payment_default", "business")
    told = {one["event"]: one for one in announced(entry)}
    assert set(told) == {"status.suspended", "services.block", "downstream.freeze"}
    assert (told["status.suspended"]["from"], told["status.suspended"]["to"]) == ("active", "suspended")
    assert told["services.block"] == {"event": "services.block", "blocks": ["payments", "orders"], "until": None}
    assert moves(d, dana) == [("status.state", "active", "suspended", "business")]


def test_what_a_suspension_blocks_is_refused_and_named_and_the_rest_goes_on(d: Desk, dana: SubjectId) -> None:
    suspend(d, dana, blocks=["payments"])
    with pytest.raises(StatusForbids) as refused:
        ask(d, dana, {"payment.bank_account": {"bank_code": "011000015", "account": "123456789", "country": "US"}},
            kind="billing_payment", at=soon(LATER, 9))  # fmt: skip
    data = refused.value.data
    assert (data["blocked_by"], data["blocks"], data["lifted_by"]) == ("suspended", ["payment.bank"], "reinstate")
    done(d, dana, soon(LATER, 9), POST)
    suspended = stands(d, dana)
    assert suspended.status == "suspended"


def test_a_suspension_ends_by_itself_once_at_the_end_of_its_last_day(d: Desk, dana: SubjectId) -> None:
    suspend(d, dana, until="2026-03-10", blocks=["changes"])
    ends = datetime(2026, 3, 11, tzinfo=UTC)
    assert stands(d, dana).next_effective_at == ends
    with pytest.raises(StatusForbids) as refused:
        ask(d, dana, URL, at=soon(LATER, 9))
    assert refused.value.data["ends"] == ends
    assert flow.make_effective(d.client, at=ends - timedelta(seconds=1)) == 0
    assert stands(d, dana).status == "suspended"
    for _ in range(3):
        flow.make_effective(d.client, at=ends)
    assert stands(d, dana).status == "active"
    assert kinds(d, dana).count("status.changed") == 2
    entry = next(item for item in history(d, dana)[::-1] if item.kind == "status.changed")
    assert (entry.actor, entry.facts["initiated_by"]) == ("a.clock", "system")
    assert {one["event"] for one in announced(entry)} == {
        "status.reinstated", "services.unblock", "downstream.release",
    }  # fmt: skip
    assert stands(d, dana).next_effective_at is None
    assert not {path for path in stands(d, dana).values() if path.startswith("status.")} - {"status.state"}
    assert moves(d, dana)[-1] == ("status.state", "suspended", "active", "system")


def test_an_early_reinstatement_another_end_and_an_open_end_overtake_the_first(d: Desk) -> None:
    late = datetime(2026, 6, 1, tzinfo=UTC)
    eve, kim, lee = (d.customer(contact__email=f"{name}@old.example") for name in ("eve", "kim", "lee"))
    for one in (eve, kim, lee):
        suspend(d, one, until="2026-03-10")
    through(d, of(d, eve, "reinstate", at=soon(LATER, 9)), soon(LATER, 10))
    suspend(d, kim, soon(LATER, 9), until="2026-03-20")
    suspend(d, lee, soon(LATER, 9), until=None)
    for _ in range(3):
        flow.make_effective(d.client, at=datetime(2026, 3, 11, tzinfo=UTC))
    assert [stands(d, one).status for one in (eve, kim, lee)] == ["active", "suspended", "suspended"]
    for _ in range(3):
        flow.make_effective(d.client, at=late)
    assert [stands(d, one).status for one in (eve, kim, lee)] == ["active", "active", "suspended"]


def test_a_closing_waits_its_grace_takes_feedback_and_can_be_undone_until_then_only(d: Desk, dana: SubjectId) -> None:
    vouch(d, dana, LATER)
    asked = of(d, dana, "close", by="customer", reason="customer_request", at=soon(LATER, 0.2),
               values={"status.feedback": "Too dear."})  # fmt: skip
    asked = through(d, asked, soon(LATER))
    assert asked.state == "scheduled"
    week = soon(LATER) + timedelta(days=7)
    assert flow.apply_due(d.client, at=week) == 1
    held = stands(d, dana).values()
    assert (stands(d, dana).status, held["status.feedback"]) == ("closed", "Too dear.")
    assert held["status.grace_until"] == (week + timedelta(days=30)).date().isoformat()
    closed = announced(history(d, dana)[-1])[0]
    assert closed["retention_from"] == week.isoformat()
    for wish in (URL, POST):
        with pytest.raises(StatusForbids):
            ask(d, dana, wish, at=week)
    with pytest.raises(GraceOver):
        of(d, dana, "reopen", at=week + timedelta(days=31))
    reopened = of(d, dana, "reopen", at=week + timedelta(days=29))
    assert request_of(d, reopened.ref).needs_approvals == 2


def test_what_is_deactivated_takes_lawful_changes_only_and_comes_back_with_its_factors(
    d: Desk, dana: SubjectId
) -> None:
    assert through(d, of(d, dana, "deactivate", reason="inactivity", at=LATER), soon(LATER)).state == "applied"
    at = soon(LATER, 9)
    with pytest.raises(StatusForbids):
        ask(d, dana, URL, at=at)
    ways = flow.offers(dana, actor=d.ben, at=at)
    assert {one.refused_reason for one in ways if one.method == "totp"} == set()
    out = ask(d, dana, {"pref.marketing_email": False}, kind="marketing_preferences", at=at, reason="other", note="x")
    assert out.state == "applied"
    asked = ask(d, dana, POST, reason="data_subject_request", at=at)
    assert asked.state == "awaiting_verification"
    flow.withdraw(asked.ref, seen_version=None, actor=d.ben, at=at)
    started = flow.challenge(dana, purpose="caller", method="code_email", path="contact.email", actor=d.ben, at=at)
    assert flow.confirm(started.id, code_to(d), actor=d.ben, at=at).matched
    back = of(d, dana, "reactivate", by="customer", reason="customer_request", at=at)
    back = prove(d, back, soon(at, 0.5))
    assert request_of(d, back.ref).needs_approvals == 2
    assert through(d, back, soon(at, 2)).state == "scheduled"
    flow.apply_due(d.client, at=at + timedelta(days=2))
    assert stands(d, dana).status == "active"
    vouch(d, dana, at + timedelta(days=3))


def test_moves_that_lead_nowhere_two_at_once_and_days_that_are_over_are_refused(d: Desk, dana: SubjectId) -> None:
    with pytest.raises(OperationDiffers):
        of(d, dana, "suspend", at=LATER, values={"status.change_locked": True})
    with pytest.raises(OneOperation):
        of(d, dana, "", at=LATER, values={"status.state": "closed", "status.legal_hold": True})
    with pytest.raises(MoveImpossible) as refused:
        of(d, dana, "", at=LATER, values={"status.state": "pending"})
    assert refused.value.data["possible"] == ["suspend", "deactivate", "close"]
    with pytest.raises(UntilPast):
        of(d, dana, "suspend", at=LATER, values={"status.until": "2026-03-04"})


def test_a_lock_stops_every_change_but_an_opt_out_until_it_is_lifted(d: Desk, dana: SubjectId) -> None:
    waiting = ready(d, dana, values=POST)
    of(d, dana, "lock", by="customer", reason="security_concern", at=soon(LATER, 4))
    assert stands(d, dana).values()["status.change_locked"] is True
    with pytest.raises(StatusForbids) as refused:
        ask(d, dana, URL, at=soon(LATER, 5))
    assert (refused.value.data["blocked_by"], refused.value.data["lifted_by"]) == ("change_locked", "unlock")
    held = flow.approve({waiting.ref: waiting.digest}, actor=d.ines, at=soon(LATER, 6)).one()
    assert held.state == "on_hold"
    assert (
        ask(d, dana, {"pref.marketing_sms": False}, kind="marketing_preferences", at=soon(LATER, 7)).state == "applied"
    )


def test_scheduled_and_backdated_changes_of_status_hold_from_their_day(d: Desk, dana: SubjectId) -> None:
    day = LATER + timedelta(days=10)
    asked = through(d, of(d, dana, "suspend", at=LATER, effective_at=day), soon(LATER))
    assert (asked.state, stands(d, dana).status) == ("scheduled", "active")
    assert [flow.apply_due(d.client, at=day) for _ in range(2)] == [1, 0]
    eve = d.customer(contact__email="eve@old.example")
    through(d, of(d, eve, "suspend", at=LATER, effective_at=LATER - timedelta(days=1)), soon(LATER))
    with look(d.client) as seen:
        assert status.of_subject(seen, eve)[0].effective_at == LATER - timedelta(days=1)


def test_under_restriction_agents_see_nothing_and_the_person_is_told_before_it_ends(d: Desk, dana: SubjectId) -> None:
    vouch(d, dana, LATER)
    at = soon(LATER, 0.5)
    given = {"kind": "restriction", "reason": "data_subject_request", "channel": Channel.PHONE}
    wish = flow.Wish(subject=dana, operation="restrict", values={"restriction.ground": "claims"}, **given)  # type: ignore[arg-type]
    assert flow.submit([wish], actor=d.ben, at=at).one().state == "applied"
    assert not customer(dana, actor=d.ben, at=soon(at), language="en").open
    with pytest.raises(StatusForbids):
        ask(d, dana, {"pref.marketing_email": True}, kind="marketing_preferences", at=soon(at))
    lift = flow.Wish(subject=dana, operation="lift", values={}, **given)  # type: ignore[arg-type]
    asked = flow.submit([lift], actor=d.ben, at=soon(at)).one()
    asked = flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(at, 2)).one()
    assert asked.state == "scheduled"
    assert {(one["event"], one["to"]) for one in request_of(d, asked.ref).route["notices"]} >= {
        ("requested", "all_contacts")
    }
    flow.apply_due(d.client, at=soon(at, 2) + timedelta(days=1))
    assert "restriction.active" not in stands(d, dana).values()


def test_a_profile_rests_until_its_day(d: Desk, dana: SubjectId) -> None:
    vouch(d, dana, LATER)
    at = soon(LATER, 0.5)
    wish = flow.Wish(
        subject=dana, kind="inactivation", operation="inactivate", values={"inactivation.until": "2026-03-31"},
        reason="customer_request", channel=Channel.PHONE,
    )  # fmt: skip
    asked = through(d, flow.submit([wish], actor=d.ben, at=at).one(), soon(at))
    assert (asked.state, stands(d, dana).values()["inactivation.active"]) == ("applied", True)
    flow.make_effective(d.client, at=datetime(2026, 4, 1, tzinfo=UTC))
    assert not {"inactivation.active", "inactivation.until"} & stands(d, dana).values().keys()


def test_the_database_itself_lets_nothing_be_applied_to_what_has_ended(
    d: Desk, dana: SubjectId, database: Database
) -> None:
    asked = ready(d, dana, values=POST)
    held = flow.hold(asked.ref, reason="other", until=None, seen_version=None, actor=d.ines, at=soon(LATER, 4))
    flow.release(held.ref, seen_version=None, actor=d.ines, at=soon(LATER, 5))
    record(d, dana, {"status.state": "closed"}, at=soon(LATER, 6))
    stopped = flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 7)).one()
    assert stopped.state == "on_hold"
    with psycopg.connect(database.url) as connection:
        connection.execute("SELECT set_config('changedesk.client', %s, true)", [str(d.client)])
        connection.execute("UPDATE desk.request SET state = 'approved' WHERE id = %s", [asked.request])
        apply = "UPDATE desk.request SET state = 'applied', applied_change = gen_random_uuid() WHERE id = %s"
        with pytest.raises(psycopg.DatabaseError) as met:
            connection.execute(apply, [asked.request])
    assert met.value.sqlstate == "CD020"


def test_what_another_system_recorded_stops_changes_as_well(d: Desk, dana: SubjectId) -> None:
    record(d, dana, {"status.state": "closed"}, at=LATER)
    assert moves(d, dana) == [("status.state", None, "closed", "")]
    with pytest.raises(StatusForbids):
        ask(d, dana, URL, at=soon(LATER))
