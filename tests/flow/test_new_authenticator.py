"""Whoever binds an authenticator of their own cannot take the account over with it on the same day."""

from datetime import timedelta

import pyotp
import pytest
from tests.cast import SECRET, Desk, soon
from tests.flow.walk import EMAIL, LATER, POST, ask, record, wish

from changedesk import flow
from changedesk.base.ids import SubjectId
from changedesk.flow.ways import MethodRefused
from changedesk.reading.request import request

OTHER = "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"
COOLING = timedelta(hours=12)
JUST = timedelta(milliseconds=1)


def why_not(d: Desk, dana: SubjectId, at: object, ref: str | None = None) -> str | None:
    """Why the app vouches for nothing, for a caller or for a request; None where it does."""
    ways = flow.offers(dana, ref=ref, actor=d.ben, at=at)  # type: ignore[arg-type]  # a moment
    (found,) = {one.refused_reason for one in ways if one.method == "totp"}
    if ref is not None:
        shown = request(ref, actor=d.ben, at=at, language="en").offers  # type: ignore[arg-type]  # as above
        assert [(one.method, one.path, one.refused or None) for one in shown] == [
            (one.method, one.path, one.refused_reason) for one in ways
        ]
    if found is not None:
        purpose = "change" if ref else "caller"
        with pytest.raises(MethodRefused):
            flow.challenge(dana, purpose=purpose, method="totp", ref=ref, actor=d.ben, at=at)  # type: ignore[arg-type]
    return found


def test_a_new_authenticator_proves_no_change_of_high_risk_for_twelve_hours(d: Desk, dana: SubjectId) -> None:
    before = ask(d, dana, EMAIL, at=soon(LATER, -3))
    light = ask(d, dana, POST, at=soon(LATER, -2))
    assert why_not(d, dana, soon(LATER, -1)) is None
    flow.bind_factor(dana, OTHER, actor=d.crm, at=LATER)
    for moment, reason in (
        (LATER, "changed_lately"),
        (LATER + COOLING - JUST, "changed_lately"),
        (LATER + COOLING, None),
    ):
        assert why_not(d, dana, moment) == reason
        # Also for the request that was there before; not for what asks for one factor.
        assert why_not(d, dana, moment, before.ref) == reason
        assert why_not(d, dana, moment, light.ref) is None
        for values, held_up in ((EMAIL, True), (POST, False)):
            route = flow.preview(wish(dana, values), actor=d.ben, at=moment).route
            assert ("totp" in route.methods_forbidden) is (held_up and reason is not None)
            assert (("FLOOR-NEW-AUTHENTICATOR", 1) in route.rules) is (held_up and reason is not None)


def test_one_that_came_with_the_customer_is_not_new(d: Desk) -> None:
    eve = d.customer(at=LATER, contact__email="eve@old.example")
    assert why_not(d, eve, soon(LATER)) is None
    flow.bind_factor(eve, OTHER, actor=d.crm, at=LATER + timedelta(hours=1))
    assert why_not(d, eve, LATER + timedelta(hours=1)) is None
    flow.bind_factor(eve, OTHER, actor=d.crm, at=LATER + timedelta(hours=1) + JUST)
    assert why_not(d, eve, LATER + timedelta(hours=2)) == "changed_lately"


def test_the_code_of_one_that_was_bound_since_answers_no_challenge(d: Desk, dana: SubjectId) -> None:
    started = flow.challenge(dana, purpose="caller", method="totp", actor=d.ben, at=LATER)
    flow.bind_factor(dana, OTHER, actor=d.crm, at=soon(LATER))
    at = soon(LATER, 2)
    assert not flow.confirm(started.id, pyotp.TOTP(OTHER).at(at), actor=d.ben, at=at).matched
    assert flow.confirm(started.id, pyotp.TOTP(SECRET).at(at), actor=d.ben, at=at).matched


def test_who_has_nothing_beside_a_new_one_is_asked_as_if_it_were_not_there(d: Desk) -> None:
    made = flow.create_customers(
        [flow.NewCustomer(values={"personal.name": "Eve", "contact.email": "eve@old.example"})],
        actor=d.crm, at=LATER - timedelta(days=9),
    ).one()  # fmt: skip
    wanted = wish(made.subject, {"contact.phone_mobile": "+1 202 555 0188"})

    def asked(after: timedelta) -> tuple[int, int]:
        route = flow.preview(wanted, actor=d.ben, at=LATER + after).route
        return route.level, route.approvals

    assert asked(timedelta(0)) == (2, 2)
    flow.bind_factor(made.subject, OTHER, actor=d.crm, at=LATER)
    assert asked(JUST) == (2, 2)
    assert asked(COOLING) == (3, 1)


def test_a_second_factor_that_another_system_says_was_set_up_counts_as_new_too(d: Desk, dana: SubjectId) -> None:
    flow.bind_factor(dana, OTHER, actor=d.crm, at=LATER - COOLING)
    record(d, dana, {"security.mfa": "on"}, at=LATER - timedelta(hours=1))
    assert "totp" in flow.preview(wish(dana), actor=d.ben, at=LATER).route.methods_forbidden
