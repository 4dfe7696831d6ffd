"""Who the customer is: name, birth, civil status, national number."""

from datetime import date

from changedesk.base.refusal import Refusal
from changedesk.kinds.kind import Checked, Kind, Proposal
from changedesk.kinds.refusals import NameRequired
from changedesk.rules.status import today_in
from changedesk.rules.values import BadValue, Concern

_NAME, _GIVEN, _FAMILY = "personal.name", "personal.given_name", "personal.family_name"
_BIRTH, _BUSINESS = "personal.birth_date", "personal.business"
_ADULT = 18


def check(proposal: Proposal) -> Checked:
    """Keep a name, refuse a birth in the future, warn of parts that no longer agree and of minors."""
    refusals: list[Refusal] = []
    concerns = []
    if _NAME in proposal.after and not proposal.sets(_NAME):
        refusals.append(NameRequired(path=_NAME))
    name = proposal.value(_NAME)
    touched = {_NAME, _GIVEN, _FAMILY} & proposal.after.keys()
    parts = [str(part).casefold() for part in map(proposal.value, (_GIVEN, _FAMILY)) if part]
    if touched and name and any(part not in str(name).casefold() for part in parts):
        concerns.append(Concern(_NAME, "name_parts_differ"))
    if proposal.sets(_BIRTH):
        born, today = date.fromisoformat(str(proposal.after[_BIRTH])), today_in(proposal.at, proposal.zone)
        if born > today:
            refusals.append(BadValue(path=_BIRTH, reason="date_future"))
        elif today.year - born.year - ((today.month, today.day) < (born.month, born.day)) < _ADULT:
            concerns.append(Concern(_BIRTH, "minor"))
    return Checked(tuple(refusals), tuple(concerns))


KIND = Kind(
    name="personal_details",
    label={"en": "Personal details", "de": "Persönliche Angaben", "ar": "البيانات الشخصية"},
    icon="user-round",
    notice_subject={"en": "your personal details", "de": "Ihre persönlichen Angaben", "ar": "بياناتك الشخصية"},
    notice_words={
        _NAME: {"en": "your name", "de": "Ihr Name", "ar": "اسمك"},
        _GIVEN: {"en": "your name", "de": "Ihr Name", "ar": "اسمك"},
        _FAMILY: {"en": "your name", "de": "Ihr Name", "ar": "اسمك"},
        _BIRTH: {"en": "your date of birth", "de": "Ihr Geburtsdatum", "ar": "تاريخ ميلادك"},
        "personal.national_id": {"en": "your national ID", "de": "Ihre Ausweisnummer", "ar": "رقم هويتك"},
    },
    form_order=(
        _NAME,
        _GIVEN,
        _FAMILY,
        _BIRTH,
        "personal.gender",
        "personal.marital_status",
        "personal.national_id",
        _BUSINESS,
    ),
    check=check,
)
