"""What a rule's scope says of deeds, of exceptions, and of what nobody told."""

from dataclasses import replace

from tests.rules.making import ASK, rule

from changedesk.rules import obligations as duty
from changedesk.rules.policy import Ask, Scope, decide

CLOSING = replace(
    ASK, kind="account_status", categories=frozenset({"status.state", "status.detail"}), operation="close"
)


def level(scope: Scope, ask: Ask) -> int:
    return decide(ask, [rule("R", duty.Verify(level=2), scope=scope)], policy_version=1).level


def test_a_rule_names_a_deed_in_a_word_of_the_taxonomy() -> None:
    close = Scope(categories=frozenset({"status.close"}))
    assert level(close, CLOSING) == 2
    assert level(close, replace(CLOSING, categories=frozenset({"status.close"}), operation="update")) == 2
    assert level(close, replace(CLOSING, operation="suspend")) == 0
    assert level(close, replace(CLOSING, categories=frozenset({"service.plan"}))) == 0


def test_an_exception_holds_only_where_nothing_else_changes() -> None:
    all_but = Scope(categories=frozenset({"*"}), except_categories=frozenset({"status.*"}))
    assert level(all_but, CLOSING) == 0
    assert level(all_but, replace(CLOSING, categories=CLOSING.categories | {"contact.email"})) == 2
    fine = Scope(categories=frozenset({"status.*"}), except_categories=frozenset({"status.state", "status.detail"}))
    assert level(fine, CLOSING) == 0
    assert level(fine, replace(CLOSING, categories=frozenset({"status.locks"}))) == 2


def test_whose_decision_nobody_told_is_the_customers() -> None:
    theirs = Scope(attributes={"initiated_by": "customer"})
    assert level(theirs, CLOSING) == 2
    assert level(theirs, replace(CLOSING, attributes={"initiated_by": "business"})) == 0
    assert level(Scope(attributes={"vulnerable": "false"}), CLOSING) == 2
