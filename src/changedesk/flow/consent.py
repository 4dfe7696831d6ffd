"""Consent: which words, in which language, given how, for exactly which change."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from changedesk.base.actor import Actor
from changedesk.base.ids import RequestId
from changedesk.base.outcome import Outcome
from changedesk.base.refusal import Refusal
from changedesk.flow import progress
from changedesk.flow.asking import Gone, Receipt
from changedesk.flow.named import Named, TooLate, on_requests
from changedesk.flow.writing import Writing
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules import consent as rules
from changedesk.rules.access import Verb
from changedesk.rules.approval import DifferentContent
from changedesk.rules.lifecycle import OPEN
from changedesk.rules.values import screen_text
from changedesk.store import evidence
from changedesk.store.evidence import Consent
from changedesk.store.requests import Request
from changedesk.store.settings_read import configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement(Named):
    """A customer's yes to a wording, for exactly what a request holds.

    ``digest`` (hex) is what the asker read to the customer, where they say so. ``evidence_text`` says where the proof
    lies; it is sealed.
    """

    statement: str
    version: int
    language: str
    way: str
    evidence_text: str = field(default="", repr=False)
    digest: str | None = None


def record_consents(items: Sequence[Agreement], *, actor: Actor, at: datetime) -> Outcome[Receipt]:
    """Record that customers agreed to wordings; each request goes as far as its evidence carries it then.

    Refused by place: another content by now is DifferentContent; and WayUnknown, WrongStatement, WordingUnknown.
    """

    def act(writing: Writing, asked: Mapping[int, Request], refused: dict[int, Refusal]) -> Mapping[int, Request]:
        hand = progress.in_hand(writing, list(asked.values()), at=at)
        agreed: dict[int, Consent] = {}
        for place, request in asked.items():
            try:
                agreed[place] = _given(writing, request, items[place], actor=actor, at=at)
            except Refusal as refusal:
                refused[place] = refusal
        there = {(one.request_id, one.digest) for one in hand.consents}
        new = {one.request_id: one for one in agreed.values() if (one.request_id, one.digest) not in there}
        moving = [asked[place] for place in agreed]
        evidence.give_consents(writing.tx, list(new.values()))
        _observe(writing, [item for item in moving if item.id in new], new, actor=actor, at=at)
        evident = replace(hand, consents=[*hand.consents, *new.values()])
        now = progress.advance(writing.tx, moving, actor=actor, at=at, hand=evident, writing=writing)
        return {place: now[asked[place].id] for place in agreed}

    return on_requests(items, act, verb=Verb.CONSENT_RECORD, weighs=True, actor=actor, at=at)


def _given(writing: Writing, request: Request, item: Agreement, *, actor: Actor, at: datetime) -> Consent:
    if request.state not in OPEN:
        raise TooLate(state=request.state.value)
    if item.digest is not None and item.digest != request.digest.hex():
        raise DifferentContent
    words = rules.require_wording(
        configuration(writing.tx.client).statements,
        wanted=request.needs_consent,
        statement=item.statement,
        version=item.version,
        language=item.language,
        way=item.way,
    )
    return Consent(
        request_id=request.id,
        digest=request.digest,
        statement=item.statement,
        version=item.version,
        language=item.language,
        wording_hash=hashlib.sha256(words.encode()).digest(),
        way=item.way,
        evidence_ct=_sealed(writing, request, item.evidence_text) if item.evidence_text else None,
        recorded_by=actor.id,
        given_at=at,
    )


def _observe(
    writing: Writing, agreed: Sequence[Request], given: Mapping[RequestId, Consent], *, actor: Actor, at: datetime
) -> None:
    each = {id_: _told(one) for id_, one in given.items()}
    progress.observe(writing.tx, agreed, EntryKind.CONSENT_RECORDED, actor=actor, at=at, each=each, writing=writing)


def _told(given: Consent) -> dict[str, Json]:
    return {
        "statement": given.statement,
        "version": given.version,
        "language": given.language,
        "way": given.way,
        "wording": given.wording_hash.hex(),
    }


def _sealed(writing: Writing, request: Request, text: str) -> bytes:
    key = writing.subjects([request.subject_id])[request.subject_id].key
    if key is None:
        raise Gone
    return evidence.seal_text(writing.tx, key, request.id, screen_text(text).text)
