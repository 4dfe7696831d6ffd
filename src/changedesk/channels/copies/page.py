"""The readable page of a person's copy: PDF/A-2a, tagged, with its fonts inside, as evidence is set."""

from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from typing import Final

from changedesk.channels.evidence.page import drawn
from changedesk.ledger.value import Json

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "Your data", "made": "Made", "by": "By", "request": "Request", "received": "Received",
        "record": "Record", "field": "Field", "value": "Value", "since": "Since", "source": "From",
        "history": "History", "time": "Time", "what": "What", "before": "Before", "after": "After",
        "requests": "Your requests", "state": "State", "consents": "What you agreed to",
        "statement": "Statement", "way": "How",
        "recipients": "Who was given your data", "to": "To", "purpose": "What for", "fields": "Fields",
        "offered": "could be read there", "masked": "values masked", "views": "When your record was looked at",
        "statements": "Your own statements",
        "none": "Nothing.", "escaped": "Signs that the fonts do not know are written as U+ and their number.",
    },
    "de": {
        "title": "Ihre Daten", "made": "Erstellt", "by": "Von", "request": "Anfrage", "received": "Eingegangen",
        "record": "Datensatz", "field": "Feld", "value": "Wert", "since": "Seit", "source": "Von", "history": "Verlauf",
        "time": "Zeit", "what": "Was", "before": "Vorher", "after": "Nachher", "requests": "Ihre Anträge",
        "state": "Stand", "consents": "Worin Sie eingewilligt haben", "statement": "Erklärung", "way": "Wie",
        "recipients": "Wer Ihre Daten erhalten hat", "to": "An", "purpose": "Wofür", "fields": "Felder",
        "offered": "konnte dort gelesen werden", "masked": "Werte verdeckt",
        "views": "Wann Ihr Datensatz angesehen wurde",
        "statements": "Ihre eigenen Stellungnahmen", "none": "Nichts.",
        "escaped": "Zeichen, die die Schriften nicht kennen, stehen als U+ mit ihrer Nummer.",
    },
    "ar": {
        "title": "بياناتك", "made": "أُنشئت", "by": "من", "request": "الطلب", "received": "استُلم", "record": "السجل",
        "field": "الحقل", "value": "القيمة", "since": "منذ", "source": "المصدر", "history": "السجل الزمني",
        "time": "الوقت", "what": "ماذا", "before": "قبل", "after": "بعد", "requests": "طلباتك", "state": "الحالة",
        "consents": "ما وافقت عليه", "statement": "البيان", "way": "الطريقة", "recipients": "من تسلّم بياناتك",
        "to": "إلى", "purpose": "الغرض", "fields": "الحقول", "offered": "أمكن الاطلاع عليها هناك",
        "masked": "القيم مخفية",
        "views": "متى اطُّلع على سجلك", "statements": "بياناتك الخاصة", "none": "لا شيء.",
        "escaped": "العلامات التي لا تعرفها الخطوط مكتوبة بالرمز U+ ورقمها.",
    },
}  # fmt: skip


def render(body: Mapping[str, Json], *, language: str, at: datetime) -> bytes:
    """Return the page of a copy as a PDF. Raises PageUndrawn."""
    source = (files("changedesk.channels.copies") / "copy.typ").read_bytes()
    tongue = language.split("-", 1)[0]
    said = {"language": tongue if tongue in WORDS else "en", "words": WORDS.get(tongue, WORDS["en"]), "body": body}
    return drawn(source, said, at=at)
