"""What policy is told of the customer is read from the record, never taken from the asker."""

from datetime import date

import pytest
from tests.cast import desk
from tests.flow.walk import LATER, wish
from tests.postgres import Database

from changedesk import flow
from changedesk.flow.circumstances import years_between


def test_for_a_child_a_parent_agrees(database: Database) -> None:
    d = desk(jurisdictions=("EU",))
    for birthday, statement in (("2012-06-01", "parental_authorisation"), ("1980-06-01", "marketing")):
        child = flow.create_customers(
            [flow.NewCustomer(values={"personal.name": "Kim", "personal.birth_date": birthday})], actor=d.crm, at=LATER
        ).one()
        asked = wish(child.subject, kind="marketing_preferences", values={"pref.marketing_email": True})
        assert flow.preview(asked, actor=d.ben, at=LATER).route.consent == statement


@pytest.mark.parametrize(
    ("born", "day", "years"),
    [
        (date(2010, 3, 1), date(2026, 2, 28), 15),
        (date(2010, 3, 1), date(2026, 3, 1), 16),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
    ],
)
def test_a_birthday_counts_from_the_day_itself(born: date, day: date, years: int) -> None:
    assert years_between(born, day) == years
