"""Broken glass is heard at once by open pages of who may review it, and by nobody else."""

from datetime import timedelta
from uuid import UUID

from tests.channels.live.listening import Live, Stream

from changedesk import flow, outbound
from changedesk.base import clock
from changedesk.base.actor import Actor
from changedesk.reading import live as reading
from changedesk.store import settings_read


def broken(live: Live, actor: Actor) -> UUID:
    return flow.break_glass(
        level=2, minutes=5, reason="emergency", reference="INC-1", actor=actor, at=clock.now() - timedelta(seconds=1)
    ).id  # fmt: skip


def names(stream: Stream) -> list[str]:
    return [one.name for one in stream.heard]


def test_open_pages_of_who_may_review_it_hear_that_the_glass_was_broken(live: Live) -> None:
    desk = live.room.desk
    ines = settings_read.person_by_email(live.room.signs["Ines"].email)
    assert ines is not None
    own = Actor(desk.client, desk.ines.type, f"s{ines.id}", desk.ines.channel, "test", roles=desk.ines.roles)
    live.room.asked()
    outbound.sequence(desk.client)
    before = reading.size(desk.client) - 1
    with live.listen("Petra") as petra, live.listen("Ben") as ben, live.listen("Ines") as mine:
        made = broken(live, own)
        flow.review_break_glass(made, verdict="justified", actor=desk.omar, at=clock.now())
        live.room.asked()
        outbound.sequence(desk.client)
        last = reading.size(desk.client) - 1
        for stream in (petra, ben, mine):
            stream.until(last)
        (heard,) = [one for one in petra.heard if one.name == "glass"]
        assert heard.data == {"index": heard.id}  # it says that, and not who or why
        assert "glass" not in names(ben) + names(mine)
        assert not {one.data["kind"] for one in ben.heard if one.name == "change"} & {"glass.broken", "glass.reviewed"}
    # Who was away a moment hears of it when they are back, and who may not know still does not.
    with live.listen("Petra", after=before) as petra, live.listen("Ben", after=before) as ben:
        petra.until(last)
        ben.until(last)
        assert ("glass" in names(petra), "glass" in names(ben)) == (True, False)
