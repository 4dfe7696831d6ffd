"""Consent: which words, in which language, given how, for exactly which change."""

import hashlib
from dataclasses import replace
from datetime import datetime

from changedesk.base.actor import Actor
from changedesk.flow import progress
from changedesk.flow.asking import Gone, Receipt
from changedesk.flow.named import TooLate, on_request
from changedesk.flow.writing import Writing
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules import consent as rules
from changedesk.rules.access import Verb
from changedesk.rules.approval import DifferentContent
from changedesk.rules.lifecycle import OPEN
from changedesk.rules.values import screen_text
from changedesk.store import evidence, once, subjects
from changedesk.store.requests import Request
from changedesk.store.settings_read import configuration
from changedesk.store.tx import Tx


def record_consent(
    ref: str,
    *,
    statement: str,
    version: int,
    language: str,
    way: str,
    evidence_text: str = "",
    digest: str | None = None,
    actor: Actor,
    at: datetime,
    key: once.Once | None = None,
) -> Receipt:
    """Record that the customer agreed to a wording, for exactly what the request holds.

    ``digest`` (hex) is what the asker read to the customer: another content by now is DifferentContent.
    ``evidence_text`` says where the proof lies; it is sealed. Raises WayUnknown, WrongStatement, WordingUnknown.
    """

    def act(tx: Tx, request: Request, writing: Writing) -> Request:
        if request.state not in OPEN:
            raise TooLate(state=request.state.value)
        if digest is not None and digest != request.digest.hex():
            raise DifferentContent
        words = rules.require_wording(
            configuration(tx.client).statements,
            wanted=request.needs_consent,
            statement=statement,
            version=version,
            language=language,
            way=way,
        )
        given = evidence.Consent(
            request_id=request.id,
            digest=request.digest,
            statement=statement,
            version=version,
            language=language,
            wording_hash=hashlib.sha256(words.encode()).digest(),
            way=way,
            evidence_ct=_sealed(tx, request, evidence_text) if evidence_text else None,
            recorded_by=actor.id,
            given_at=at,
        )
        return _agreed(writing, request, given, actor=actor, at=at)

    verb = Verb.CONSENT_RECORD
    return on_request(ref, act, verb=verb, seen_version=None, weighs=True, actor=actor, at=at, key=key)


def _agreed(writing: Writing, request: Request, given: evidence.Consent, *, actor: Actor, at: datetime) -> Request:
    """Record a consent, where its content has none yet, and take the request on."""
    hand, tx = progress.in_hand(writing, [request], at=at), writing.tx
    if given.digest not in {one.digest for one in hand.consents}:
        evidence.give_consent(tx, given)
        hand = replace(hand, consents=[*hand.consents, given])
        facts = _told(given)
        progress.observe(tx, [request], EntryKind.CONSENT_RECORDED, actor=actor, at=at, facts=facts, writing=writing)
    return progress.advance(tx, [request], actor=actor, at=at, hand=hand, writing=writing)[request.id]


def _told(given: evidence.Consent) -> dict[str, Json]:
    return {
        "statement": given.statement,
        "version": given.version,
        "language": given.language,
        "way": given.way,
        "wording": given.wording_hash.hex(),
    }


def _sealed(tx: Tx, request: Request, text: str) -> bytes:
    key = subjects.load(tx, [request.subject_id])[request.subject_id].key
    if key is None:
        raise Gone
    return evidence.seal_text(tx, key, request.id, screen_text(text).text)
