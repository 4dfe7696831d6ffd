"""A change of status that meets something else: one comes first, the other sees it, nothing happens twice."""

from datetime import UTC, datetime, timedelta
from functools import partial

from tests.cast import Desk, soon
from tests.flow.race import together
from tests.flow.test_races import _codes, _is_whole
from tests.flow.test_status import of, suspend
from tests.flow.walk import LATER, POST, holds, kinds, ready, request_of, stands

from changedesk import flow

ROUNDS = 4


def _approve(d: Desk, asked: flow.Receipt, at: datetime) -> flow.Receipt:
    return flow.approve({asked.ref: asked.digest}, actor=d.ines, at=at).one()


def test_a_suspension_and_a_change_come_one_after_the_other(d: Desk) -> None:
    for number in range(ROUNDS):
        eve = d.customer(contact__email=f"eve{number}@old.example")
        change = ready(d, eve, values=POST)
        stop = of(d, eve, "suspend", at=soon(LATER, 4), values={"status.blocks": ["changes"]})
        at = soon(LATER, 5)
        found = together([partial(_approve, d, one, at) for one in (change, stop)])
        assert _codes(found) == []
        assert stands(d, eve).status == "suspended"
        state = request_of(d, change.ref).state.value
        order = [kind for kind in kinds(d, eve) if kind in ("change.applied", "status.changed")]
        if state == "applied":
            assert order == ["change.applied", "status.changed"]
        else:
            assert (state, order) == ("on_hold", ["status.changed"])
            assert holds(d, eve, "contact.postal_address") is None
        _is_whole(d, eve)


def test_of_two_schedules_for_one_instant_each_is_carried_out_once(d: Desk) -> None:
    day = LATER + timedelta(days=3)
    for number in range(ROUNDS):
        eve = d.customer(contact__email=f"eve{number}@old.example")
        asks = [
            partial(of, d, eve, operation, at=LATER, effective_at=day) for operation in ("suspend", "deactivate")
        ]  # fmt: skip
        found = together(asks)
        assert _codes(found) == ["field-taken"]
        won = next(one for one in found if isinstance(one, flow.Receipt))
        lock = of(d, eve, "lock", at=LATER, effective_at=day, reason="security_concern")
        for one in (won, lock):
            if one.state != "scheduled":
                _approve(d, one, soon(LATER))
        together([partial(flow.apply_due, d.client, at=day)] * 3)
        assert kinds(d, eve).count("status.changed") == 2
        assert stands(d, eve).status in ("suspended", "deactivated")
        assert holds(d, eve, "status.change_locked") is True
        _is_whole(d, eve)


def test_a_suspension_that_is_over_is_ended_once_by_however_many_clocks(d: Desk) -> None:
    people = [d.customer(contact__email=f"eve{number}@old.example") for number in range(ROUNDS)]
    for eve in people:
        suspend(d, eve, until="2026-03-10")
    at = datetime(2026, 3, 11, tzinfo=UTC)
    for _ in range(2):
        found = together([partial(flow.make_effective, d.client, at=at)] * 4)
        assert all(isinstance(one, int) for one in found), found
    for eve in people:
        flow.make_effective(d.client, at=at + timedelta(hours=2))
        assert (stands(d, eve).status, kinds(d, eve).count("status.changed")) == ("active", 2)
        _is_whole(d, eve)


def test_an_expiry_and_an_approval_come_one_after_the_other(d: Desk) -> None:
    for number in range(ROUNDS):
        eve = d.customer(contact__email=f"eve{number}@old.example")
        asked = of(d, eve, "suspend", at=LATER)
        late = LATER + timedelta(days=8)
        found = together([partial(flow.expire_due, d.client, at=late), partial(_approve, d, asked, late)])
        state = request_of(d, asked.ref).state.value
        applied = kinds(d, eve).count("status.changed")
        assert (state, applied, stands(d, eve).status) in (("applied", 1, "suspended"), ("expired", 0, "active"))
        assert _codes(found) in ([], ["too-late"])
        assert kinds(d, eve).count("request.expired") == (state == "expired")
        _is_whole(d, eve)
