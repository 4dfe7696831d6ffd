"""Case 19 through the whole desk: an agent's change of a Marketplace plan, without and with the customer's consent."""

import pytest
from tests.cast import Desk, desk, soon
from tests.flow.walk import LATER, agree, ask, prove, request_of
from tests.postgres import Database

from changedesk import flow
from changedesk.base.refusal import Refusal
from changedesk.reading.request import request as read_request


@pytest.fixture
def d(database: Database) -> Desk:
    return desk("sequoia", packs=("healthcare",))


def test_case_19_without_the_recorded_consent_nobody_can_apply_it_and_with_it_the_record_stays_ten_years(
    d: Desk,
) -> None:
    dana = d.customer(coverage__marketplace_plan="bronze")
    asked = ask(d, dana, {"coverage.marketplace_plan": "gold"}, kind="plan", reason="open_enrolment", at=LATER)
    proved = prove(d, asked, LATER)
    assert proved.state == "awaiting_consent"
    with pytest.raises(Refusal) as refusal:
        flow.apply_now(asked.ref, seen_version=None, actor=d.ines, at=LATER)
    assert refusal.value.code == "too-late"
    assert flow.approve({asked.ref: proved.digest}, actor=d.ines, at=LATER).refused
    assert request_of(d, asked.ref).state == "awaiting_consent"
    wanted = read_request(asked.ref, actor=d.ben, at=LATER, language="en").consent_asked
    assert wanted is not None
    assert wanted.statement == "marketplace_assistance"
    agree(d, asked, soon(LATER, 2))
    done = request_of(d, asked.ref)
    assert done.state == "applied"
    assert (done.route["retention_class"], done.route["retention_least"]) == ("marketplace_consent", [10, 0, 0])
