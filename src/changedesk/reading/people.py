"""Who did something, as this viewer may be told."""

from collections.abc import Iterable, Mapping
from typing import Final

from changedesk.base.actor import Actor
from changedesk.reading.panels import ActorView
from changedesk.reading.sight import CUSTOMERS
from changedesk.reading.words import in_language
from changedesk.store import settings_read

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "customer": {"en": "Customer", "de": "Kunde", "ar": "العميل"},
    "representative": {"en": "Representative", "de": "Vertretung", "ar": "الممثل"},
    "automation": {"en": "Automation", "de": "Automatik", "ar": "النظام الآلي"},
    "desk": {"en": "Our service team", "de": "Unser Serviceteam", "ar": "فريق الخدمة لدينا"},
    "key": {"en": "Connected system", "de": "Angebundenes System", "ar": "نظام متصل"},
    "staff": {"en": "Former member of staff", "de": "Ehemals im Team", "ar": "موظف سابق"},
}
_DUTIES: Final[Mapping[str, Mapping[str, str]]] = {
    "alarm": {"en": "alarm", "de": "Alarm", "ar": "الإنذار"},
    "audit": {"en": "audit", "de": "Prüfung", "ar": "التدقيق"},
    "clock": {"en": "clock", "de": "Uhr", "ar": "الساعة"},
    "forgetting": {"en": "forgetting", "de": "Vergessen", "ar": "المحو"},
    "hooks": {"en": "hooks", "de": "Hooks", "ar": "الخطافات"},
    "keys": {"en": "keys", "de": "Schlüssel", "ar": "المفاتيح"},
    "notices": {"en": "notices", "de": "Benachrichtigungen", "ar": "الإشعارات"},
    "retention": {"en": "retention", "de": "Aufbewahrung", "ar": "الاحتفاظ"},
    "terminal": {"en": "terminal", "de": "Terminal", "ar": "سطر الأوامر"},
}
"""What the desk does by itself, or at the terminal, as people read it; any other word stands as it is."""


class People:
    """Looks up many names at once. Customers read that the desk did it, never who at the desk."""

    def __init__(self, ids: Iterable[str], *, viewer: Actor, language: str) -> None:
        self._language = language
        self._outside = viewer.type in CUSTOMERS
        wanted = frozenset(item for item in ids if item[:1] in ("s", "k"))
        self._names = settings_read.names(wanted) if wanted and not self._outside else {}
        self._shown: dict[str, ActorView] = {}

    def show(self, actor: str) -> ActorView:
        """Return an actor id as a person reads it."""
        shown = self._shown.get(actor)
        if shown is None:
            shown = self._shown[actor] = self._show(actor)
        return shown

    def _show(self, actor: str) -> ActorView:
        tag = _tag(actor)
        if self._outside:
            known = "desk" if tag in ("staff", "key") else tag
            return ActorView("", in_language(_WORDS[known], self._language), "desk" if known == "desk" else tag)
        name = self._names.get(actor)
        if name is None:
            name = in_language(_WORDS["representative" if actor == "representative" else tag], self._language)
            if tag == "automation" and actor[:2] == "a.":
                duty = _DUTIES.get(actor[2:])
                name = f"{name}: {actor[2:] if duty is None else in_language(duty, self._language)}"
        return ActorView(actor, name, tag)


def _tag(actor: str) -> str:
    if actor[:1] in ("s", "k") and actor[1:].isdigit():
        return "staff" if actor[0] == "s" else "key"
    if actor[:2] == "a.":
        return "automation"
    return "customer" if actor[:1] in ("c", "r") else "automation"
