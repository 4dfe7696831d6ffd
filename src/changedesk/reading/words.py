"""The words that histories and requests are told in, per language: en, de, ar. Without any value."""

from collections.abc import Mapping
from typing import Final

from changedesk.ledger.entry import EntryKind
from changedesk.rules.values.listed import listed


def in_language(texts: Mapping[str, str], language: str) -> str:
    """Return the text of a language such as ``de`` or ``de-AT``; English where there is none."""
    return texts.get(language) or texts.get(language.split("-", maxsplit=1)[0]) or texts["en"]


_K = EntryKind
TITLES: Final[Mapping[EntryKind, Mapping[str, str]]] = {
    _K.CUSTOMER_CREATED: {"en": "Customer created", "de": "Kunde angelegt", "ar": "أُنشئ العميل"},
    _K.ACCOUNT_CREATED: {"en": "Account created", "de": "Konto angelegt", "ar": "أُنشئ الحساب"},
    _K.CHANGE_APPLIED: {"en": "Changed", "de": "Geändert", "ar": "تم التغيير"},
    _K.CHANGE_RECORDED: {
        "en": "Change recorded from another system",
        "de": "Änderung aus einem anderen System übernommen",
        "ar": "سُجّل تغيير من نظام آخر",
    },
    _K.CHANGE_REVERTED: {"en": "Change reverted", "de": "Änderung zurückgenommen", "ar": "تم التراجع عن التغيير"},
    _K.CHANGE_BACKDATED: {"en": "Changed for the past", "de": "Rückwirkend geändert", "ar": "تغيير بأثر رجعي"},
    _K.CHANGE_EFFECTIVE: {
        "en": "Change took effect",
        "de": "Änderung in Kraft getreten",
        "ar": "دخل التغيير حيز التنفيذ",
    },
    _K.STATUS_CHANGED: {"en": "Status changed", "de": "Status geändert", "ar": "تغيرت الحالة"},
    _K.PLAN_CHANGED: {"en": "Plan changed", "de": "Tarif geändert", "ar": "تغيرت الباقة"},
    _K.MERGE_APPLIED: {"en": "Customers merged", "de": "Kunden zusammengeführt", "ar": "دُمج العملاء"},
    _K.MERGE_UNDONE: {"en": "Merge undone", "de": "Zusammenführung aufgehoben", "ar": "أُلغي الدمج"},
    _K.OWNERSHIP_TRANSFERRED: {"en": "Owner changed", "de": "Inhaber gewechselt", "ar": "انتقلت الملكية"},
    _K.ERASURE_CONFIRMED: {"en": "Personal data erased", "de": "Personendaten gelöscht", "ar": "مُحيت البيانات الشخصية"},
    _K.DESK_OPENED: {
        "en": "The desk's own record opened",
        "de": "Eigene Akte des Desks angelegt",
        "ar": "فُتح سجل المكتب نفسه",
    },
    _K.REQUEST_SUBMITTED: {"en": "Request received", "de": "Antrag eingegangen", "ar": "استُلم الطلب"},
    _K.REQUEST_REVISED: {"en": "Request revised", "de": "Antrag überarbeitet", "ar": "عُدّل الطلب"},
    _K.REQUEST_INFORMATION_ASKED: {
        "en": "More information asked for",
        "de": "Rückfrage gestellt",
        "ar": "طُلبت معلومات إضافية",
    },
    _K.IDENTITY_CHALLENGED: {
        "en": "Verification started",
        "de": "Identitätsprüfung begonnen",
        "ar": "بدأ التحقق من الهوية",
    },
    _K.IDENTITY_VERIFIED: {"en": "Identity verified", "de": "Identität bestätigt", "ar": "تم التحقق من الهوية"},
    _K.IDENTITY_LAPSED: {
        "en": "Verification lapsed",
        "de": "Identitätsprüfung verfallen",
        "ar": "سقط التحقق من الهوية",
    },
    _K.IDENTITY_FAILED: {"en": "Wrong answer", "de": "Falsche Antwort", "ar": "إجابة خاطئة"},
    _K.CONSENT_RECORDED: {"en": "Consent recorded", "de": "Einwilligung festgehalten", "ar": "سُجّلت الموافقة"},
    _K.REQUEST_APPROVED: {"en": "Request approved", "de": "Antrag freigegeben", "ar": "اعتُمد الطلب"},
    _K.REQUEST_REJECTED: {"en": "Request declined", "de": "Antrag abgelehnt", "ar": "رُفض الطلب"},
    _K.REQUEST_WITHDRAWN: {"en": "Request withdrawn", "de": "Antrag zurückgezogen", "ar": "سُحب الطلب"},
    _K.REQUEST_CANCELLED: {"en": "Request cancelled", "de": "Antrag abgebrochen", "ar": "أُلغي الطلب"},
    _K.REQUEST_EXPIRED: {"en": "Request expired", "de": "Antrag abgelaufen", "ar": "انتهت صلاحية الطلب"},
    _K.REQUEST_STALE: {
        "en": "The record moved: to be decided again",
        "de": "Daten haben sich bewegt: erneut zu entscheiden",
        "ar": "تغيّر السجل: يلزم قرار جديد",
    },
    _K.REQUEST_SCHEDULED: {"en": "Request scheduled", "de": "Antrag terminiert", "ar": "جُدول الطلب"},
    _K.REQUEST_HELD: {"en": "Request put on hold", "de": "Antrag angehalten", "ar": "عُلّق الطلب"},
    _K.HOLD_PLACED: {"en": "Protection hold placed", "de": "Schutzsperre gesetzt", "ar": "وُضع حجز وقائي"},
    _K.HOLD_RELEASED: {"en": "Hold released", "de": "Sperre aufgehoben", "ar": "رُفع الحجز"},
    _K.REQUEST_DISPUTED: {
        "en": "“This wasn't me” reported",
        "de": "„Das war ich nicht“ gemeldet",
        "ar": "بلاغ: «لست أنا من فعل ذلك»",
    },
    _K.DISPUTE_RESOLVED: {"en": "Report resolved", "de": "Meldung geklärt", "ar": "سُوّي البلاغ"},
    _K.FACTOR_BOUND: {"en": "Authenticator bound", "de": "Authenticator hinterlegt", "ar": "رُبط تطبيق المصادقة"},
    _K.NOTICE_SENT: {"en": "Notice sent", "de": "Benachrichtigung gesendet", "ar": "أُرسل إشعار"},
    _K.NOTICE_FAILED: {
        "en": "Notice could not be delivered",
        "de": "Benachrichtigung nicht zustellbar",
        "ar": "تعذر تسليم الإشعار",
    },
    _K.NOTICE_RESENT: {"en": "Notice sent again", "de": "Benachrichtigung erneut gesendet", "ar": "أُعيد إرسال الإشعار"},
    _K.RECORD_VIEWED: {"en": "Record viewed", "de": "Datensatz angesehen", "ar": "عُرض السجل"},
    _K.VALUE_REVEALED: {"en": "Value revealed", "de": "Wert eingeblendet", "ar": "كُشفت قيمة"},
    _K.RECORD_SEARCHED: {"en": "Record searched", "de": "Datensatz gesucht", "ar": "بُحث عن السجل"},
    _K.GLASS_BROKEN: {"en": "Glass broken", "de": "Notfallzugriff begonnen", "ar": "بدأ وصول طارئ"},
    _K.GLASS_REVIEWED: {"en": "Broken glass reviewed", "de": "Notfallzugriff geprüft", "ar": "رُوجع الوصول الطارئ"},
    _K.ACCESS_CERTIFIED: {
        "en": "Access of readers reviewed",
        "de": "Zugriffe der Lesenden geprüft",
        "ar": "رُوجع وصول القرّاء",
    },
    _K.HOOK_CHANGED: {"en": "Hook set up or changed", "de": "Hook eingerichtet oder geändert", "ar": "أُعد خطاف أو غُيّر"},
    _K.HOOK_RESENT: {
        "en": "Event sent to a hook again",
        "de": "Ereignis erneut an Hook gesendet",
        "ar": "أُعيد إرسال حدث إلى خطاف",
    },
    _K.EVIDENCE_EXPORTED: {"en": "Evidence taken out", "de": "Nachweis ausgegeben", "ar": "استُخرج ملف الأدلة"},
    _K.ERASURE_REQUESTED: {"en": "Erasure asked for", "de": "Löschung beantragt", "ar": "طُلب المحو"},
    _K.PRIVACY_RECEIVED: {
        "en": "Data-subject request received",
        "de": "Betroffenenanfrage eingegangen",
        "ar": "استُلم طلب بشأن البيانات",
    },
    _K.PRIVACY_ACKNOWLEDGED: {
        "en": "Receipt of the data-subject request confirmed",
        "de": "Eingang der Betroffenenanfrage bestätigt",
        "ar": "أُكّد استلام الطلب بشأن البيانات",
    },
    _K.PRIVACY_DOUBTED: {
        "en": "More asked for to know who asks",
        "de": "Weitere Angaben zur Identität erbeten",
        "ar": "طُلبت معلومات إضافية عن الهوية",
    },
    _K.PRIVACY_IDENTIFIED: {
        "en": "Identity for the data-subject request established",
        "de": "Identität zur Betroffenenanfrage geklärt",
        "ar": "تم التحقق من هوية صاحب الطلب",
    },
    _K.PRIVACY_EXTENDED: {
        "en": "Time for the data-subject request extended",
        "de": "Frist der Betroffenenanfrage verlängert",
        "ar": "مُدّدت مهلة الطلب بشأن البيانات",
    },
    _K.PRIVACY_PAUSED: {
        "en": "Clock of the data-subject request stopped",
        "de": "Frist der Betroffenenanfrage angehalten",
        "ar": "أُوقفت مهلة الطلب بشأن البيانات",
    },
    _K.PRIVACY_RESUMED: {
        "en": "Clock of the data-subject request goes on",
        "de": "Frist der Betroffenenanfrage läuft weiter",
        "ar": "استُؤنفت مهلة الطلب بشأن البيانات",
    },
    _K.PRIVACY_LINKED: {
        "en": "Change request linked to the data-subject request",
        "de": "Änderungsantrag mit der Betroffenenanfrage verknüpft",
        "ar": "رُبط طلب تغيير بالطلب بشأن البيانات",
    },
    _K.PRIVACY_REFUSED: {
        "en": "Data-subject request refused",
        "de": "Betroffenenanfrage abgelehnt",
        "ar": "رُفض الطلب بشأن البيانات",
    },
    _K.PRIVACY_APPEALED: {
        "en": "Refusal appealed against",
        "de": "Beschwerde gegen die Ablehnung",
        "ar": "اعتُرض على الرفض",
    },
    _K.PRIVACY_STATED: {
        "en": "Statement put beside the record",
        "de": "Stellungnahme zum Datensatz genommen",
        "ar": "أُرفق بيان بالسجل",
    },
    _K.PRIVACY_ANSWERED: {
        "en": "Data-subject request answered",
        "de": "Betroffenenanfrage beantwortet",
        "ar": "أُجيب عن الطلب بشأن البيانات",
    },
    _K.PRIVACY_DISCLOSED: {
        "en": "Copy of the data handed over",
        "de": "Kopie der Daten ausgehändigt",
        "ar": "سُلّمت نسخة من البيانات",
    },
}
"""Every kind of entry has its sentence: a house test holds the two lists together."""

