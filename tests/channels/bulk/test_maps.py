"""Maps say what they cannot be used for; cells become what the map says, and nothing else."""

from pathlib import Path

import pytest

from changedesk.base.refusal import Refusal
from changedesk.channels.bulk import ChangeMap, CustomerMap, read_map, shipped
from changedesk.channels.bulk.mapping import MapUnknown, MapWrong, parse_map
from changedesk.channels.bulk.transforms import TRANSFORMS, CellRefused, Source, value
from changedesk.packs import load

CUSTOMERS = 'rows = "customers"\nsource = "s"\nkey = "id"\n[fields]\n"personal.name" = "name"\n'


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_map_fills_fields_that_packs_have(name: str) -> None:
    found = read_map(name)
    catalogue = load(["telecom", "banking", "public_directory"]).catalogue
    paths = list(found.fields.values()) if isinstance(found, ChangeMap) else list(found.fields)
    if isinstance(found, CustomerMap) and found.account:
        paths += found.account.fields
    assert paths
    assert [path for path in paths if path not in catalogue] == []
    assert found.about


def test_a_map_of_ones_own_is_read_from_its_path(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(CUSTOMERS, encoding="utf-8")
    found = read_map(str(file))
    assert isinstance(found, CustomerMap)
    assert found.reads() == {"id", "name"}


@pytest.mark.parametrize("name", ["nothing", "../telco-customers", "/etc/passwd", "", "telco-customers.toml"])
def test_no_other_file_is_taken_for_a_map(name: str) -> None:
    with pytest.raises(MapUnknown) as refused:
        read_map(name)
    assert "telco-customers" in refused.value.data["known"]  # type: ignore[operator] # data is open


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("rows", "m:"),
        ('rows = "else"', "m.rows"),
        (CUSTOMERS.replace('key = "id"\n', ""), "m.key"),
        (CUSTOMERS.replace('source = "s"', "source = 1"), "m.source"),
        (CUSTOMERS.replace("[fields]", "colour = 1\n[fields]"), "m.colour"),
        (CUSTOMERS + '"contact.email" = { columns = ["e"], using = "magic" }', 'm.fields."contact.email".using'),
        (CUSTOMERS + '"contact.email" = { columns = "e" }', 'm.fields."contact.email".columns'),
        (CUSTOMERS + '"contact.email" = { colums = ["e"] }', 'm.fields."contact.email".colums'),
        (CUSTOMERS + '"contact.email" = {}', 'm.fields."contact.email"'),
        (CUSTOMERS + '"contact.email" = { using = "address" }', 'm.fields."contact.email".parts'),
        (CUSTOMERS + '"contact.email" = "other.column"', "other.column"),
        (CUSTOMERS + '[dialect]\nencoding = "latin"', "m.dialect.encoding"),
        (CUSTOMERS + '[dialect]\ndelimiter = ";;"', "m.dialect.delimiter"),
        (CUSTOMERS + '[[joins]]\nname = "j"\nfile = "../secret"\nkey = "k"\non = "id"', "m.joins[0].file"),
        ('rows = "changes"', "m."),
    ],
)
def test_a_map_that_is_wrong_names_the_place(text: str, place: str) -> None:
    with pytest.raises(MapWrong) as refused:
        parse_map(text, "m")
    assert place in str(refused.value.data["problem"])


def test_the_person_number_of_a_czech_woman_gives_day_and_gender() -> None:
    cells = {"n": "706213"}
    assert value("personal.birth_date", Source(("n",), using="birth_number_date"), cells) == "1970-12-13"
    assert value("personal.gender", Source(("n",), using="birth_number_gender"), cells) == "female"
    assert value("personal.gender", Source(("n",), using="birth_number_gender"), {"n": "450204"}) == "male"


@pytest.mark.parametrize("number", ["4111111111111111", "33332664695310", "not a number"])
def test_a_card_number_is_never_taken_in_whether_its_check_digit_is_right_or_not(number: str) -> None:
    with pytest.raises(CellRefused) as refused:
        value("payment.card", Source(("card",), using="card_number"), {"card": number})
    assert number not in str(refused.value.data)
    assert value("payment.card", Source(("card",), using="card_number"), {"card": "  "}) is None


def test_a_cell_goes_where_its_type_says() -> None:
    home = Source(("phone",), only_if={"type": "Home"}, drop="1 (11) ")
    assert value("contact.phone_home", home, {"phone": "1 (11) 500 555-0132", "type": "Home"}) == "500 555-0132"
    assert value("contact.phone_home", home, {"phone": "500 555-0132", "type": "Cell"}) is None


def test_an_address_of_a_country_alone_is_none() -> None:
    source = Source(using="address", parts={"lines": ("one", "two"), "country": ("land",)})
    assert value("p", source, {"one": "", "two": "", "land": "DE"}) is None
    assert value("p", source, {"one": "a", "two": "b", "land": "DE"}) == {"lines": "a\nb", "country": "DE"}


def test_words_of_the_file_become_words_of_the_catalogue() -> None:
    source = Source(("c",), words={"No internet service": "no_internet"})
    assert value("p", source, {"c": "No internet service"}) == "no_internet"
    assert value("p", source, {"c": " Yes "}) == "Yes"
    assert value("p", source, {"c": " "}) is None


@pytest.mark.parametrize("using", sorted(set(TRANSFORMS) - {"address"}))
@pytest.mark.parametrize("text", ["", " ", "x", "Ann", "Ann Lee", "999999", "\u0660" * 6, "19700101", "é" * 500])
def test_a_transform_gives_a_value_or_a_refusal(using: str, text: str) -> None:
    try:
        found = value("personal.name", Source(("c",), using=using), {"c": text})
    except Refusal as refusal:
        found = refusal.code
    assert found is None or isinstance(found, str)
