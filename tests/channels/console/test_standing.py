"""A customer's page says how they stand, what that stops, and what lifts it."""

from datetime import timedelta

from tests.channels.console.room import Room

from changedesk import flow
from changedesk.base import clock


def test_the_page_of_a_suspended_customer_says_what_is_blocked_and_what_lifts_it(room: Room) -> None:
    subject = room.customer()
    item = flow.RecordedChange(
        subject=subject,
        changes=[
            flow.FieldChange(path="status.state", new="suspended"),
            flow.FieldChange(path="status.change_locked", new=True),
        ],
        reason="payment_default",
    )
    assert flow.record_changes([item], actor=room.desk.crm, at=clock.now() - timedelta(hours=1)).done
    page = room.get("Ben", f"customers/{subject}").content.decode()
    card = page.partition('id="status"')[2].partition("</section>")[0]
    for words in ("Suspended", "Lift the suspension", "Locked against changes", "Unlock", "Plan", "Payment default"):
        assert words in card, words
