"""The consumer that follows a client's log and queues the notices that its entries call for."""

import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import structlog
from babel.dates import format_date
from django.conf import settings

from changedesk.base.actor import automation
from changedesk.base.clock import micros, now
from changedesk.base.ids import ClientId, RequestId, SubjectId
from changedesk.base.json import Value
from changedesk.kinds import KINDS
from changedesk.ledger.commitment import FOREVER
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.fold import fold
from changedesk.ledger.value import decode_value
from changedesk.outbound.notices.whom import (
    OF_THE_CUSTOMER,
    TOLD,
    Telling,
    parcels_for,
    parcels_of_the_customer,
    parcels_of_the_new_holder,
)
from changedesk.rules import policy, rights, wording
from changedesk.rules.fields import FieldType
from changedesk.store import deliveries, evidence, keys, log, past, requests, subject_requests, subjects, untold
from changedesk.store.begin import begin
from changedesk.store.past import Entry
from changedesk.store.requests import Request
from changedesk.store.settings_read import Configuration, configuration, templates
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, Tx

CONSUMER: Final = "notices"
AT_ONCE: Final = 200
LINK_LIFE: Final = timedelta(days=14)
"""How long a link to dispute works: a mailbox that somebody else has by then must not lock the customer out."""
_CHANGES: Final = tuple(kind.value for kind in EntryKind if kind.bumps)
_log = structlog.get_logger("changedesk.notices")


def run(client_id: int) -> int:
    """Queue the notices of the next entries of a client's log; return how many entries that were.

    The notices, the links in them and the place in the log are written together, so that an entry is told of
    exactly once. One that cannot be read is noted (``store.untold``) and stepped over. Zero when another worker is at
    it.
    """
    client = ClientId(client_id)
    at = now()
    with begin(automation(client, CONSUMER)) as tx, log.following(tx, CONSUMER) as start:
        rows = [] if start is None else past.feed(tx, start=start, limit=AT_ONCE)
        if not rows:
            return 0
        untold.note(tx, _tell(tx, rows, at=at), at=at)
        log.advance(tx, CONSUMER, rows[-1].idx + 1)
    return len(rows)


def again(client_id: int, *, clock: Callable[[], datetime] = now) -> int:
    """Tell what was stepped over, where it can be read by now; return how many entries that were."""
    at = clock()
    with begin(automation(ClientId(client_id), CONSUMER)) as tx:
        places = untold.due(tx, now=at, limit=AT_ONCE)
        if not places:
            return 0
        rows = [row for place in places for row in past.feed(tx, start=place, limit=1) if row.idx == place]
        failed = {*_tell(tx, rows, at=at), *set(places).difference(row.idx for row in rows)}
        untold.note(tx, sorted(failed), at=at)
        untold.told(tx, [place for place in places if place not in failed])
    return len(places) - len(failed)


