"""Records that may be the same customer are suggested by what they share, and never against a person's rights."""

from typing import Any

import psycopg
import pytest
from tests.cast import Desk
from tests.flow.walk import LATER, record
from tests.postgres import Database

from changedesk.base.ids import SubjectId
from changedesk.reading import merging
from changedesk.rules.matching import BLOCK_MOST
from changedesk.store import keys

POST = {"country": "US", "lines": "12 Sycamore Street", "city": "Springfield", "region": "IL", "postal_code": "62701"}
ELM = {**POST, "lines": "9 Elm Road"}
BORN = "1980-03-12"


def known(d: Desk, name: str, **more: object) -> SubjectId:
    """A customer whom no e-mail address leads to, and no number but one that is given."""
    given: dict[str, Any] = {"contact__email": None, "contact__phone_mobile": None, **more}
    return d.customer(personal__name=name, **given)


def suggested(d: Desk, subject: SubjectId) -> list[SubjectId]:
    return [one.id for one in merging.candidates(subject, actor=d.ben, at=LATER, language="en")]


@pytest.mark.parametrize(
    ("name", "mine", "theirs"),
    [
        ("Dannah Nowak", {"personal__birth_date": BORN}, {"personal__birth_date": BORN}),
        ("Dana Novack", {"personal__birth_date": BORN}, {"personal__birth_date": "1980-12-03"}),
        ("D Novak", {"contact__postal_address": POST}, {"contact__postal_address": {**POST, "lines": "12 Sycamor St"}}),
        ("Dana Novack", {"contact__phone_mobile": "+1 202 555 0143"}, {"contact__phone_home": "+1 202 555 0143"}),
    ],
)
def test_a_duplicate_is_found_without_any_value_that_people_look_up(
    d: Desk, name: str, mine: dict[str, object], theirs: dict[str, object]
) -> None:
    dana, twin = known(d, "Dana Novak", **mine), known(d, name, **theirs)
    other = known(
        d, "Erika Mustermann", personal__birth_date="1964-08-12", contact__postal_address={**POST, "lines": "9 Elm"}
    )
    assert suggested(d, dana) == [twin]
    assert suggested(d, twin) == [dana]
    assert suggested(d, other) == []


def test_what_is_changed_is_found_by_what_it_is_now(d: Desk) -> None:
    dana, twin = (known(d, name, personal__birth_date=BORN) for name in ("Dana Novak", "Dana Novack"))
    record(d, twin, {"personal.birth_date": "1971-01-30", "personal.name": "Erika Mustermann"}, at=LATER)
    assert suggested(d, dana) == []
    record(d, dana, {"personal.birth_date": "1971-01-30", "personal.name": "Erika Musterman"}, at=LATER)
    assert suggested(d, dana) == [twin]


@pytest.mark.parametrize("path", ["status.restricted", "restriction.active"])
def test_whose_data_is_restricted_is_neither_suggested_nor_compared(d: Desk, path: str) -> None:
    dana, twin = (known(d, name, personal__birth_date=BORN) for name in ("Dana Novak", "Dana Novack"))
    record(d, twin, {path: True}, at=LATER)
    assert suggested(d, dana) == []
    assert suggested(d, twin) == []
    record(d, twin, {path: None}, at=LATER)
    assert suggested(d, dana) == [twin]


def test_who_was_erased_is_never_suggested(d: Desk, database: Database) -> None:
    dana, twin = (known(d, name, personal__birth_date=BORN) for name in ("Dana Novak", "Dana Novack"))
    with psycopg.connect(database.admin_url) as admin:
        # The key alone is gone, the look-ups still stand: as it is in the moment before they go too.
        admin.execute("SET LOCAL session_replication_role = replica")
        admin.execute("UPDATE desk.subject_key SET wrapped = NULL, shredded_at = now() WHERE subject_id = %s", [twin])
    keys.forget()
    assert suggested(d, dana) == []
    assert suggested(d, twin) == []


def test_what_a_crowd_shares_suggests_nobody(d: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("changedesk.rules.matching.BLOCK_MOST", 2)
    twins = [known(d, "Dana Novak", personal__birth_date=BORN) for _ in range(2)]
    assert suggested(d, twins[0]) == twins[1:]
    known(d, "Dana Novak", personal__birth_date=BORN)
    assert suggested(d, twins[0]) == []
    assert BLOCK_MOST > 2
