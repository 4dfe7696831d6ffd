"""Files that are sent from a page: looked at first, then entered or taken in behind it."""

import re
from io import BytesIO
from typing import Any

import openpyxl
import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.channels.console.room import Room
from tests.postgres import Database

from changedesk import flow
from changedesk.base import clock
from changedesk.channels.bulk import handed, received
from changedesk.channels.console.errors import status_of
from changedesk.channels.console.views import files
from changedesk.reading import batches, imports
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.store import batches as stored
from changedesk.store.tx import look

CUSTOMERS = b"""
rows = "customers"
source = "shop"
key = "id"
ignore = ["remark"]
[fields]
"personal.name" = { columns = ["name"], required = true }
"contact.email" = "mail"
"""
PEOPLE = (
    b"id,name,mail,remark,new\n"
    b"1,Aya Haddad,aya@old.example,x,y\n2,Jon Berg,not-an-address,x,y\n3,,mia@old.example,x,y\n"
)
REQUESTS = b"""
source = "shop"
key = "id"
reason = "correction_of_error"
initiated_by = "business"
bare = "replace"
[fields]
number = "loyalty.number"
"""
NUMBERS = b"id,number\n1,L-100\n7,L-700\n"
LOYALTY = {"map": "requests/", "map_file": ("loyalty numbers.toml", REQUESTS), "file": ("numbers.csv", NUMBERS)}
SHOP = {"map": "customers/", "map_file": ("shop.toml", CUSTOMERS), "file": ("people.csv", PEOPLE)}


def send(room: Room, name: str, form: dict[str, Any], **more: str) -> Any:
    parts = {key: SimpleUploadedFile(*one) if isinstance(one, tuple) else one for key, one in form.items()}
    return room.post(name, "files", **parts, **more)


def mark(answer: Any) -> str:
    found = re.search(r'name="looked" value="([0-9a-f]{64})"', answer.content.decode())
    assert answer.status_code == 200, answer.content
    return found[1] if found else ""


def start(room: Room, name: str, form: dict[str, Any]) -> str:
    """Look at a file, start with it, and let the worker take it in; the page that it leads to."""
    page = hand(room, name, form)
    while take(room):
        pass
    return page


def take(room: Room) -> int:
    """What the worker does in one turn; how many parts it took in."""
    return handed.take_on(room.desk.client, at=clock.now())


def hand(room: Room, name: str, form: dict[str, Any]) -> str:
    answer = send(room, name, form, do="start", looked=mark(send(room, name, form)))
    assert answer.status_code == 303, answer.content
    return str(answer["Location"]).removeprefix("/c/aurora/")


def counts(text: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>([^<]+)</dt><dd class=\"value\">([^<]+)</dd>", text))


def test_customers_are_looked_at_and_then_taken_in(room: Room) -> None:
    shown = send(room, "Ines", SHOP).content.decode()
    assert counts(shown) == {"Rows read": "3", "Would go in": "2", "Would go in, with a remark": "1", "Refused": "1"}
    assert "field empty" in shown
    assert "Columns that the map does not read: new" in shown
    assert "aya@old.example" not in shown
    assert imports.runs(actor=room.actor("Ines")).items == ()
    page = room.get("Ines", start(room, "Ines", SHOP)).content.decode()
    assert counts(page)["Taken in"] == "2"
    assert "hx-get" not in page
    again = room.get("Ines", start(room, "Ines", SHOP)).content.decode()
    assert counts(again)["Known already, unchanged"] == "2"


def test_requests_are_looked_at_and_entered_as_a_batch_that_another_person_approves(room: Room) -> None:
    start(room, "Ines", SHOP)
    shown = send(room, "Petra", LOYALTY).content.decode()
    assert counts(shown) == {"Rows read": "2", "Would go in": "1", "Refused": "1"}
    assert "What policy asks" in shown
    assert "customer unknown" in shown
    assert batches.batches(actor=room.actor("Petra")).items == ()
    page = start(room, "Petra", LOYALTY)
    assert batches.batches(actor=room.actor("Petra")).items[0].map == "loyalty-numbers"
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', room.get("Ines", page).content.decode())
    assert digest
    assert room.post("Ines", page, digest=digest[1]).status_code == 303
    assert "Nothing new would go in" in send(room, "Petra", LOYALTY).content.decode()
    assert start(room, "Petra", LOYALTY) == page
    assert not mark(send(room, "Petra", {**LOYALTY, "file": ("numbers.csv", b"id,number\n")}))


