"""The alarm, by mail: a client's log is damaged, somebody broke the glass, a hook fails. Never what was found, nor who.

A damaged log is told to operators and auditors, once a failure; broken glass to who may review it, once each;
hooks that take nothing to administrators, once a day at most.

It is no notice to a customer: it is about no record, so it waits in a table of its own. A sender that dies is followed
by another one with the same Message-ID, so the same mail may arrive twice, and never not at all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid5

import structlog
from django.conf import settings

from changedesk.base.actor import automation
from changedesk.base.clock import now
from changedesk.base.ids import ClientId
from changedesk.base.refusal import NotFound
from changedesk.outbound.notices.send import transports
from changedesk.outbound.notices.transport import NotSent, Temporary, Transport, Unknown
from changedesk.rules.seeing import REVIEW_WITHIN
from changedesk.store import alarms, settings_read
from changedesk.store.alarms import Due
from changedesk.store.begin import begin
from changedesk.store.deliveries import Message

LEASE: Final = timedelta(seconds=60)
AT_ONCE: Final = 16
FIRST_WAIT: Final = timedelta(minutes=1)
ATTEMPTS_MAX: Final = 12
"""With doubling waits of at most an hour: about six hours."""
LONGEST_WAIT: Final = timedelta(hours=1)
log = structlog.get_logger("changedesk.alarm")


@dataclass(frozen=True, slots=True)
class _Letter:
    """What is told by which page of the desk, per language."""

    page: str
    subject: Mapping[str, str]
    body: Mapping[str, str]


_DAMAGED_SUBJECT: Final[Mapping[str, str]] = {
    "en": "{client}: the log is damaged",
    "de": "{client}: das Protokoll ist beschädigt",
    "ar": "{client}: السجل متضرر",
}
_DAMAGED_BODY: Final[Mapping[str, str]] = {
    "en": "An audit of {at} (UTC) found that the log of {client} is not what it was.\n\n"
    "First bad entry: {place} ({fault})\n\n"
    "Stop writing to this log, keep the database and the files as they are, and compare them with a backup.\n"
    "What is known stands here: {page}\n",
    "de": "Eine Prüfung vom {at} (UTC) hat ergeben, dass das Protokoll von {client} nicht mehr ist, was es war.\n\n"
    "Erster falscher Eintrag: {place} ({fault})\n\n"
    "Schreiben Sie nicht weiter in dieses Protokoll, lassen Sie Datenbank und Dateien, wie sie sind, und vergleichen"
    " Sie sie mit einer Sicherung.\nWas bekannt ist, steht hier: {page}\n",
    "ar": "أظهر تدقيق بتاريخ {at} (UTC) أن سجل {client} لم يعد كما كان.\n\n"
    "أول قيد فاسد: {place} ({fault})\n\n"
    "أوقفوا الكتابة في هذا السجل، وأبقوا قاعدة البيانات والملفات كما هي، وقارنوها بنسخة احتياطية.\n"
    "المعروف حتى الآن هنا: {page}\n",
}
_GLASS_SUBJECT: Final[Mapping[str, str]] = {
    "en": "{client}: somebody broke the glass",
    "de": "{client}: ein Notfallzugriff hat begonnen",
    "ar": "{client}: بدأ وصول طارئ",
}
_GLASS_BODY: Final[Mapping[str, str]] = {
    "en": "Since {at} (UTC) a member of your staff sees the values of all customers of {client} as if they were"
    " verified. It ends by itself at {until} (UTC).\n\n"
    "Another person reviews it within {hours} hours. Who it is and why stands here: {page}\n",
    "de": "Seit {at} (UTC) sieht jemand aus Ihrem Team die Werte aller Kunden von {client}, als wären sie verifiziert."
    " Das endet um {until} (UTC) von selbst.\n\n"
    "Eine andere Person prüft es innerhalb von {hours} Stunden. Wer es ist und warum, steht hier: {page}\n",
    "ar": "منذ {at} (UTC) يرى أحد موظفيكم قيم جميع عملاء {client} كما لو تم التحقق منهم. ينتهي ذلك تلقائيًا في"
    " {until} (UTC).\n\n"
    "يراجعه شخص آخر خلال {hours} ساعة. من هو ولماذا تجدونه هنا: {page}\n",
}
_HOOK_SUBJECT: Final[Mapping[str, str]] = {
    "en": "{client}: a hook does not take what it is sent",
    "de": "{client}: ein Hook nimmt nicht an, was ihm gesendet wird",
    "ar": "{client}: خطاف لا يستلم ما يُرسل إليه",
}
_HOOK_BODY: Final[Mapping[str, str]] = {
    "en": "On {at} (UTC) the system at {place} had not taken events of {client} that were sent to it.{state}\n\n"
    "Find out what is wrong there. Then send what was given up again, or follow the log from that place: {page}\n",
    "de": "Am {at} (UTC) hatte das System bei {place} Ereignisse von {client} nicht angenommen, die ihm gesendet"
    " wurden.{state}\n\nFinden Sie heraus, was dort nicht stimmt. Senden Sie dann erneut, was aufgegeben wurde, oder"
    " folgen Sie dem Protokoll von dieser Stelle an: {page}\n",
    "ar": "في {at} (UTC) لم يكن النظام لدى {place} قد استلم أحداث {client} التي أُرسلت إليه.{state}\n\n"
    "تحققوا مما يعطله هناك، ثم أعيدوا إرسال ما تم التخلي عنه، أو تابعوا السجل من ذلك الموضع: {page}\n",
}
_DISABLED: Final[Mapping[str, str]] = {
    "en": " It is disabled: nothing is sent to it any more.",
    "de": " Er ist abgeschaltet: Es wird ihm nichts mehr gesendet.",
    "ar": " وقد عُطّل: لن يُرسل إليه شيء بعد الآن.",
}
_HOOK: Final = _Letter("/c/{slug}/hooks", _HOOK_SUBJECT, _HOOK_BODY)
_DAMAGED: Final = _Letter("/c/{slug}/audit/integrity", _DAMAGED_SUBJECT, _DAMAGED_BODY)
_GLASS: Final = _Letter("/c/{slug}/break-glass", _GLASS_SUBJECT, _GLASS_BODY)
_NOWHERE: Final[Mapping[str, str]] = {"en": "not in the log", "de": "nicht im Protokoll", "ar": "ليس في السجل"}


def run(client_id: int) -> int:
    """Tell what is due for a client; return how many were tried. A duty of the worker."""
    client = ClientId(client_id)
    return tell(client, lambda: transports(client)["email"])


def tell(client: ClientId, way: Callable[[], Transport], *, clock: Callable[[], datetime] = now) -> int:
    """Send the alarms that are due; return how many were tried. Where no mail is set up they stand on the page only."""
    actor = automation(client, "alarm")
    with begin(actor) as tx:
        due = alarms.claim(tx, now=clock(), lease=LEASE, limit=AT_ONCE)
    for one in due:
        state, error, retry_at = _try(client, way(), one, at=clock())
        with begin(actor) as tx:
            alarms.finish(tx, one, state, at=clock(), error=error, retry_at=retry_at)
    return len(due)


def _try(client: ClientId, way: Transport, one: Due, *, at: datetime) -> tuple[str, str | None, datetime | None]:
    try:
        message = _message(client, one)
        way.send(uuid5(one.about, str(one.person)), message)
    except NotFound:
        return "failed", "nobody", None
    except Temporary as refused:
        if one.attempts >= ATTEMPTS_MAX:
            return "failed", refused.word, None
        return "pending", refused.word, at + min(FIRST_WAIT * 2 ** (one.attempts - 1), LONGEST_WAIT)
    except NotSent as refused:
        log.warning("alarm_not_sent", client_id=int(client), why=refused.word)
        return "unconfirmed" if isinstance(refused, Unknown) else "failed", refused.word, None
    return way.state, None, None


def _message(client: ClientId, one: Due) -> Message:
    """Return the mail to one person, in their language. Raises NotFound for who is no longer here."""
    person, known = settings_read.person(one.person), settings_read.client(client)
    if not person.active or not person.email:
        raise NotFound
    language = person.language.split("-", 1)[0]
    letter = _HOOK if one.place is not None else _DAMAGED if one.until is None else _GLASS
    told = {
        "client": known.name,
        "at": _minute(one.at),
        "fault": one.fault,
        "place": one.place or (_in(_NOWHERE, language) if one.idx is None else str(one.idx)),
        "state": _in(_DISABLED, language) if one.why else "",
        "until": "" if one.until is None else _minute(one.until),
        "hours": REVIEW_WITHIN // timedelta(hours=1),
        "page": settings.CHANGEDESK_PUBLIC_URL.rstrip("/") + letter.page.format(slug=known.slug),
    }
    return Message(
        to=person.email,
        subject=_in(letter.subject, language).format(**told),
        body=_in(letter.body, language).format(**told),
    )


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def _in(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language, texts["en"])
