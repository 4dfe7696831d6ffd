"""The blind index follows a record: what moved takes its terms away and brings new ones, and nothing else does."""

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st
from tests.rules.values.ask import field

from changedesk.base.json import Value
from changedesk.ledger.value import encode_value
from changedesk.rules.fields import Catalogue
from changedesk.rules.fields import FieldType as T
from changedesk.store.subjects import Held
from changedesk.store.terms import Terms

EMAILS = ["anna@example.com", "annas@example.com", "annas@example.org", "Annas@example.com"]
PHONES = ["+442079460018", "+12029460018", "+442079460019"]
VALUES: Mapping[str, Sequence[Value]] = {
    "contact.email": EMAILS, "contact.email_work": EMAILS, "safe.email": EMAILS, "contact.phone": PHONES,
    "contact.phone_home": PHONES, "contact.fax": PHONES, "personal.name": ["Anna Featherstone", "Anna Fell"],
    "personal.birth_date": ["1980-03-12", "1981-03-12"], "business.name": ["Fell and Sons", "Fell and Daughters"],
    "identity.number": [{"country": "GB", "type": "nino", "number": "QQ123456C"}], "note": ["a", "b"],
}  # fmt: skip
TERMS = Terms(
    Catalogue.of(
        [
            field(T.EMAIL, "contact.email", category="contact.email", searchable=True),
            field(T.EMAIL, "contact.email_work", category="contact.email"),
            field(T.EMAIL, "safe.email", category="contact.confidential", searchable=True),
            field(T.PHONE, "contact.phone", category="contact.phone", searchable=True),
            field(T.PHONE, "contact.phone_home", category="contact.phone", searchable=True),
            field(T.PHONE, "contact.fax", category="contact.phone", tags=frozenset({"fax"})),
            field(T.NAME, "personal.name", category="personal.name", searchable=True),
            field(T.DATE, "personal.birth_date", category="personal.dob"),
            field(T.NAME, "business.name", category="business.name", tags=frozenset({"organisation"})),
            field(T.NATIONAL_ID, "identity.number", category="personal.gov_id"),
            field(T.TEXT, "note", category="note"),
        ]
    )
)
STATES = st.fixed_dictionaries({}, optional={path: st.sampled_from(values) for path, values in VALUES.items()}).map(
    lambda state: {path: Held(encode_value(value), 1) for path, value in state.items()}
)


@given(STATES, STATES)
def test_what_moved_leads_from_the_terms_of_one_state_to_those_of_the_next(
    before: dict[str, Held], after: dict[str, Held]
) -> None:
    was, now = (TERMS.of({path: held.text for path, held in state.items()}) for state in (before, after))
    lost, found = TERMS.moved(before, after)
    assert (was - lost) | found == now
    assert not lost & now


def test_a_contact_point_is_met_by_its_mailbox_and_the_end_of_its_number_but_a_fax_is_not() -> None:
    state = {"contact.email": "annas@example.com", "contact.phone": "+442079460018", "contact.fax": "+12025550123"}
    assert TERMS.of({path: encode_value(value) for path, value in state.items()}) == {
        ("contact.email", "annas@example.com"),
        ("contact.phone", "+442079460018"),
        ("block", "mailbox:annas"),
        ("block", "phone:9460018"),
    }
