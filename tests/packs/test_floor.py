"""What the floor asks, by the table that every client gets; test_matrix.py proves that nobody gets less."""

import itertools

import pytest
from tests.packs.asking import BANKING, TELECOM, route, told

from changedesk.base.actor import ActorType, Channel
from changedesk.packs import load
from changedesk.rules.policy import as_strict_as
from changedesk.rules.term import Term

EVERYWHERE = frozenset({"US", "US-CA", "US-NY", "EU", "DE", "GB", "IN", "SG", "AU", "BR", "CA", "PH"})
CATEGORIES = sorted({field.category for field in load([*TELECOM, *BANKING]).catalogue})


def expected(category: str) -> int:
    table = {
        "contact.email": 3,
        "contact.phone": 3,
        "contact.postal": 2,
        "payment.bank": 3,
        "personal.gov_id": 4,
        "personal.dob": 4,
    }
    return table.get(category, 1)


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_floor_table_by_category(category: str) -> None:
    for channel, attended in itertools.product(Channel, (False, True)):
        found = route((), category, channel=channel, attended=attended)
        assert found.level >= expected(category), (category, channel)


def test_e_mail_and_phone() -> None:
    for category in ("contact.email", "contact.phone"):
        found = route((), category)
        assert (found.level, found.approvals, found.confirm_new_contacts) == (3, 1, True)
        assert told(found) == {
            ("requested", "prior_contacts", True),
            ("applied", "prior_contacts", True),
            ("applied", "new_contacts", False),
        }
        assert [(set(hold.blocks), hold.seconds) for hold in found.holds] == [
            ({"reset", "payee", "payout", "reissue"}, 86_400)
        ]
        assert found.consent == "change_of_record"
        assert (found.retention_class, found.retention_least) == ("account", Term(7))


def test_an_agent_without_the_customers_second_factor_needs_two_approvers_of_other_teams() -> None:
    one = route((), "contact.email", attributes={"one_factor": "true"})
    none = route((), "contact.email", attributes={"no_factor": "true"})
    assert (one.level, one.approvals, one.separation) == (2, 2, ("maker", "team"))
    assert (none.level, none.approvals, none.separation) == (1, 2, ("maker", "team"))
    alone = route((), "contact.email", attended=False, attributes={"no_factor": "true"})
    assert alone.level == 3


def test_bank_account() -> None:
    found = route((), "payment.bank")
    assert (found.level, found.approvals, found.consent) == (3, 2, "payment_details")
    assert route((), "payment.bank", attended=False).approvals == 0
    assert [(hold.blocks, hold.seconds) for hold in found.holds] == [(("payout",), 86_400)]


def test_identity_needs_dual_control() -> None:
    found = route((), "personal.gov_id")
    assert (found.level, found.approvals, found.separation) == (4, 2, ("maker", "team"))
    assert 86_400 <= found.holds[0].seconds <= 259_200


@pytest.mark.parametrize("packs", [(), TELECOM, BANKING])
def test_opting_out_is_never_harder_than_opting_in(packs: tuple[str, ...]) -> None:
    for channel, actor, attended in itertools.product(Channel, ActorType, (False, True)):
        out, into = (
            route(
                packs,
                "pref.marketing",
                kind="marketing_preferences",
                channel=channel,
                actor=actor,
                attended=attended,
                jurisdictions=EVERYWHERE,
                attributes={"opts_out": word},
            )
            for word in ("true", "false")
        )
        assert (out.level, out.approvals, out.consent, out.holds) == (0, 0, None, ())
        assert into.consent == "marketing"
        assert as_strict_as(into, out) or into.level >= out.level


def test_the_wait_of_a_transfer_and_of_a_closing_comes_before_the_effect() -> None:
    assert 86_400 <= route((), "access.owner_transfer").wait_seconds <= 259_200
    assert 7 * 86_400 <= route((), "status.close").wait_seconds <= 30 * 86_400


def test_a_safe_contact_is_told_nothing_at_the_known_addresses() -> None:
    found = route(TELECOM, "contact.email", attributes={"safe_contact": "true"})
    assert told(found) == {("applied", "new_contacts", False)}
    assert found.human_review
    assert {to for to, _ in found.suppressed} == {"prior_contacts", "all_contacts"}


def test_singapore_banks_hold_and_ask_once_more() -> None:
    found = route(BANKING, "contact.phone", jurisdictions=frozenset({"SG"}))
    assert found.consent == "significant_change"
    assert ("requested", "prior_contacts", True) in told(found)


def test_europes_banks_want_two_factors_even_with_an_agent_and_one_factor() -> None:
    found = route(BANKING, "contact.email", jurisdictions=frozenset({"EU"}), attributes={"one_factor": "true"})
    assert (found.level, found.approvals) == (3, 2)


def test_a_card_is_shown_by_its_last_four() -> None:
    assert ("payment.card", "last4") in route(BANKING, "payment.card").masks
