"""Who is told what at one entry of the log, and by which way. Pure: nothing is read or sent here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from changedesk.base.actor import Channel
from changedesk.base.json import State
from changedesk.ledger.entry import EntryKind
from changedesk.rules.fields import Catalogue, Field, FieldType
from changedesk.rules.identity import SMS_TAG
from changedesk.rules.lifecycle import CUSTOMER_WORDS, ENDINGS, RequestState
from changedesk.rules.route import NoticeDuty, Route
from changedesk.rules.wording import SECURITY
from changedesk.store.past import Entry
from changedesk.store.requests import Request
from changedesk.store.settings_read import Configuration

_K = EntryKind
PLAIN: Final[Mapping[EntryKind, str]] = {
    _K.REQUEST_SUBMITTED: "received",
    _K.REQUEST_INFORMATION_ASKED: "action_needed",
    _K.IDENTITY_LAPSED: "action_needed",
    _K.REQUEST_APPROVED: "being_processed",
    _K.REQUEST_SCHEDULED: "being_processed",
    _K.REQUEST_HELD: "being_processed",
    _K.REQUEST_REJECTED: "declined",
    _K.REQUEST_WITHDRAWN: "cancelled",
    _K.REQUEST_CANCELLED: "cancelled",
    _K.REQUEST_EXPIRED: "cancelled",
    _K.CHANGE_APPLIED: "completed",
    _K.CHANGE_BACKDATED: "completed",
    _K.STATUS_CHANGED: "completed",
    _K.PLAN_CHANGED: "completed",
    _K.MERGE_APPLIED: "completed",
    _K.MERGE_UNDONE: "completed",
    _K.OWNERSHIP_TRANSFERRED: "completed",
    _K.CHANGE_REVERTED: "reverted",
    _K.REQUEST_DISPUTED: "disputed",
}
"""What the customer reads when an entry of a request is written."""
_DONE: Final = frozenset(kind for kind, event in PLAIN.items() if event in ("completed", "reverted"))
DUTIES: Final[Mapping[EntryKind, tuple[str, str]]] = {
    # New content is a new request to whoever must be warned of it.
    **dict.fromkeys((_K.REQUEST_SUBMITTED, _K.REQUEST_REVISED), ("security_requested", "requested")),
    **dict.fromkeys(_DONE, ("security_applied", "applied")),
}
"""The security notice of an entry, and the moment by which rules ask for it."""
OF_THE_CUSTOMER: Final[Mapping[EntryKind, str]] = {
    _K.FACTOR_BOUND: "factor_bound",
    _K.PRIVACY_ACKNOWLEDGED: "privacy_received",
    _K.PRIVACY_APPEALED: "privacy_received",
    _K.PRIVACY_DOUBTED: "privacy_asked",
    _K.PRIVACY_PAUSED: "privacy_asked",
    _K.PRIVACY_EXTENDED: "privacy_extended",
    _K.PRIVACY_REFUSED: "privacy_refused",
    _K.PRIVACY_ANSWERED: "privacy_answered",
}
"""What is told of an entry that is of no request: a new way to be taken for the customer, what became of what they
asked about their data."""
SPOKEN: Final = "spoken"
"""How somebody was told who needs no notice of it any more: in the same conversation (11 CCR 7021(a))."""
TOLD: Final = frozenset(PLAIN) | frozenset(DUTIES) | frozenset(OF_THE_CUSTOMER)
SILENT: Final = frozenset(
    {
        # Records from elsewhere, and what other requests do with them: nobody asked here.
        _K.CUSTOMER_CREATED,
        _K.ACCOUNT_CREATED,
        _K.CHANGE_RECORDED,
        _K.CHANGE_EFFECTIVE,
        _K.ERASURE_REQUESTED,
        _K.ERASURE_CONFIRMED,
        # Steps on the way, which the customer takes part in or which their next notice sums up.
        _K.IDENTITY_CHALLENGED,
        _K.IDENTITY_VERIFIED,
        _K.IDENTITY_FAILED,
        _K.CONSENT_RECORDED,
        _K.REQUEST_STALE,
        _K.HOLD_PLACED,
        _K.HOLD_RELEASED,
        _K.DISPUTE_RESOLVED,
        # What staff did, and what became of notices.
        _K.NOTICE_SENT,
        _K.NOTICE_FAILED,
        _K.NOTICE_RESENT,
        _K.RECORD_VIEWED,
        _K.VALUE_REVEALED,
        _K.RECORD_SEARCHED,
        _K.GLASS_BROKEN,
        _K.GLASS_REVIEWED,
        _K.ACCESS_CERTIFIED,
        _K.HOOK_CHANGED,
        _K.HOOK_RESENT,
        _K.EVIDENCE_EXPORTED,
        _K.DESK_OPENED,
        # Steps of a data-subject request that the person takes part in, or that its answer sums up.
        _K.PRIVACY_RECEIVED,
        _K.PRIVACY_IDENTIFIED,
        _K.PRIVACY_RESUMED,
        _K.PRIVACY_LINKED,
        _K.PRIVACY_STATED,
        _K.PRIVACY_DISCLOSED,
    }
)
"""Entries that nobody is told of, by choice."""

_PRESENT: Final = frozenset({Channel.PHONE, Channel.CHAT, Channel.IN_PERSON, Channel.WEB_PORTAL, Channel.MOBILE_APP})
"""The customer is still there to be asked, so that asking them by mail would only confuse."""
_OWED: Final = frozenset({RequestState.AWAITING_VERIFICATION, RequestState.AWAITING_CONSENT})


@dataclass(frozen=True, slots=True)
class Contact:
    """A way to reach the customer: email or sms, and the address."""

    channel: str
    to: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Telling:
    """One message to one contact point. ``channel`` is portal, and ``to`` empty, where there is no contact point."""

    event: str
    channel: str
    to: str = field(repr=False)
    linked: bool = False
    """Carries the link to dispute: only to contact points that were there before."""
    required: bool = False
    """A rule asks for it."""
    once: bool = False
    """Said once in the life of a request, however many entries call for it."""


def contacts(catalogue: Catalogue, state: State) -> list[Contact]:
    """Return the contact points of a state, each address once, in the catalogue's order."""
    found = [
        Contact(channel, str(state[item.path]))
        for item in catalogue.contact_points()
        if (channel := _channel(item)) is not None and state.get(item.path) is not None
    ]
    return list({_same(item): item for item in reversed(found)}.values())[::-1]


