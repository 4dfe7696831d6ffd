"""What was sent leads on only where whoever looks at it may go."""

from tests.channels.console.room import Room


def test_the_outbox_leads_only_where_its_reader_may_go(room: Room) -> None:
    asked = room.waiting()
    at_the_desk, in_charge = (room.get(name, "outbox").content.decode() for name in ("Ines", "Ada"))
    assert f"/customers/{asked.subject}" in at_the_desk
    assert f"/changes/{asked.ref}" in at_the_desk
    assert asked.ref in in_charge
    assert "/customers/" not in in_charge
    assert "/changes/" not in in_charge