_METHODS: Final[Mapping[str, Mapping[str, str]]] = {
    "code_email": {"en": "code by e-mail", "de": "Code per E-Mail", "ar": "رمز عبر البريد الإلكتروني"},
    "code_sms": {"en": "code by text message", "de": "Code per SMS", "ar": "رمز عبر رسالة نصية"},
    "totp": {"en": "authenticator app", "de": "Authenticator-App", "ar": "تطبيق المصادقة"},
    "callback": {"en": "call-back", "de": "Rückruf", "ar": "معاودة الاتصال"},
    "knowledge": {"en": "questions", "de": "Kontrollfragen", "ar": "أسئلة تحقق"},
}
_GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "service_preferences": {"en": "Services", "de": "Leistungen", "ar": "الخدمات"},
    "account_reference": {"en": "References", "de": "Nummern", "ar": "الأرقام المرجعية"},
}


def title(kind: EntryKind, labels: tuple[str, ...], language: str) -> str:
    """Return the sentence of an entry, with the labels of the fields that it changed."""
    sentence = in_language(TITLES[kind], language)
    return f"{sentence}: {listed(labels, language)}" if labels else sentence


def method(name: str, language: str) -> str:
    return in_language(_METHODS[name], language) if name in _METHODS else name


def group(kind: str, language: str) -> str:
    """Return what a group of fields is called that no kind of change can set."""
    return in_language(_GROUPS[kind], language) if kind in _GROUPS else kind.replace("_", " ").capitalize()