def test_only_what_was_looked_at_is_started_with(room: Room) -> None:
    seen = mark(send(room, "Ines", SHOP))
    other = {**SHOP, "file": ("people.csv", PEOPLE + b"4,Eve Stone,eve@old.example,x,y\n")}
    assert send(room, "Ines", other, do="start", looked=seen).status_code == 412
    assert "not the file that you looked at" in send(room, "Ines", other, do="start", looked=seen).content.decode()
    assert send(room, "Ines", SHOP, do="start").status_code == status_of(files.FileNotLookedAt())
    assert imports.runs(actor=room.actor("Ines")).items == ()
    assert send(room, "Ines", {"map": "customers/"}).status_code == status_of(files.FileMissing())


def test_a_workbook_is_read_as_well(room: Room) -> None:
    book, kept = openpyxl.Workbook(), BytesIO()
    for row in (["id", "name", "mail", "remark"], ["1", "Aya Haddad", "aya@old.example", ""]):
        book.active.append(row)  # type: ignore[union-attr]  # a new workbook has a sheet
    book.save(kept)
    shown = send(room, "Ines", {**SHOP, "file": ("people.xlsx", kept.getvalue())}).content.decode()
    assert counts(shown)["Would go in"] == "1"


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"map": "customers/", "file": SHOP["file"]}, 422, "No file was chosen"),
        ({"map": SHOP["map"], "map_file": SHOP["map_file"]}, 422, "No file was chosen"),
        ({**SHOP, "map": "customers/nothing-of-ours"}, 404, "no import map by this name"),
        ({**SHOP, "map": "anything/"}, 404, "no import map by this name"),
        ({**SHOP, "map_file": ("shop.toml", b"rows = 3")}, 422, "shop.rows"),
        ({**SHOP, "file": ("people.csv", b"id,name\n1,Aya\n")}, 422, "mail"),
        ({**SHOP, "file": ("people.csv", b"PK\x03\x04 no workbook")}, 422, "This file cannot be read"),
        ({**SHOP, "file": ("people.csv", b"x" * received.BYTES_MOST)}, 413, "larger than this address takes"),
        ({**LOYALTY, "map_file": ("m.toml", REQUESTS.replace(b"loyalty.number", b"no.field"))}, 422, "no.field"),
    ],
)
def test_what_cannot_be_read_is_told_with_what_to_do(room: Room, form: dict[str, Any], status: int, said: str) -> None:
    answer = send(room, "Ines", form)
    assert answer.status_code == status
    assert said in answer.content.decode()


def test_a_file_that_ends_badly_is_not_started_with(room: Room) -> None:
    form = {**SHOP, "file": ("people.csv", PEOPLE + b"4,\0\n")}
    assert not mark(send(room, "Ines", form))
    assert "The file ends early" in send(room, "Ines", form).content.decode()


def test_who_sends_files_sees_the_maps_that_they_may_use(room: Room) -> None:
    assert room.get("Ben", "files").status_code == 403
    assert room.get("Otto", "files").status_code == 403
    petra, ines = (room.get(name, "files").content.decode() for name in ("Petra", "Ines"))
    assert "customers/crm-chinook" in ines
    assert "customers/bank-accounts" not in ines  # it wants a second file beside the first
    assert "customers/" not in petra
    assert "requests/org-change-requests" in petra
    assert send(room, "Petra", SHOP).status_code == 404
    changes = b'rows = "changes"\nsource = "a"\nlog = "b"\nsubject = "customer"\n' + b"".join(
        b'%s = "c"\n' % name.encode() for name in ("customer", "record", "group", "field", "old", "new", "valid_from")
    )
    answer = send(room, "Ines", {**SHOP, "map_file": ("log.toml", changes + b"[fields]\n")})
    assert answer.status_code == 403


def parts_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handed, "BATCH", 2)
    monkeypatch.setattr(handed, "TOGETHER", 2)


MANY = PEOPLE.replace(b"3,", b"\n5,Eve Stone,eve@old.example,x,y\n6,Kim Low,kim@old.example,x,y\n3,")


