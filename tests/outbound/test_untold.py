"""What cannot be read holds up nobody else's notices, is seen by who runs the desk, and is told once it is mended."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from tests.outbound.desk import NEW_MAIL, OLD_MAIL, REACH, Desk
from tests.postgres import Database

from changedesk.base.clock import now
from changedesk.outbound.notices import decide, send
from changedesk.outbound.notices.outbox import Outbox
from changedesk.store import keys, settings_read, untold
from changedesk.store.tx import look
from changedesk.store.untold import Untold

OTHER_MAIL = "bob@home.example"
WAYS = {"email": Outbox(), "sms": Outbox(), "portal": Outbox()}


@contextmanager
def behind_the_product(database: Database) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection
    keys.forget()


def standing(desk: Desk) -> Untold | None:
    with look(desk.client) as seen:
        return untold.standing(seen)


def again(desk: Desk, hours: float) -> int:
    return decide.again(desk.client, clock=lambda: now() + timedelta(hours=hours))


def flipped(table: str, column: str) -> str:
    return f"UPDATE desk.{table} SET {column} = set_byte({column}, 40, get_byte({column}, 40) # 1)"


HURT = {
    "its entry": flipped("payload", "meta_ct"),
    "what was asked for": flipped("request", "proposal_ct"),
    "the customer's record": flipped("subject", "state_ct"),
    "the customer's key": "UPDATE desk.subject_key SET client_id = client_id + 1000",
}
MENDED = {"the customer's key": "UPDATE desk.subject_key SET client_id = client_id - 1000"}
OF_REQUESTS = "SELECT id FROM desk.entry WHERE subject_id = %s AND request_id IS NOT NULL"
WHERE = {
    "its entry": f" WHERE entry_id IN ({OF_REQUESTS})",
    "what was asked for": " WHERE subject_id = %s",
    "the customer's record": " WHERE id = %s",
    "the customer's key": " WHERE subject_id = %s",
}


@pytest.mark.parametrize("what", HURT)
def test_one_that_cannot_be_read_keeps_no_other_waiting_and_is_told_once_it_is_mended(
    desk: Desk, database: Database, what: str
) -> None:
    hurt, other = desk.customer({"contact.email": OLD_MAIL}), desk.customer({"contact.email": OTHER_MAIL})
    request = desk.request(hurt, {"contact.email": NEW_MAIL}, notices=REACH)
    desk.request(other, {"contact.email": NEW_MAIL}, notices=REACH)
    with behind_the_product(database) as admin:
        assert admin.execute(HURT[what] + WHERE[what], [hurt]).rowcount == 1
    desk.tell()
    with behind_the_product(database) as admin:  # nothing was sent yet, so nothing of the other one is
        rows = admin.execute("SELECT event, subject_id FROM desk.delivery ORDER BY event").fetchall()
    assert rows == [("received", other), ("security_requested", other)]
    found = standing(desk)
    assert found is not None
    assert (found.entries, desk.place()) == (1, 4)
    assert again(desk, 0) == 0  # not due yet
    assert again(desk, 1) == 0
    assert again(desk, 1) == 0
    assert standing(desk) == found
    with behind_the_product(database) as admin:
        admin.execute(MENDED.get(what, HURT[what]) + WHERE[what], [hurt])
    assert desk.links(request) == []
    assert again(desk, 9) == 1
    assert standing(desk) is None
    assert [item[2] for item in desk.told()] == [OTHER_MAIL, OLD_MAIL, OTHER_MAIL, OLD_MAIL]
    assert len(desk.links(request)) == 1
    assert again(desk, 99) == 0


def test_what_all_notices_need_is_nobodys_damage(desk: Desk, database: Database) -> None:
    desk.request(desk.customer({"contact.email": OLD_MAIL}), {"contact.email": NEW_MAIL}, notices=REACH)
    with behind_the_product(database) as admin:
        admin.execute("UPDATE desk.client_key SET client_id = client_id + 1000 WHERE purpose = 'code'")
    settings_read.forget()
    with pytest.raises(LookupError):
        desk.tell()
    assert (standing(desk), desk.place()) == (None, 0)
    with behind_the_product(database) as admin:
        admin.execute("UPDATE desk.client_key SET client_id = client_id - 1000 WHERE purpose = 'code'")
    desk.tell()
    assert [item[0] for item in desk.told()] == ["received", "security_requested"]


def test_a_message_that_cannot_be_opened_fails_by_itself_and_the_others_go_out(desk: Desk, database: Database) -> None:
    subject = desk.customer({"contact.email": OLD_MAIL})
    hurt, other = (desk.queue(subject, "received", "email", OLD_MAIL) for _ in range(2))
    with behind_the_product(database) as admin:
        flip = (
            "UPDATE desk.delivery SET message_ct = set_byte(message_ct, 40, get_byte(message_ct, 40) # 1) WHERE id = %s"
        )
        admin.execute(flip, [hurt.id])
    assert send.send(desk.client, WAYS) == 2
    assert {item.id: (item.state, item.last_error) for item in desk.all()} == {
        hurt.id: ("failed", "damaged"),
        other.id: ("shown", None),
    }


def test_a_message_to_whose_record_cannot_be_read_goes_out_and_says_so_itself(desk: Desk, database: Database) -> None:
    hurt, other = (desk.customer({"contact.email": mail}) for mail in (OLD_MAIL, OTHER_MAIL))
    for subject in (hurt, other):
        desk.queue(subject, "received", "email", OLD_MAIL)
    with behind_the_product(database) as admin:
        admin.execute(HURT["the customer's record"] + WHERE["the customer's record"], [hurt])
    assert send.send(desk.client, WAYS) == 2
    assert {item.state for item in desk.all()} == {"shown"}
