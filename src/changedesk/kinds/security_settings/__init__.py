"""How the customer signs in. The history holds the fact that something changed, never a secret.

An agent may start a reset; nobody at the desk ever sets or sees a password or an answer (OWASP ASVS 6.4.6).
"""

from collections.abc import Mapping, Sequence

from changedesk.base.json import State
from changedesk.kinds.effects import Announce, Effect
from changedesk.kinds.kind import Kind, Proposal

_RESET, _USERNAME = "security.password_reset", "security.username"


def asked(operation: str, values: Mapping[str, object], _before: State) -> Mapping[str, object]:
    """Take a started reset for what it is: a fact with no value to type."""
    return {**values, _RESET: "started"} if operation == "start_reset" else values


def operation_of(proposal: Proposal) -> str:
    """Name what values do: start_reset, remove, or set."""
    if proposal.after.get(_RESET) is not None:
        return "start_reset"
    gone = (None, "off", "removed")
    return "remove" if all(value in gone for value in proposal.after.values()) else "set"


def effects(proposal: Proposal) -> Sequence[Effect]:
    """Tell the systems that hold the secrets: what to reset, and to end open sessions."""
    told: list[Effect] = [Announce("security.sessions_end", {"fields": sorted(proposal.after)})]
    if proposal.after.get(_RESET) is not None:
        told.append(Announce("security.reset_started", {"what": "password"}))
    return told


KIND = Kind(
    name="security_settings",
    label={"en": "Sign-in and security", "de": "Anmeldung und Sicherheit", "ar": "تسجيل الدخول والأمان"},
    icon="shield-check",
    notice_subject={
        "en": "your sign-in and security settings",
        "de": "Ihre Anmelde- und Sicherheitseinstellungen",
        "ar": "إعدادات تسجيل الدخول والأمان الخاصة بك",
    },
    notice_words={
        _USERNAME: {"en": "your user name", "de": "Ihren Benutzernamen", "ar": "اسم المستخدم الخاص بك"},
        _RESET: {"en": "your password", "de": "Ihr Passwort", "ar": "كلمة المرور الخاصة بك"},
        "security.mfa": {
            "en": "your two-step sign-in",
            "de": "Ihre Anmeldung in zwei Schritten",
            "ar": "تسجيل الدخول بخطوتين",
        },
        "security.recovery_email": {
            "en": "your recovery e-mail address",
            "de": "Ihre E-Mail-Adresse zur Wiederherstellung",
            "ar": "بريدك الإلكتروني لاسترداد الحساب",
        },
        "security.recovery_phone": {
            "en": "your recovery phone number",
            "de": "Ihre Telefonnummer zur Wiederherstellung",
            "ar": "رقم هاتفك لاسترداد الحساب",
        },
    },
    form_order=(
        _USERNAME,
        _RESET,
        "security.mfa",
        "security.questions",
        "security.recovery_email",
        "security.recovery_phone",
    ),
    operations={
        "start_reset": {
            "en": "Start a password reset",
            "de": "Passwort zurücksetzen lassen",
            "ar": "بدء إعادة تعيين كلمة المرور",
        },
        "set": {"en": "Set or change", "de": "Einrichten oder ändern", "ar": "إعداد أو تغيير"},
        "remove": {"en": "Switch off or remove", "de": "Ausschalten oder entfernen", "ar": "إيقاف أو إزالة"},
    },
    asked=asked,
    operation_of=operation_of,
    effects=effects,
)
