"""The words of an evidence page, in the languages of the desk, and the note that lies beside it."""

from collections.abc import Mapping
from typing import Final

_NAMES: Final = (
    "title", "bundle", "made", "asked_by", "purpose", "reference", "scope", "level", "log", "size", "root",
    "unpublished", "escaped", "how", "how_text", "records", "record", "type", "version", "request", "kind", "state",
    "received", "reason", "channel", "requested_by", "entered_by", "verified", "verification", "consent", "decisions",
    "notices", "rules", "rule", "source", "entries", "time", "by", "verdict", "contact", "approved_by", "erased",
    "field", "before", "after", "statements", "unshown",
)  # fmt: skip
_EN: Final = (
    "Evidence of changes", "Bundle", "Made at", "Asked for by", "Purpose", "File reference", "About", "Shown",
    "Log", "Entries in the log", "Root of the log",
    "Entries that were recorded but not yet published, and are missing here:",
    "Some characters cannot be drawn here and are written as U+ and their number; evidence.json has the exact texts.",
    "How to check this",
    ("This page is signed together with the files beside it. The entries stand in a log that only grows; each has a"
    " receipt. Check all of it, offline, with the log's key, which you should have from somebody you trust:"),
    "Records", "Record", "Type", "Version", "Request", "Kind", "State", "Received", "Reason", "Channel",
    "Requested by", "Entered by", "Verified", "Verification", "Consent", "Decisions", "Notices", "Rules", "Rule",
    "Source", "Entries of the log", "Time", "By", "Decision", "Contact", "Approved by",
    "The values of this entry are erased. That it was made is still proved.", "Field", "Before", "After",
    "Statements of the person", "It goes with every disclosure of the record. Its words are not shown here.",
)  # fmt: skip
_DE: Final = (
    "Nachweis über Änderungen", "Bündel", "Erstellt am", "Angefordert von", "Zweck", "Aktenzeichen", "Betrifft",
    "Gezeigt", "Protokoll", "Einträge im Protokoll", "Wurzel des Protokolls",
    "Aufgezeichnete, noch nicht veröffentlichte Einträge, die hier fehlen:",
    "Einige Zeichen lassen sich hier nicht darstellen und stehen als U+ mit ihrer Nummer; evidence.json hat die Texte.",
    "So prüfen Sie dies",
    ("Diese Seite ist zusammen mit den Dateien daneben unterschrieben. Die Einträge stehen in einem Protokoll, das nur"
    " wächst; zu jedem gibt es eine Quittung. Prüfen Sie alles ohne Netz mit dem Schlüssel des Protokolls, den Sie von"
    " jemandem haben sollten, dem Sie vertrauen:"),
    "Datensätze", "Datensatz", "Art", "Version", "Antrag", "Art", "Stand", "Eingegangen", "Grund", "Kanal",
    "Beantragt von", "Erfasst von", "Geprüft", "Identitätsprüfung", "Einwilligung", "Entscheidungen",
    "Benachrichtigungen", "Regeln", "Regel", "Quelle", "Einträge des Protokolls", "Zeit", "Von", "Entscheidung",
    "Kontakt", "Genehmigt von",
    "Die Werte dieses Eintrags sind gelöscht. Dass es ihn gab, ist weiterhin bewiesen.", "Feld", "Vorher", "Nachher",
    "Erklärungen der Person", "Sie begleitet jede Weitergabe des Datensatzes. Ihr Wortlaut wird hier nicht gezeigt.",
)  # fmt: skip
_AR: Final = (
    "أدلة التغييرات", "الحزمة", "أُعدّت في", "بطلب من", "الغرض", "رقم الملف", "الموضوع", "المعروض", "السجل",
    "عدد القيود في السجل", "جذر السجل", "قيود سُجّلت ولم تُنشر بعد، وهي غير موجودة هنا:",
    "بعض الأحرف لا يمكن رسمها هنا فكُتبت أرقامها بعد U+؛ النصوص الدقيقة في evidence.json.",
    "كيفية التحقق",
    ("هذه الصفحة موقّعة مع الملفات المرفقة. القيود في سجل لا يُضاف إليه إلا في آخره، ولكل قيد إيصال. تحقق من ذلك كله"
    " دون اتصال بمفتاح السجل، على أن تحصل عليه ممن تثق به:"),
    "السجلات", "السجل", "النوع", "الإصدار", "الطلب", "النوع", "الحالة", "ورد في", "السبب", "القناة", "طلبه", "أدخله",
    "التحقق", "التحقق من الهوية", "الموافقة", "القرارات", "الإشعارات", "القواعد", "القاعدة", "المصدر", "قيود السجل",
    "الوقت", "بواسطة", "القرار", "جهة الاتصال", "اعتمده", "مُحيت قيم هذا القيد، ويبقى وجوده مثبتًا.", "الحقل", "قبل",
    "بعد", "بيانات الشخص", "يرافق هذا البيان كل إفصاح عن السجل. نصه غير معروض هنا.",
)  # fmt: skip
PAGE: Final[Mapping[str, Mapping[str, str]]] = {
    language: dict(zip(_NAMES, words, strict=True)) for language, words in (("en", _EN), ("de", _DE), ("ar", _AR))
}

README: Final = """\
EVIDENCE OF CHANGES

What this is
  evidence.pdf    to read: who asked for it and why, and what happened, entry by entry
  evidence.json   the same for programs
  entries/        one file for each entry of the log: what it says, and the keys that open what is shown
  receipts/       the receipt of each entry: its place in the log (c2sp.org/tlog-proof)
  attachments/    wordings that were agreed to, and the person's own statements beside a record; each file is named by
                  its SHA-256, which for a wording stands in the entry of the consent
  checkpoint      the signed size and root of the log (c2sp.org/tlog-checkpoint)
  keys.txt        the keys of the log, as the desk gives them out
  manifest        the SHA-256 of every other file, signed with the log's key (c2sp.org/signed-note)
  verify.py       checks all of this

How to check it, without us and without a network
  1. Get the log's key from somebody you trust: a witness, an auditor, an older bundle, the client's own page. It is
     one line of text. Do not rely on keys.txt alone: it came with this bundle.
  2. Install Python 3.11 or later and its package "cryptography".
  3. python verify.py --key "THE KEY" THIS-FILE.zip       (or the folder that you unpacked it into)
  It says PROVED, or which file and which entry is wrong. --show prints what is proved, entry by entry.
  If you do not trust the verify.py in here either, take it from another bundle or from the product's source.

What it proves
  Each entry stands in the log at its place, was not changed since the log was signed, and follows the change before it.
  Fields that are shown open their commitments; fields that are kept back stay sealed, and the entry still verifies.
  Fields shown as masked text, the names of people and the page about the request are statements of the desk: they are
  signed with this bundle, and not proved by the log.

What it does not prove
  That what was recorded is true; and where this is not a whole record, that nothing else was recorded.
"""
