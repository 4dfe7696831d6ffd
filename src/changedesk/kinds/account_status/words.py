"""What the operations of a status are called, in every language."""

from collections.abc import Mapping
from typing import Final

LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "activate": {"en": "Activate", "de": "Freischalten", "ar": "تفعيل"},
    "suspend": {"en": "Suspend", "de": "Sperren", "ar": "تعليق"},
    "reinstate": {"en": "Lift the suspension", "de": "Sperre aufheben", "ar": "رفع التعليق"},
    "deactivate": {"en": "Deactivate", "de": "Stilllegen", "ar": "تعطيل"},
    "reactivate": {"en": "Reactivate", "de": "Wieder in Betrieb nehmen", "ar": "إعادة التفعيل"},
    "close": {"en": "Close", "de": "Schließen", "ar": "إغلاق"},
    "reopen": {"en": "Reopen", "de": "Wieder öffnen", "ar": "إعادة الفتح"},
    "lock": {"en": "Lock", "de": "Gegen Änderungen sichern", "ar": "قفل"},
    "unlock": {"en": "Unlock", "de": "Sicherung aufheben", "ar": "فتح القفل"},
    "hold": {"en": "Put on hold", "de": "Anhalten", "ar": "إيقاف مؤقت"},
    "release": {"en": "Release from hold", "de": "Weiterlaufen lassen", "ar": "إنهاء الإيقاف المؤقت"},
    "legal_hold": {"en": "Place a legal hold", "de": "Aufbewahrung anordnen", "ar": "فرض حفظ قانوني"},
    "legal_release": {"en": "Lift the legal hold", "de": "Aufbewahrung aufheben", "ar": "رفع الحفظ القانوني"},
    "restrict": {"en": "Restrict", "de": "Einschränken", "ar": "تقييد"},
    "unrestrict": {"en": "Lift the restriction", "de": "Einschränkung aufheben", "ar": "رفع التقييد"},
}
