"""Certificates of erasure on the desk: who is offered them, and what they say."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.cast import SECRET, START
from tests.channels.console.room import Room
from tests.flow.join import merged_now
from tests.flow.test_forget import begun
from tests.flow.walk import LATER

from changedesk import flow
from changedesk.base import clock
from changedesk.store import forget, subjects
from changedesk.store.begin import begin
from changedesk.store.tx import look


@pytest.fixture(autouse=True)
def journal(settings: Any, tmp_path: Path) -> None:
    settings.CHANGEDESK_ERASURE_JOURNAL = tmp_path / "erasures.jsonl"


def test_a_certificate_says_what_went_and_that_no_value_is_left(room: Room) -> None:
    assert "Nothing was erased yet" in room.get("Ines", "erasures").content.decode()
    dana = room.customer()
    at = clock.now() + timedelta(days=365 * 9)
    closed = flow.FieldChange(path="status.state", new="closed")
    flow.record_changes(
        [flow.RecordedChange(subject=dana, changes=[closed])], actor=room.desk.crm, at=clock.now()
    ).one()
    while flow.retire_due(room.desk.client, at=at.replace(hour=9)):
        pass
    assert flow.forget_on(room.desk.client, at=at) == 1
    with look(room.desk.client) as seen:
        (job,) = forget.of_subject(seen, dana)
    listed = room.get("Ines", "erasures").content.decode()
    assert f"/erasures/{job.id}" in listed
    assert "No rule kept it any more" in listed
    page = room.get("Otto", f"erasures/{job.id}").content.decode()
    for word in ("Everything was erased", "What the law keeps", "Mobile phone"):
        assert word in page
    assert "Dana" not in page
    assert "This customer was erased" in room.get("Ines", f"customers/{dana}").content.decode()
    assert room.get("Ines", f"erasures/{uuid4()}").status_code == 404


def test_an_account_that_only_they_hold_is_named_before_anything_is_asked(room: Room) -> None:
    new = flow.NewCustomer(values={"personal.name": "Dana Novak"}, accounts=[flow.NewAccount("ACC-1")])
    made = flow.create_customers([new], actor=room.desk.crm, at=clock.now() - timedelta(days=9)).one()
    page = room.get("Ben", f"customers/{made.subject}/erase").content.decode()
    assert f"/accounts/{made.accounts[0]}" in page
    assert "close it, transfer it, or have it erased first" in page
    assert "Ask for the erasure" not in page
    answer = room.post("Ben", f"customers/{made.subject}/erase", channel="phone", submission="a")
    assert answer.status_code == 409
    assert "alone holds accounts" in answer.content.decode()


def test_merged_records_and_accounts_stand_on_the_certificate(room: Room) -> None:
    d = room.desk
    new = flow.NewCustomer(
        values={
            "personal.name": "Dana Novak", "contact.phone_mobile": "+1 202 555 0143", "contact.email": "d@old.example"
        },
        accounts=[flow.NewAccount("ACC-1")],
    )  # fmt: skip
    made = flow.create_customers([new], actor=d.crm, at=START).one()
    flow.bind_factor(made.subject, SECRET, actor=d.crm, at=START)
    dana, (account,) = made.subject, made.accounts
    one = d.customer(contact__email="dana1@old.example", contact__phone_mobile="+1 202 555 0151")
    merged_now(d, one, dana)
    page = room.get("Ben", f"customers/{one}/erase").content.decode()
    for word in ("Records that were merged into it", one.hex[-8:], f"/accounts/{account}/transfer", "Close it"):
        assert word in page
    with begin(d.crm) as tx:
        other = d.customer(contact__email="eve@old.example")
        subjects.hold_accounts(tx, [subjects.Holding(account, other, "member", START, None)])
    due = begun(d, dana, LATER + timedelta(days=9))
    assert flow.forget_on(d.client, at=due + timedelta(days=1)) == 2
    with look(d.client) as seen:
        (job,), (beside,) = forget.of_subject(seen, dana), forget.of_subject(seen, one)
    page = room.get("Otto", f"erasures/{job.id}").content.decode()
    for word in (f"/erasures/{beside.id}", account.hex[-8:], "It stayed: somebody else held it, too."):
        assert word in page
    assert f"/erasures/{job.id}" in room.get("Otto", f"erasures/{beside.id}").content.decode()
