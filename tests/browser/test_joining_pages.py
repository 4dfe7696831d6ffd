"""Duplicates and merges of accounts as people see them: axe and the browser complain of nothing."""

import pytest
from tests.browser.stage import Stage, ago
from tests.browser.test_pages import pictures

from changedesk import flow
from changedesk.base.actor import Channel

pytestmark = pytest.mark.browser


def test_the_pages_of_two_accounts_that_are_one_have_nothing_to_complain_of(stage: Stage) -> None:
    new = flow.NewCustomer(
        values={"personal.name": "Dana Novak", "contact.email": "dana@old.example"},
        accounts=[flow.NewAccount(number) for number in ("ACC-1", "ACC-2")],
    )
    one, other = flow.create_customers([new], actor=stage.desk.crm, at=ago(days=90)).one().accounts
    wish = flow.Wish(subject=other, kind="account_status", values={}, operation="deactivate",
                     reason="customer_request", channel=Channel.PHONE)  # fmt: skip
    flow.submit([wish], actor=stage.desk.ben, at=ago(minutes=9)).one()
    pages = {
        "account-duplicates": f"accounts/{one}/duplicates",
        "account-merge": f"accounts/{other}/merge-into/{one}",
    }
    found: list[str] = []
    pictures(stage, "Ben", pages, found)
    assert found == []