def _channel(item: Field) -> str | None:
    if item.type is FieldType.EMAIL:
        return "email"
    return "sms" if item.type is FieldType.PHONE and SMS_TAG in item.tags else None


def _same(item: Contact) -> tuple[str, str]:
    return item.channel, item.to.casefold()


def parcels_for(
    entry: Entry, request: Request, before: State, now: State, route: Route, config: Configuration
) -> list[Telling]:
    """Return whom an entry of a request is told to.

    ``before`` is the state ahead of what the entry tells of, ``now`` the one after it. A contact point that comes
    with ``now`` gets the plain word that it is done and nothing else: no security notice, no link to dispute.
    """
    prior = contacts(config.catalogue, before)
    known = {_same(item) for item in prior}
    new = [item for item in contacts(config.catalogue, now) if _same(item) not in known]
    hushed = {audience for audience, _ in route.suppressed}
    to_prior = not hushed & {"prior_contacts", "all_contacts"}
    to_new = not hushed & {"new_contacts", "all_contacts"}
    told: list[Telling] = []
    for event in _plain_events(entry, request):
        asked = _asked(route, entry.kind, security=False)
        told += _tell(event, prior, asked) if to_prior else []
        told += _tell(event, new, asked) if to_new else []
        if to_prior and to_new and not prior and not new:
            told.append(Telling(event, "portal", "", required=bool(asked), once=event == "being_processed"))
    asked = _asked(route, entry.kind, security=True)
    if asked and to_prior:
        event, _ = DUTIES[entry.kind]
        told += _tell(event, prior, asked) or [Telling(event, "portal", "", required=True)]
    return told


def parcels_of_the_customer(entry: Entry, now: State, config: Configuration) -> list[Telling]:
    """Return whom an entry of no request is told to: every contact point of record, ``now`` when it was written."""
    event = OF_THE_CUSTOMER[entry.kind]
    if entry.facts.get("way") == SPOKEN:
        return []
    told = [Telling(event, item.channel, item.to, required=True) for item in contacts(config.catalogue, now)]
    return told or [Telling(event, "portal", "", required=True)]


NEW_HOLDER: Final[Mapping[EntryKind, str]] = {
    **{kind: event for kind, event in PLAIN.items() if event in ("completed", "declined", "cancelled")},
    **dict.fromkeys((_K.REQUEST_SUBMITTED, _K.REQUEST_REVISED), "action_needed"),
}
"""What whoever is to take an account over reads: that it is for them to confirm, and every way in which it ends."""


def parcels_of_the_new_holder(entry: Entry, now: State, config: Configuration) -> list[Telling]:
    """Return what the other party of a transfer is told: at every contact point, and nothing of the account itself."""
    event = NEW_HOLDER.get(entry.kind)
    if event is None:
        return []
    told = [Telling(event, item.channel, item.to, required=True) for item in contacts(config.catalogue, now)]
    return told or [Telling(event, "portal", "", required=True)]


def _plain_events(entry: Entry, request: Request) -> Sequence[str]:
    event = PLAIN.get(entry.kind)
    if event == "received":
        # What is done at once is told once: one confirmation of an opt-out, not two (47 CFR 64.1200(a)(12)).
        done = request.state in ENDINGS and request.state_at == request.submitted_at
        waits = request.state in _OWED and request.channel not in _PRESENT
        return ("received", "action_needed") if waits else () if done else ("received",)
    if event == "being_processed" and CUSTOMER_WORDS[request.state] != "being processed":
        return ()  # it has moved on meanwhile: its next word is on the way
    if event == "cancelled" and entry.facts.get("cancel_reason") == "disputed":
        return ()  # the dispute itself is told
    return () if event is None else (event,)


def _asked(route: Route, kind: EntryKind, *, security: bool) -> list[NoticeDuty]:
    if kind not in DUTIES:
        return []
    _, moment = DUTIES[kind]
    return [duty for duty in route.notices if duty.event == moment and duty.security is security]


def _tell(event: str, to: Sequence[Contact], asked: Iterable[NoticeDuty]) -> list[Telling]:
    return [
        Telling(
            event,
            item.channel,
            item.to,
            linked=event in SECURITY,
            required=bool(asked),
            once=event == "being_processed",
        )
        for item in _through(to, list(asked))
    ]


def _through(to: Sequence[Contact], asked: Sequence[NoticeDuty]) -> Sequence[Contact]:
    """Keep to the ways that the rules name; where none of them reaches the customer, any way is better than none."""
    if not asked or any(not duty.channels for duty in asked):
        return to
    named = {channel for duty in asked for channel in duty.channels}
    return [item for item in to if item.channel in named] or to