def test_a_file_waits_for_the_worker_and_goes_on_where_it_was_ended(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts_of_two(monkeypatch)
    page = hand(room, "Ines", {**SHOP, "file": ("people.csv", MANY)})
    shown = room.get("Ines", page).content.decode()
    assert ("Waiting" in shown, "0 of 3" in shown, "hx-get" in shown) == (True, True, True)
    assert imports.runs(actor=room.actor("Ines")).items[0].state == "waiting"
    assert take(room) == 1
    shown = room.get("Ines", page).content.decode()
    assert ("1 of 3" in shown, counts(shown)["Taken in"], counts(shown)["Rows read"]) == (True, "2", "2")

    def killed(*_given: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broke:
        broke.setattr("changedesk.flow.create_customers", killed)
        with pytest.raises(KeyboardInterrupt):  # it had begun with the second part
            take(room)
    assert imports.runs(actor=room.actor("Ines")).items[0].state == "running"
    assert (take(room), take(room), take(room)) == (1, 1, 0)
    shown = room.get("Ines", page).content.decode()
    told = counts(shown)
    assert (told["Rows read"], told["Taken in"], told["Known already, unchanged"]) == ("5", "4", "0")
    assert (told["Refused"], "hx-get" in shown, "Finished" in shown) == ("1", False, True)


def test_a_part_that_went_in_before_the_worker_was_ended_goes_in_once_and_is_told_as_taken_in(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a worker that nobody ended: what the file itself holds twice is known; what a lost turn took in is not."""

    def killed(*_given: object, **_named: object) -> None:
        raise KeyboardInterrupt

    parts_of_two(monkeypatch)
    again = b"2,Jon Berg,not-an-address,x,y\n2,Jon Berg,not-an-address,x,y\n1,Aya Haddad,aya@old.example,x,y\n"
    form = {**SHOP, "file": ("people.csv", PEOPLE + again)}
    other = {**form, "map_file": ("shop.toml", CUSTOMERS.replace(b'"shop"', b'"other"'))}
    whole, ended = start(room, "Ines", form), hand(room, "Ines", other)
    for number in range(3):
        with monkeypatch.context() as broke:
            broke.setattr("changedesk.flow.part_taken", killed)
            with pytest.raises(KeyboardInterrupt):
                take(room)
        assert take(room) == 1, number
    assert take(room) == 0
    first, second = (room.get("Ines", page).content.decode() for page in (whole, ended))
    assert counts(second) == counts(first)
    assert counts(second)["Taken in"] == "2"
    assert counts(second)["Known already, unchanged"] == "3"
    reasons = [re.findall(r"<td>(.*?)<div|<td class=\"end\">([0-9]+)</td>", page) for page in (first, second)]
    assert reasons[0] == reasons[1]
    again_whole = start(room, "Ines", other)
    assert counts(room.get("Ines", again_whole).content.decode())["Known already, unchanged"] == "5"


def test_requests_of_a_file_keep_their_rows_over_its_parts(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    start(room, "Ines", SHOP)
    parts_of_two(monkeypatch)
    form = {**LOYALTY, "file": ("numbers.csv", b"id,number\n7,L-700\n\n8,L-800\n1,L-100\n")}
    page = hand(room, "Petra", form)
    assert hand(room, "Petra", form) == page  # it waits already, once
    assert take(room) == 1
    assert "1 of 2" in room.get("Petra", page).content.decode()
    found = batches.batches(actor=room.actor("Petra")).items[0]
    assert (found.state, found.rows) == ("running", 1)
    assert (take(room), take(room)) == (1, 0)
    with look(room.desk.client) as seen:
        rows = stored.rows(seen, found.id)
    assert [(row.number, row.outcome) for row in rows] == [(2, "refused"), (4, "refused"), (5, "requested")]
    assert batches.batches(actor=room.actor("Petra")).items[0].state == "finished"


def test_what_waits_of_a_file_is_sealed_and_gone_when_it_is_in(room: Room, database: Database) -> None:
    def kept() -> list[bytes]:
        with psycopg.connect(database.admin_url) as connection:
            return [bytes(row[0]) for row in connection.execute("SELECT sealed FROM desk.file_part")]

    hand(room, "Ines", SHOP)
    (sealed,) = kept()
    assert b"Aya Haddad" not in sealed
    part = flow.next_part(room.desk.client)
    assert part is not None
    assert take(room) == 1
    assert kept() == []
    before = imports.run(part.run, actor=room.actor("Ines"))
    flow.part_taken(part, {"rows": 3}, client=room.desk.client, at=clock.now())  # another worker had it too
    assert imports.run(part.run, actor=room.actor("Ines")) == before


def may_no_longer(monkeypatch: pytest.MonkeyPatch, verb: Verb) -> None:
    all_of = access.verbs_of
    monkeypatch.setattr(access, "verbs_of", lambda actor: all_of(actor) - {verb})


def test_a_file_of_somebody_who_may_no_longer_is_left_and_says_so(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    parts_of_two(monkeypatch)
    page = hand(room, "Ines", {**SHOP, "file": ("people.csv", MANY)})
    assert take(room) == 1
    with monkeypatch.context() as left:
        may_no_longer(left, Verb.IMPORT_RUN)
        assert take(room) == 1
    assert take(room) == 0
    shown = room.get("Ines", page).content.decode()
    assert ("The file ended early" in shown, "forbidden" in shown, counts(shown)["Taken in"]) == (True, True, "2")


def test_a_batch_whose_file_is_left_stays_open_for_the_same_file(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    start(room, "Ines", SHOP)
    page = hand(room, "Petra", LOYALTY)
    with monkeypatch.context() as left:
        may_no_longer(left, Verb.REQUEST_SUBMIT)
        assert take(room) == 1
    assert "Give the same file again" in room.get("Ines", page).content.decode()
    assert start(room, "Petra", LOYALTY) == page
    assert "Approve the batch" in room.get("Ines", page).content.decode()