@dataclass(slots=True)
class _Made:
    """What is to be written for some entries: nothing is, until all of it could be made."""

    parcels: list[deliveries.Parcel] = field(default_factory=list)
    links: list[tuple[evidence.Dispute, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _About:
    """What a notice is about: one entry, of one request or of the customer as such."""

    entry: Entry
    request: Request | None
    subject: Subject
    config: Configuration
    language: str
    overrides: wording.Overrides


def _tell(tx: Tx, rows: Sequence[Any], *, at: datetime) -> list[int]:
    """Queue the notices of some entries; return the places of those that cannot be told of."""
    rows = [row for row in rows if EntryKind(row.kind) in (TOLD if row.request_id is not None else OF_THE_CUSTOMER)]
    if not rows:
        return []
    # What all of them need is asked for first: where that is missing, no entry is at fault, and none is stepped over.
    desk = configuration(tx.client), wording.overrides_of(templates(tx.client))
    keys.of_client(tx)
    made, failed = list[_Made](), list[int]()
    try:
        made.append(_made(tx, rows, *desk, at=at))
    except Exception:  # noqa: BLE001 - whose fault it is shows below; after one of the database nothing is committed
        for row in rows:
            try:
                made.append(_made(tx, [row], *desk, at=at))
            except Exception as fault:  # noqa: BLE001 - whatever it is, it must not keep the others' notices
                _log.error("entry_untold", client_id=int(tx.client), index=row.idx, fault=type(fault).__name__)
                failed.append(row.idx)
    for dispute, token in [link for some in made for link in some.links]:
        evidence.issue_dispute_link(tx, dispute, token)
    deliveries.enqueue(tx, [parcel for some in made for parcel in some.parcels], at=at)
    return failed


def _made(tx: Look, rows: Sequence[Any], config: Configuration, overrides: wording.Overrides, *, at: datetime) -> _Made:
    known = subjects.load(tx, {SubjectId(row.subject_id) for row in rows})
    asked = requests.load(tx, {RequestId(row.request_id) for row in rows if row.request_id is not None})
    made = _Made()
    for row in rows:
        subject, request = known[row.subject_id], None if row.request_id is None else asked[row.request_id]
        if subject.key is None:
            continue  # erased: there is nobody to tell any more
        entry = past.opened(tx, row, subject)
        for person, before, after in _audience(tx, subject, entry, request):
            about = _About(entry, request, person, config, _language(config, after), overrides)
            made.parcels += [_parcel(tx, telling, about, made, at=at) for telling in _tellings(about, before, after)]
    return made


def _tellings(about: _About, before: Mapping[str, Value], after: Mapping[str, Value]) -> list[Telling]:
    entry, request, config = about.entry, about.request, about.config
    if request is None or entry.kind in OF_THE_CUSTOMER:
        return parcels_of_the_customer(entry, after, config)
    if about.subject.id == _second(request) and request.kind == "ownership_transfer":
        return parcels_of_the_new_holder(entry, after, config)
    tellings = parcels_for(entry, request, before, after, policy.from_json(request.route), config)
    if about.subject.id == request.person_id:
        return tellings
    # Whoever else holds the account did not ask: they are warned, and spared the progress of it.
    return [telling for telling in tellings if telling.event in wording.SECURITY]


def _audience(
    tx: Look, subject: Subject, entry: Entry, request: Request | None
) -> list[tuple[Subject, Mapping[str, Value], Mapping[str, Value]]]:
    """Return whom an entry concerns, each with their state ahead of it and after it.

    A change of an account concerns everybody who holds it then (17 CFR 240.17a-3(a)(17): each joint owner).
    """
    moment = entry.recorded_at
    second = None if request is None else _second(request)
    found: list[tuple[Subject, Mapping[str, Value], Mapping[str, Value]]] = []
    if subject.type == "customer":
        found = [(subject, *_around(tx, subject, entry, request))]
        # The survivor of a merge that is asked for is warned in time; what is done stands in its own stream.
        people = [second] if second is not None and second != subject.id and not entry.kind.bumps else []
    else:
        held = [subject.id] if second is None or request is None or request.kind != "merge" else [subject.id, second]
        holders = [
            item.customer
            for item in subjects.holders_of(tx, held)
            if item.since <= moment and (item.until is None or item.until >= moment)
        ]
        people = [] if request is None else [request.person_id]
        people += [second] if request is not None and second is not None and request.kind != "merge" else []
        people = list(dict.fromkeys([*people, *holders]))
    for person in subjects.load(tx, people).values():
        if person.key is not None:
            texts = past.as_of(tx, person, known_at=moment, valid_at=moment)[1]
            state = {path: decode_value(text) for path, text in texts.items()}
            found.append((person, state, state))
    return found


def _second(request: Request) -> SubjectId | None:
    """Return the other party of a request: the survivor of a merge, the new holder of an account."""
    path = {"merge": "merge.into", "ownership_transfer": "transfer.to"}.get(request.kind)
    if path is None or request.proposal is None:
        return None
    try:
        return SubjectId(UUID(str(request.proposal.values.get(path))))
    except ValueError:
        return None  # it names nobody: whoever asked is told all the same


def _around(
    tx: Look, subject: Subject, entry: Entry, request: Request | None
) -> tuple[dict[str, Value], dict[str, Value]]:
    """Return the states ahead of and after what an entry tells of.

    Read as of the entry, not as of now: by the time it is told, the address of a thief may stand there.
    """
    if entry.kind.bumps:
        return _state(tx, subject, entry.version - 1, entry), _state(tx, subject, entry.version, entry)
    earlier = past.timeline(tx, subject, before=entry.id, limit=1, only=past.Filter(kinds=_CHANGES))
    after = _state(tx, subject, earlier[0].version if earlier else 0, entry)
    if request is not None and entry.kind is EntryKind.REQUEST_DISPUTED:
        return {**after, **_state(tx, subject, request.base_ver, entry)}, after
    return after, after


def _state(tx: Look, subject: Subject, version: int, entry: Entry) -> dict[str, Value]:
    if version <= 0:
        return {}
    if version == subject.ver and not subject.dated:
        return subject.values()
    stored, snapshot = past.versions(tx, subject, newest=version)
    texts = fold(stored, FOREVER, micros(entry.recorded_at), snapshot)
    return {path: decode_value(text) for path, text in texts.items()}


def _language(config: Configuration, state: Mapping[str, Value]) -> str:
    """Return the customer's own language where the client offers it, else the client's."""
    for item in config.catalogue:
        if item.type is FieldType.LANGUAGE and state.get(item.path) is not None:
            wanted = str(state[item.path]).split("-", 1)[0]
            if wanted in config.settings.languages:
                return wanted
    return config.settings.default_language


def _parcel(tx: Look, telling: Telling, about: _About, made: _Made, *, at: datetime) -> deliveries.Parcel:
    request = about.request
    link = _link(about.subject, request, about.config, made, at=at) if telling.linked and request is not None else ""
    text = _text(tx, telling, about, link)
    place = str(request.id) if telling.once and request is not None else str(about.entry.index)
    return deliveries.Parcel(
        subject=about.subject,
        dedupe=f"{place}:{telling.event}:{_recipient(tx, telling, about)}",
        event=telling.event,
        channel=telling.channel,
        language=about.language,
        message=deliveries.Message(to=telling.to, subject=text.subject, body=text.body),
        request=None if request is None else request.id,
        log_index=about.entry.index,
        required=telling.required,
        template=text.template,
    )


def _recipient(tx: Look, telling: Telling, about: _About) -> str:
    """Return what tells one recipient from another without telling who it is."""
    who = f"{telling.channel}\x00{telling.to.casefold()}\x00{about.subject.id}"
    return hmac.digest(keys.of_client(tx).code, b"recipient\x00" + who.encode(), "sha256").hex()[:32]


def _link(subject: Subject, request: Request, config: Configuration, made: _Made, *, at: datetime) -> str:
    token = secrets.token_urlsafe(32)
    dispute = evidence.Dispute(
        id=uuid4(),
        subject_id=subject.id,
        request_id=request.id,
        issued_at=at,
        expires_at=at + LINK_LIFE,
    )
    made.links.append((dispute, token))
    return f"{settings.CHANGEDESK_PUBLIC_URL}/p/{config.settings.slug}/wasnt-me/{token}"


def _of_privacy(tx: Look, telling: Telling, about: _About) -> wording.Text:
    """Return what is told of a data-subject request: its facts name codes, which become words here."""
    client, facts = about.config.settings, about.entry.facts
    why = next((words for code, words in _WHY.items() if code == facts.get("why")), {"en": ""})
    copy = facts.get("copy")
    link = ""
    if isinstance(copy, str):
        token = subject_requests.copy_token(tx, UUID(copy))
        link = f"{settings.CHANGEDESK_PUBLIC_URL}/p/{client.slug}/copy/{copy}/{token}"
    variables = {
        "client_name": client.name,
        "support": client.support_phone or client.support_url,
        "reference": str(facts["subject_request"]),
        "what": rights.say(rights.RIGHT_WORDS[rights.Right(str(facts["right"]))], about.language),
        "why": rights.say(why, about.language),
        "until": _day(facts.get("until"), about),
        "link": link,
    }
    try:
        return wording.notice_message(telling.event, telling.channel, variables, about.language, about.overrides)
    except wording.TemplateInvalid:
        return wording.notice_message(telling.event, telling.channel, variables, about.language)


_WHY: Final[Mapping[str, Mapping[str, str]]] = {
    **{ground.value: words for ground, words in rights.GROUND_WORDS.items()},
    **{delay.value: words for delay, words in rights.DELAY_WORDS.items()},
}


def _day(told: object, about: _About) -> str:
    if not isinstance(told, str):
        return ""
    day = datetime.fromisoformat(told).astimezone(ZoneInfo(about.config.settings.time_zone))
    return format_date(day.date(), "long", locale=about.language.split("-", 1)[0])


def _text(tx: Look, telling: Telling, about: _About, link: str) -> wording.Text:
    client, request = about.config.settings, about.request
    if telling.event in wording.PRIVACY:
        return _of_privacy(tx, telling, about)
    variables = {"client_name": client.name, "support": client.support_phone or client.support_url}
    if request is not None:
        kind = KINDS.get(request.kind)
        what = request.kind if kind is None else kind.summarise(request.fields, about.language, about.config.catalogue)
        variables |= {"reference": request.ref, "what": what, "link": link}
    try:
        return wording.notice_message(telling.event, telling.channel, variables, about.language, about.overrides)
    except wording.TemplateInvalid:
        # A client's own text that does not hold must not keep a customer from being told.
        return wording.notice_message(telling.event, telling.channel, variables, about.language)
