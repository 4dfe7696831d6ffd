"""A reason as people read it beside a suggested pair. It names the field and how alike, never a value."""

from collections.abc import Mapping
from typing import Final

from changedesk.rules.matching.likeness import Likeness, Reason
from changedesk.rules.matching.record import Role

_ROLES: Final[Mapping[Role, tuple[str, str, str]]] = {
    Role.NAME: ("Name", "Name", "الاسم"),
    Role.GIVEN_NAME: ("Given name", "Vorname", "الاسم الأول"),
    Role.FAMILY_NAME: ("Family name", "Familienname", "اسم العائلة"),
    Role.ORGANISATION: ("Name of the business", "Name des Unternehmens", "اسم المنشأة"),
    Role.BIRTH_DATE: ("Birth date", "Geburtsdatum", "تاريخ الميلاد"),
    Role.EMAIL: ("E-mail", "E-Mail", "البريد الإلكتروني"),
    Role.PHONE: ("Phone", "Telefon", "الهاتف"),
    Role.STREET: ("Street and number", "Straße und Hausnummer", "الشارع والرقم"),
    Role.POSTAL_CODE: ("Postal code", "Postleitzahl", "الرمز البريدي"),
    Role.CITY: ("City", "Ort", "المدينة"),
    Role.NATIONAL_ID: ("Identity number", "Ausweisnummer", "رقم الهوية"),
    Role.BANK_ACCOUNT: ("Bank account", "Bankkonto", "الحساب المصرفي"),
}
_LIKENESS: Final[Mapping[Likeness, tuple[str, str, str]]] = {
    Likeness.SAME: ("the same", "gleich", "مطابق"),
    Likeness.NEAR: ("a slip of a key apart", "bis auf einen Tippfehler gleich", "يختلف بخطأ كتابي واحد"),
    Likeness.SIMILAR: ("similar", "ähnlich", "متشابه"),
    Likeness.DIFFERENT: ("different", "verschieden", "مختلف"),
}
_LANGUAGES: Final = ("en", "de", "ar")


def reason_text(reason: Reason, language: str = "en") -> str:
    """Return ``Birth date: the same (+10)`` in a language, English when it has none."""
    code = language.split("-", maxsplit=1)[0]
    at = _LANGUAGES.index(code) if code in _LANGUAGES else 0
    return f"{_ROLES[reason.role][at]}: {_LIKENESS[reason.likeness][at]} ({reason.weight:+g})"
