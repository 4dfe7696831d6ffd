"""What no page of ours sends is an error of its sender: refused, never a fault of the desk."""

from tests.channels.console.room import Room

from changedesk.store import settings_read
from changedesk.store.models import settings as tables


def test_days_at_the_ends_of_the_calendar_are_days_like_others_or_none(room: Room) -> None:
    dana, asked = room.customer(), room.asked()
    for zone in ("America/New_York", "Asia/Tokyo"):
        with settings_read.borrowed():
            tables.Client.objects.update(time_zone=zone)
        settings_read.forget()
        for day in ("0001-01-01", "9999-12-31", "9999-12-30"):
            for page in (
                f"audit/readers?since={day}&until={day}",
                f"audit/access?since={day}T00:00&until={day}T23:59",
                f"customers/{dana}/as-of?known_at={day}T00:00&valid_at={day}T23:59",
            ):
                assert room.get("Otto", page).status_code in {200, 422}, (zone, page)
            for path, form in (
                ("reversals", {"whose": "s1", "since": f"{day}T00:00", "until": f"{day}T23:59"}),
                (f"privacy/new/{dana}", {"right": "access", "received_at": f"{day}T00:00"}),
                (f"changes/{asked.ref}", {"action": "reschedule", "effective_at": day, "version": str(asked.version)}),
                (f"customers/{dana}/changes/new", {"kind": "contact_details", "effective_at": day}),
            ):
                assert room.post("Ines" if "changes" in path else "Petra", path, **form).status_code in {
                    200,
                    303,
                    403,
                    404,
                    422,
                }, (zone, path, day)


def test_a_way_that_a_page_does_not_offer_is_taken_as_the_first_one(room: Room) -> None:
    assert room.post("Petra", f"privacy/new/{room.customer()}", right="access", channel="pigeon").status_code == 303


def test_a_nul_is_in_no_field_of_ours(room: Room) -> None:
    dana = room.customer()
    for name in ("field", "channel", "actor"):
        assert room.get("Ines", f"customers/{dana}?{name}=%00").status_code == 404
    assert room.post("Ines", f"customers/{dana}/changes/new", kind="contact_details", note="a\x00b").status_code == 404


def test_what_is_no_digest_and_no_number_is_said_to_be_none(room: Room) -> None:
    asked = room.asked()
    form = {"statement": "change_of_record", "language": "en", "way": "read_aloud", "statement_version": "9" * 5000}
    odd = room.post("Ines", f"changes/{asked.ref}/consent", digest="é", statement_digest="é", **form)
    same = room.post("Ines", f"changes/{asked.ref}/consent", digest=asked.digest, statement_digest="é", **form)
    assert {odd.status_code, same.status_code} <= {409, 412, 422}
    assert room.post("Ada", "policies", reveals_an_hour="9" * 5000).status_code == 422
