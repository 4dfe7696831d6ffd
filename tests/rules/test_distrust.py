"""A SIM that was changed a moment ago proves nothing of whoever holds it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from tests.rules.making import rule
from tests.rules.values.ask import field

from changedesk.rules import obligations as duty
from changedesk.rules.distrust import CAME_ALONG, asks_of_held, bound_lately, changes_of, distrusted, too_new
from changedesk.rules.fields import Catalogue, FieldType
from changedesk.rules.policy import Rule, Scope

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SIM = field(FieldType.TEXT, path="service.sim", category="auth.sim")
CARD = field(FieldType.TEXT, path="service.card", category="auth.sim")
NAME = field(FieldType.NAME, path="personal.name", category="personal.name")
CATALOGUE = Catalogue.of([SIM, CARD, NAME])
DAY = {"held.auth.sim": 86_400}
NO_SMS = duty.Verify(level=2, forbid=frozenset({"code_sms"}))


def swapped(**scope: object) -> Rule:
    return rule("SIM-SWAP", NO_SMS, scope=Scope(**{"changed_within": DAY, **scope}))  # type: ignore[arg-type]


def proves_nothing(*rules: Rule, ago: timedelta = timedelta(hours=1), path: str = "service.sim") -> frozenset[str]:
    return distrusted(
        rules, CATALOGUE, lambda: {path: NOW - ago}, industries=["telecom"], jurisdictions=["us"], at=NOW
    )  # fmt: skip


def test_a_code_by_text_proves_nothing_for_a_day_after_the_sim_was_changed() -> None:
    assert proves_nothing(swapped()) == {"code_sms"}
    assert proves_nothing(swapped(), ago=timedelta(days=1, seconds=-1)) == {"code_sms"}
    assert proves_nothing(swapped(), ago=timedelta(days=1)) == frozenset()
    assert proves_nothing(swapped(), path="personal.name") == frozenset()
    assert proves_nothing(swapped(), path="service.unknown") == frozenset()


@pytest.mark.parametrize(
    ("scope", "applies"),
    [
        ({"industries": frozenset({"telecom"})}, True),
        ({"industries": frozenset({"bank"})}, False),
        ({"jurisdictions": frozenset({"us"})}, True),
        ({"jurisdictions": frozenset({"de"})}, False),
        ({"categories": frozenset({"contact.*"})}, False),
        ({"channels": frozenset({"system"})}, True),
        ({"actors": frozenset({"automation"})}, True),
        ({"channels": frozenset({"phone"})}, False),
        ({"actors": frozenset({"staff"})}, False),
    ],
)
def test_only_a_rule_for_this_client_that_is_about_no_single_change_counts(
    scope: dict[str, object],
    applies: bool,  # noqa: FBT001 - the expectation
) -> None:
    assert proves_nothing(swapped(**scope)) == ({"code_sms"} if applies else frozenset())


def test_a_rule_of_other_changes_lets_every_method_prove_what_it_proves() -> None:
    always = rule("ALWAYS", duty.Verify(forbid=frozenset({"code_email"})))
    assert proves_nothing(always) == frozenset()
    assert proves_nothing(always, swapped()) == {"code_sms"}


def test_nobodys_history_is_read_where_no_rule_asks_for_it() -> None:
    def never() -> Mapping[str, datetime]:
        raise AssertionError("read")

    own = swapped(changed_within={"auth.sim": 86_400})
    for rules in ([], [own], [swapped(categories=frozenset({"*"}))]):
        assert distrusted(rules, CATALOGUE, never, industries=[], jurisdictions=[], at=NOW) == frozenset()
    assert asks_of_held([own, swapped()])
    assert not asks_of_held([own])


def test_of_several_fields_of_a_category_the_newest_change_is_told() -> None:
    older, newer = NOW - timedelta(days=2), NOW - timedelta(days=1)
    told = {"service.sim": newer, "service.card": older, "personal.name": older, "gone": NOW}
    assert changes_of(CATALOGUE, told) == {
        "last_changed.auth.sim": newer.isoformat(), "last_changed.personal.name": older.isoformat(),
    }  # fmt: skip
    assert changes_of(CATALOGUE, dict(reversed(told.items()))) == changes_of(CATALOGUE, told)
    assert changes_of(CATALOGUE, {"service.sim": newer}, "held.") == {"last_changed.held.auth.sim": newer.isoformat()}


NO_APP = duty.Verify(forbid=frozenset({"totp"}))
TWELVE = {"auth.mfa": 43_200}
RISKY = frozenset({"contact.email", "payment.*"})


def new_app(
    *rules: Rule, ago: timedelta | None = timedelta(hours=1), categories: frozenset[str] | None = frozenset()
) -> frozenset[str]:
    bound = None if ago is None else NOW - ago
    return too_new(rules, bound, categories, industries=["telecom"], jurisdictions=["us"], at=NOW)


def test_a_new_authenticator_proves_nothing_of_what_the_rule_is_about() -> None:
    young = rule("NEW-APP", NO_APP, scope=Scope(changed_within=TWELVE, categories=RISKY))
    for asked in (frozenset({"contact.email", "contact.url"}), frozenset({"payment.bank"})):
        assert new_app(young, categories=asked) == {"totp"}
        assert new_app(young, categories=asked, ago=timedelta(hours=12)) == frozenset()
        assert new_app(young, categories=asked, ago=None) == frozenset()
    assert new_app(young, categories=frozenset({"contact.url"})) == frozenset()
    assert new_app(young, categories=frozenset()) == frozenset()


def test_of_a_caller_nobody_knows_what_they_ask_for_so_every_limit_holds() -> None:
    limited = Scope(
        changed_within=TWELVE, categories=RISKY, kinds=frozenset({"merge"}), operations=frozenset({"update"})
    )
    assert new_app(rule("NEW-APP", NO_APP, scope=limited), categories=None) == {"totp"}
    elsewhere = Scope(changed_within=TWELVE, industries=frozenset({"bank"}))
    assert new_app(rule("NEW-APP", NO_APP, scope=elsewhere), categories=None) == frozenset()


def test_rules_of_other_changes_say_nothing_of_an_authenticator() -> None:
    always = rule("ALWAYS", duty.Verify(forbid=frozenset({"code_email"})))
    assert new_app(always, swapped(), categories=None) == frozenset()


def test_an_authenticator_is_new_unless_it_came_with_the_customer() -> None:
    after = NOW + CAME_ALONG + timedelta(seconds=1)
    assert bound_lately(NOW, []) is None
    assert bound_lately(NOW, [NOW, NOW + CAME_ALONG]) is None
    assert bound_lately(NOW, [NOW, after, NOW + CAME_ALONG]) == after
    assert bound_lately(NOW, [after, after + CAME_ALONG]) == after + CAME_ALONG
