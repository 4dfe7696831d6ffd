"""What policy is told of the customer is read from the record, never taken from the asker."""

from datetime import UTC, date, datetime

import pytest
from tests.cast import desk
from tests.flow.walk import LATER, holds, record, wish
from tests.postgres import Database

from changedesk import flow
from changedesk.flow.circumstances import years_between
from changedesk.kinds import ManyBad


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


def test_a_newborn_is_a_customer_from_the_day_of_birth_where_the_client_is(database: Database) -> None:
    """Ten in the evening of the 2nd in UTC is the 3rd in Berlin: born on the 3rd is today, on the 4th is tomorrow."""
    d = desk(packs=("healthcare",), jurisdictions=("EU",), time_zone="Europe/Berlin")
    late = datetime(2026, 6, 2, 22, 30, tzinfo=UTC)
    born = d.customer(at=late, personal__birth_date="2026-06-03")
    assert holds(d, born, "personal.birth_date") == "2026-06-03"
    with pytest.raises(ManyBad):
        d.customer(at=late, personal__birth_date="2026-06-04")
    dana = d.customer()
    asked = {"personal.birth_date": "2026-06-03"}
    plan = flow.preview(wish(dana, asked, kind="personal_details"), actor=d.ben, at=late)
    assert plan.after == asked
    with pytest.raises(ManyBad):
        flow.preview(wish(dana, {"personal.birth_date": "2026-06-04"}, kind="personal_details"), actor=d.ben, at=late)
    record(d, dana, asked, at=late)
    with pytest.raises(ManyBad):
        record(d, dana, {"personal.birth_date": "2026-06-04"}, at=late)
