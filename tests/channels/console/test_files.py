"""Files that are sent from a page: looked at first, then entered or taken in behind it."""

import re
import threading
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.channels.console.room import Room

from changedesk.channels.bulk import received
from changedesk.channels.console.errors import status_of
from changedesk.channels.console.views import files
from changedesk.reading import batches, imports

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
    """Look at a file, start with it, and wait for its end; the page that it leads to."""
    answer = send(room, name, form, do="start", looked=mark(send(room, name, form)))
    assert answer.status_code == 303, answer.content
    for one in threading.enumerate():
        if one.name == received.BEHIND:
            one.join(60)
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


def test_a_file_that_fails_behind_the_page_leaves_a_run_that_can_be_given_again(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object, **_named: object) -> None:
        raise OSError("Aya Haddad")

    told: list[str] = []
    with monkeypatch.context() as broke:
        broke.setattr("changedesk.flow.create_customers", broken)
        broke.setattr(received.log, "error", lambda text, *given: told.append(text % given))
        page = start(room, "Ines", SHOP)
    assert "It goes on still, or was ended from outside" in room.get("Ines", page).content.decode()
    assert told == ["a file was not taken in to its end: OSError"]
    assert counts(room.get("Ines", start(room, "Ines", SHOP)).content.decode())["Taken in"] == "2"
