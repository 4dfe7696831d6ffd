"""Lists are written as their language writes them; what stands in them is left alone."""

import pytest
from tests.rules.values.ask import field

from changedesk.rules.fields import FieldType
from changedesk.rules.values import mask
from changedesk.rules.values.listed import listed


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", 'V2, 1,500.00, "a, b"'),
        ("de-AT", 'V2, 1,500.00, "a, b"'),
        ("ar", 'V2، 1,500.00، "a, b"'),
        ("ar-EG", 'V2، 1,500.00، "a, b"'),
    ],
)
def test_the_comma_is_the_languages_own_and_numbers_and_quotes_stay(language: str, told: str) -> None:
    assert listed(["V2", "1,500.00", '"a, b"'], language) == told
    assert listed([], language) == ""
    assert listed(iter(["one"]), language) == "one"


def test_a_masked_address_is_a_list_too() -> None:
    address = field(FieldType.ADDRESS, path="contact.postal_address", category="contact.postal")
    assert mask(address, {"city": "Köln", "country": "DE"}, "ar").startswith("Köln، ")
