"""What a person may ask about their own data, on what grounds that may be refused, and the words for both."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Right(StrEnum):
    """A sort of data-subject request. The know, delete and correct of US states are access, erasure, rectification."""

    ACCESS = "access"
    PORTABILITY = "portability"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    OBJECTION = "objection"
    OPT_OUT = "opt_out"
    AMENDMENT = "amendment"
    """Of a health or education record, appended to it (45 CFR 164.526, 34 CFR 99.20)."""
    ACCOUNTING = "accounting"
    """Of disclosures (45 CFR 164.528)."""


class Ground(StrEnum):
    """Why a request is refused: the closed set. Each stands in a law named in ``docs/data-subject-requests.md``."""

    IDENTITY_UNVERIFIED = "identity_unverified"
    MANIFESTLY_UNFOUNDED = "manifestly_unfounded"
    EXCESSIVE = "excessive"
    LEGAL_OBLIGATION = "legal_obligation"
    LEGAL_CLAIMS = "legal_claims"
    RIGHTS_OF_OTHERS = "rights_of_others"
    ACCURATE_AND_COMPLETE = "accurate_and_complete"
    NOT_OUR_RECORD = "not_our_record"
    FRAUDULENT = "fraudulent"
    NO_SUCH_RIGHT = "no_such_right"
    WITHDRAWN = "withdrawn"


class Delay(StrEnum):
    """Why more time is taken: what the laws that give it name."""

    COMPLEX = "complex"
    NUMEROUS = "numerous"
    ARCHIVED = "archived"


CATEGORY: Final[Mapping[Right, str]] = {
    Right.ACCESS: "privacy.access",
    Right.PORTABILITY: "privacy.port",
    Right.RECTIFICATION: "privacy.correct",
    Right.ERASURE: "privacy.erase",
    Right.RESTRICTION: "privacy.restrict",
    Right.OBJECTION: "privacy.object",
    Right.OPT_OUT: "pref.marketing",
    Right.AMENDMENT: "privacy.amend",
    Right.ACCOUNTING: "privacy.accounting",
}
"""The word of the change taxonomy that rules match."""
COPIES: Final = frozenset({Right.ACCESS, Right.PORTABILITY, Right.ACCOUNTING})
"""Answered by handing something over."""
CARRIED_OUT: Final[Mapping[Right, frozenset[str]]] = {
    Right.RECTIFICATION: frozenset(),
    Right.AMENDMENT: frozenset(),
    Right.ERASURE: frozenset({"erasure"}),
    Right.RESTRICTION: frozenset({"restriction"}),
}
"""Answered by an applied change request, of one of these kinds; empty: of any kind."""
DISAGREEABLE: Final = frozenset({Right.RECTIFICATION, Right.AMENDMENT})
"""Refused, the person may put a statement of disagreement beside the record (45 CFR 164.526(d), APP 13.4)."""

RIGHT_WORDS: Final[Mapping[Right, Mapping[str, str]]] = {
    Right.ACCESS: {"en": "a copy of your data", "de": "eine Kopie Ihrer Daten", "ar": "نسخة من بياناتك"},
    Right.PORTABILITY: {
        "en": "your data in a form that you can take elsewhere",
        "de": "Ihre Daten zum Mitnehmen",
        "ar": "بياناتك بصيغة يمكنك نقلها",
    },
    Right.RECTIFICATION: {
        "en": "the correction of your data",
        "de": "die Berichtigung Ihrer Daten",
        "ar": "تصحيح بياناتك",
    },
    Right.ERASURE: {"en": "the erasure of your data", "de": "die Löschung Ihrer Daten", "ar": "محو بياناتك"},
    Right.RESTRICTION: {
        "en": "that your data is kept and not used",
        "de": "die Einschränkung der Verarbeitung",
        "ar": "تقييد استخدام بياناتك",
    },
    Right.OBJECTION: {
        "en": "your objection to the use of your data",
        "de": "Ihren Widerspruch gegen die Verarbeitung",
        "ar": "اعتراضك على استخدام بياناتك",
    },
    Right.OPT_OUT: {
        "en": "that your data is not sold, shared or used for marketing",
        "de": "den Ausschluss von Werbung und Weitergabe",
        "ar": "عدم بيع بياناتك أو مشاركتها أو استخدامها للتسويق",
    },
    Right.AMENDMENT: {
        "en": "the amendment of your record",
        "de": "die Ergänzung Ihrer Akte",
        "ar": "تعديل سجلك",
    },
    Right.ACCOUNTING: {
        "en": "the list of those who were given your data",
        "de": "die Aufstellung, wer Ihre Daten erhalten hat",
        "ar": "قائمة الجهات التي تسلمت بياناتك",
    },
}
"""As they stand in a sentence to the person: you asked us for ..."""

GROUND_WORDS: Final[Mapping[Ground, Mapping[str, str]]] = {
    Ground.IDENTITY_UNVERIFIED: {
        "en": "we could not verify that the request comes from you",
        "de": "wir konnten nicht prüfen, dass der Antrag von Ihnen kommt",
        "ar": "لم نتمكن من التحقق من أن الطلب صادر عنك",
    },
    Ground.MANIFESTLY_UNFOUNDED: {
        "en": "the request is manifestly unfounded",
        "de": "der Antrag ist offenkundig unbegründet",
        "ar": "من الواضح أن الطلب لا أساس له",
    },
    Ground.EXCESSIVE: {
        "en": "the request repeats earlier ones and is excessive",
        "de": "der Antrag wiederholt frühere und ist exzessiv",
        "ar": "الطلب متكرر ومفرط",
    },
    Ground.LEGAL_OBLIGATION: {
        "en": "a law obliges us to keep this data as it is",
        "de": "ein Gesetz verpflichtet uns, diese Daten so aufzubewahren",
        "ar": "يلزمنا القانون بحفظ هذه البيانات كما هي",
    },
    Ground.LEGAL_CLAIMS: {
        "en": "the data is needed for a legal claim",
        "de": "die Daten werden für Rechtsansprüche gebraucht",
        "ar": "البيانات لازمة لمطالبة قانونية",
    },
    Ground.RIGHTS_OF_OTHERS: {
        "en": "it would harm the rights of other people",
        "de": "die Rechte anderer Personen würden verletzt",
        "ar": "لأن ذلك يمس حقوق أشخاص آخرين",
    },
    Ground.ACCURATE_AND_COMPLETE: {
        "en": "the record is accurate and complete",
        "de": "die Angaben sind richtig und vollständig",
        "ar": "السجل صحيح وكامل",
    },
    Ground.NOT_OUR_RECORD: {
        "en": "the record was not made by us; ask whoever made it",
        "de": "die Angaben stammen nicht von uns; wenden Sie sich an die Stelle, von der sie kommen",
        "ar": "لم ننشئ هذا السجل؛ توجه إلى من أنشأه",
    },
    Ground.FRAUDULENT: {
        "en": "we have reason to believe that the request is fraudulent",
        "de": "wir haben Grund zu der Annahme, dass der Antrag betrügerisch ist",
        "ar": "لدينا ما يدعو إلى الاعتقاد بأن الطلب احتيالي",
    },
    Ground.NO_SUCH_RIGHT: {
        "en": "the law that applies does not give this right here",
        "de": "das anwendbare Recht gibt diesen Anspruch hier nicht",
        "ar": "القانون المنطبق لا يمنح هذا الحق هنا",
    },
    Ground.WITHDRAWN: {
        "en": "you withdrew the request",
        "de": "Sie haben den Antrag zurückgenommen",
        "ar": "لقد سحبت الطلب",
    },
}
DELAY_WORDS: Final[Mapping[Delay, Mapping[str, str]]] = {
    Delay.COMPLEX: {"en": "it is complex", "de": "er ist komplex", "ar": "لأنه معقد"},
    Delay.NUMEROUS: {
        "en": "there are many requests of yours",
        "de": "es liegen viele Anträge von Ihnen vor",
        "ar": "لكثرة طلباتك",
    },
    Delay.ARCHIVED: {
        "en": "records have to be brought from an archive",
        "de": "Unterlagen müssen aus einem Archiv geholt werden",
        "ar": "لأنه يجب جلب سجلات من الأرشيف",
    },
}


def say(words: Mapping[str, str], language: str) -> str:
    """Return a word in a language, English where there is none."""
    return words.get(language.split("-", 1)[0], words["en"])
