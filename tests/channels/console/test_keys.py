"""The page of keys: how far a renewal is, in numbers that reach zero, and who may begin one."""

from datetime import timedelta

from tests.channels.console.room import Room

from changedesk.base import clock
from changedesk.flow import rotating


def test_a_renewal_is_begun_on_the_page_and_seen_to_its_end(room: Room) -> None:
    room.customer()
    assert "Renewals" not in room.get("Ada", "system/keys").content.decode()
    begun = room.post("Ada", "system/keys", purpose="blind")
    assert begun.status_code == 303
    page = room.get("Ada", "system/keys").content.decode()
    assert "Every process gets to know the new key" in page
    assert page.count("Renew this key") == 1  # the other key
    again = room.post("Ada", "system/keys", purpose="blind")
    assert again.status_code == 409
    assert "being renewed already" in again.content.decode()
    at = clock.now()
    for _ in range(8):
        at += timedelta(seconds=30)
        rotating.renew_on(room.desk.client, at=at)
    done = room.get("Otto", "system/keys").content.decode()
    assert "Done: nothing stands under the old key" in done
    assert '<td class="end">0</td>' in done
    assert "Renew this key" not in done  # whoever audits looks only
    assert "file:1" in done


def test_only_who_may_begins_a_renewal(room: Room) -> None:
    assert room.post("Otto", "system/keys", purpose="kek").status_code == 403
    assert room.get("Ben", "system/keys").status_code == 403
    assert room.post("Ada", "system/keys", purpose="everything").status_code == 404
