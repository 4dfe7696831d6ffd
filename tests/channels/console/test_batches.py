"""The pages of batches: who sees them, and the approval of the whole."""

import re
from uuid import uuid4

from tests.channels.console.room import Room

from changedesk import flow
from changedesk.base import clock
from changedesk.kinds import Edit


def entered(room: Room) -> tuple[str, str]:
    """A batch of one loyalty membership, which the business decides; its id and its request."""
    actor, at = room.actor("Ben"), clock.now()
    batch = flow.start_batch("a-map", bytes(32), actor=actor, at=at)
    asked = [
        flow.Asked(
            number=2, subject=room.customer(), kind="loyalty", values={"loyalty.number": (Edit("replace", ("L-100",)),)}
        ),
        flow.Asked(number=3),
    ]
    terms = flow.Terms(reason="correction_of_error", initiated_by="business")
    became = flow.enter_rows(batch.id, asked, terms, actor=actor, at=at)
    assert became[0].row.state == "awaiting_approval", became
    return str(batch.id), became[0].row.ref


def test_a_batch_is_approved_on_its_page_by_who_may(room: Room) -> None:
    batch, ref = entered(room)
    page = f"batches/{batch}"
    assert "ended from outside" in room.get("Ines", page).content.decode()
    assert "Not finished" in room.get("Ines", "batches").content.decode()
    flow.finish_batch(flow.start_batch("a-map", bytes(32), actor=room.actor("Ben"), at=clock.now()).id,
                      actor=room.actor("Ben"), at=clock.now())  # fmt: skip
    assert "/batches" not in room.get("Ben", "queue").content.decode()
    assert room.get("Ben", page).status_code == 403
    shown = room.get("Ines", page).content.decode()
    assert "L-100" in shown
    assert "customer unknown" in shown
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', shown)
    assert digest
    assert 'name="message"' not in room.get("Otto", page).content.decode()
    assert room.post("Ines", page, digest="00" * 32).status_code == 412
    assert room.post("Ben", page, digest=digest[1]).status_code == 403
    assert room.state(ref) == "awaiting_approval"
    assert room.post("Ines", page, digest=digest[1], message="As agreed").status_code == 303
    assert room.state(ref) == "applied"
    assert "Left behind: 0" in room.get("Ines", page).content.decode()
    assert room.get("Ines", f"batches/{uuid4()}").status_code == 404


def test_there_may_be_no_batch_yet(room: Room) -> None:
    assert "No file of requests yet" in room.get("Ines", "batches").content.decode()
    assert room.get("Ines", "batches?before=nonsense").status_code in (400, 422)
