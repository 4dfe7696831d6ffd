"""A warning that a person must acknowledge before a value is taken."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "lookalike_domain": {
        "en": ("The domain mixes letters of several scripts and may imitate another. Read it aloud with the customer."),
        "de": "Die Domain mischt Schriften und kann eine andere nachahmen. Bitte gemeinsam buchstabieren.",
        "ar": "يخلط النطاق حروفا من كتابات مختلفة وقد يقلد نطاقا آخر. اقرأه حرفا حرفا مع العميل.",
    },
    "domain_typo": {
        "en": "The domain is one letter away from {suggestion}. Ask which of the two is meant.",
        "de": "Die Domain weicht um einen Buchstaben von {suggestion} ab. Bitte fragen, welche gemeint ist.",
        "ar": "يختلف النطاق بحرف واحد عن {suggestion}. اسأل أيهما المقصود.",
    },
    "mixed_scripts": {
        "en": "One word mixes letters of several scripts that look alike. Have the customer spell it.",
        "de": "Ein Wort mischt ähnlich aussehende Buchstaben mehrerer Schriften. Bitte buchstabieren lassen.",
        "ar": "تمزج كلمة واحدة حروفا متشابهة من كتابات مختلفة. اطلب من العميل تهجئتها.",
    },
    "phone_unassigned": {
        "en": "This number has a valid length but is in no range known to be in use. Check the digits.",
        "de": (
            "Die Länge der Nummer stimmt, aber ihr Bereich ist nicht als vergeben bekannt. Bitte die Ziffern prüfen."
        ),
        "ar": "طول الرقم صحيح لكنه ليس في نطاق معروف الاستخدام. تحقق من الأرقام.",
    },
    "account_like_card": {
        "en": "This account number also looks like a card number. Make sure that it is a bank account.",
        "de": ("Diese Kontonummer sieht auch wie eine Kartennummer aus. Bitte prüfen, dass es ein Bankkonto ist."),
        "ar": "يشبه رقم الحساب هذا رقم بطاقة. تأكد من أنه حساب مصرفي.",
    },
    "same_as_other_contact": {
        "en": "This is already another contact point of this customer. Check that both should be the same.",
        "de": ("Das ist schon ein anderer Kontaktweg dieser Person. Bitte prüfen, ob beide gleich sein sollen."),
        "ar": "هذه وسيلة اتصال أخرى مسجلة لهذا العميل. تحقق من أن الاثنتين متطابقتان عن قصد.",
    },
    "card_expires_soon": {
        "en": "The card expires within two months. Ask whether there is a newer one.",
        "de": "Die Karte läuft innerhalb von zwei Monaten ab. Bitte nach einer neueren fragen.",
        "ar": "تنتهي صلاحية البطاقة خلال شهرين. اسأل إن كانت هناك بطاقة أحدث.",
    },
    "account_country": {
        "en": "The bank account is in another country than the billing address. Check that this is intended.",
        "de": (
            "Das Bankkonto liegt in einem anderen Land als die Rechnungsadresse. Bitte prüfen, ob das so gewollt ist."
        ),
        "ar": "الحساب المصرفي في بلد غير بلد عنوان الفواتير. تحقق من أن هذا مقصود.",
    },
    "account_currency": {
        "en": ("The bank account's country uses another currency than the payments. Check that this is intended."),
        "de": (
            "Das Land des Bankkontos hat eine andere Währung als die Zahlungen. Bitte prüfen, ob das so gewollt ist."
        ),
        "ar": "عملة بلد الحساب المصرفي غير عملة المدفوعات. تحقق من أن هذا مقصود.",
    },
    "method_without_means": {
        "en": "The payment method has no card or bank account on record. Ask for it before the next payment.",
        "de": ("Zur Zahlungsart ist weder Karte noch Bankkonto hinterlegt. Bitte vor der nächsten Zahlung erfragen."),
        "ar": "لا توجد بطاقة أو حساب مصرفي لطريقة الدفع هذه. اطلبها قبل الدفعة القادمة.",
    },
    "name_parts_differ": {
        "en": ("The full name does not contain the given or family name on record. Check whether those change too."),
        "de": "Der volle Name enthält Vor- oder Nachnamen nicht. Bitte prüfen, ob sich auch diese ändern.",
        "ar": "لا يتضمن الاسم الكامل الاسم الأول أو اسم العائلة المسجل. تحقق هل يتغيران أيضا.",
    },
    "minor": {
        "en": "By this birth date the customer is under 18. Check whether a guardian must agree.",
        "de": ("Nach diesem Geburtsdatum ist die Person unter 18. Bitte prüfen, ob Sorgeberechtigte zustimmen müssen."),
        "ar": "بحسب تاريخ الميلاد هذا، عمر العميل أقل من 18. تحقق هل يلزم موافقة ولي الأمر.",
    },
    "language_missing": {
        "en": "A name does not say its language. Write it after a star, such as Grenoble*fr.",
        "de": "Bei einem Namen fehlt die Sprache. Bitte nach einem Stern angeben, etwa Grenoble*fr.",
        "ar": "أحد الأسماء لا يذكر لغته. اكتبها بعد نجمة، مثل Grenoble*fr.",
    },
    "acronym_signs": {
        "en": "An acronym holds other signs than capital letters, digits and blanks. Check that it is one.",
        "de": "Eine Abkürzung enthält anderes als Großbuchstaben, Ziffern und Leerzeichen. Bitte prüfen.",
        "ar": "يحتوي اختصار على غير الأحرف الكبيرة والأرقام والمسافات. تحقق من أنه اختصار.",
    },
    "trailing_slash": {
        "en": "The web address ends in a slash. Check that it belongs to it.",
        "de": "Die Webadresse endet mit einem Schrägstrich. Bitte prüfen, ob er dazugehört.",
        "ar": "ينتهي عنوان الويب بشرطة مائلة. تحقق من أنها جزء منه.",
    },
    "stood_before": {
        "en": "The value stood in this record before, but would not be taken today. Check it before it comes back.",
        "de": "Dieser Wert stand schon im Datensatz, würde heute aber nicht angenommen. Bitte vor der Rückkehr prüfen.",
        "ar": "كانت هذه القيمة في السجل من قبل، لكنها لن تُقبل اليوم. تحقق منها قبل إعادتها.",
    },
    "frequency_without_channel": {
        "en": "All marketing is off, so topics and frequency have no effect and are cleared.",
        "de": "Alle Werbung ist abgestellt; Themen und Häufigkeit wirken nicht und werden geleert.",
        "ar": "كل الرسائل التسويقية متوقفة، لذلك لا أثر للمواضيع وعدد المرات وستُمحى.",
    },
}


@dataclass(frozen=True, slots=True)
class Concern:
    """One warning about a field. ``suggestion`` is a well-known domain, never what the person typed."""

    path: str
    code: str
    suggestion: str = ""

    def told(self) -> dict[str, str]:
        """Return it as the refusal says it that asks for an acknowledgement."""
        return {"path": self.path, "code": self.code} | ({"suggestion": self.suggestion} if self.suggestion else {})

    def text(self, language: str = "en") -> str:
        """Return the warning in a language, English when it has none."""
        texts = TEXTS[self.code]
        text = texts.get(language.split("-", maxsplit=1)[0]) or texts["en"]
        return text.format(suggestion=self.suggestion)
