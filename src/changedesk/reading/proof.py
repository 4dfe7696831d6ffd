"""The evidence of a request, ready to show: challenges, consents, decisions, and the ways that are still open."""

import hashlib
from dataclasses import replace
from datetime import datetime

from changedesk.base.actor import Actor
from changedesk.reading.people import People
from changedesk.reading.request_panels import ChallengeView, ConsentAsked, ConsentView, DecisionView, OfferView
from changedesk.reading.sight import CUSTOMERS, Eyes
from changedesk.reading.weigh import Weighed
from changedesk.rules import distrust, identity
from changedesk.rules.access import Verb, may
from changedesk.rules.lifecycle import OPEN
from changedesk.rules.values import mask
from changedesk.store import evidence, lately, subjects
from changedesk.store.evidence import Challenge, Consent
from changedesk.store.settings_read import Configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look


def reads_notes(actor: Actor) -> bool:
    """Say whether free text of the desk is for this viewer: who serves or decides, never customers or auditors."""
    return actor.type not in CUSTOMERS and (may(actor, Verb.VALUE_REVEAL) or may(actor, Verb.REQUEST_APPROVE))


def challenge_views(
    one: Weighed, subject: Subject, eyes: Eyes, people: People, *, at: datetime
) -> tuple[ChallengeView, ...]:
    """Return the request's challenges, and those of the caller that count for it, oldest first."""
    counting = {item.id for item in one.proofs}
    confirming = {
        item.id
        for item in one.challenges
        if item.purpose == identity.Purpose.NEW_CONTACT
        and item.state == "confirmed"
        and item.digest == one.request.digest
    }
    shown = {item.id: item for item in (*one.challenges, *one.proofs)}
    return tuple(
        ChallengeView(
            id=item.id,
            purpose=item.purpose,
            method=item.method,
            path=item.contact_path,
            label="" if item.contact_path is None else eyes.label(item.contact_path),
            contact=_contact(item, one, subject, eyes),
            state="expired" if item.state == "open" and at > item.expires_at else item.state,
            tries=item.tries,
            by=people.show(item.started_by),
            started_at=item.started_at,
            expires_at=item.expires_at,
            decided_at=item.decided_at,
            counts=item.id in counting or item.id in confirming,
        )
        for item in sorted(shown.values(), key=lambda item: (item.started_at, str(item.id)))
    )


def _contact(item: Challenge, one: Weighed, subject: Subject, eyes: Eyes) -> str:
    """Return where a code went, masked: the contact point of record, or the new one that answers for itself."""
    path = item.contact_path
    if path is None or path not in eyes.catalogue:
        return ""
    if item.purpose == identity.Purpose.NEW_CONTACT:
        values = {} if one.request.proposal is None else one.request.proposal.values
        return mask(eyes.catalogue[path], values.get(path), eyes.language)
    held = subject.state.get(path)
    # What the field holds by now is another contact point than the one that the code went to.
    if held is None or (item.contact_version is not None and held.ver != item.contact_version):
        return ""
    return mask(eyes.catalogue[path], held.value, eyes.language)


def offer_views(
    look: Look, one: Weighed, subject: Subject, config: Configuration, eyes: Eyes, *, at: datetime
) -> tuple[OfferView, ...]:
    """Return the ways to verify for a request that is open, the strongest first; those that are refused say why."""
    if one.request.state not in OPEN or subject.key is None:
        return ()
    changed, apps = lately.last_changed(look, subject), evidence.factors_of(look, subject)
    distrusted = distrust.distrusted(
        config.rules,
        config.catalogue,
        lambda: lately.with_held(look, {subject.id: changed}, subjects.accounts_of(look, subject.id), at=at)[
            subject.id
        ],
        industries=config.settings.industries,
        jurisdictions=config.settings.jurisdictions,
        at=at,
    )
    offered = identity.offers(
        config.catalogue,
        subject.values(),
        replace(one.route, methods_forbidden=(*one.route.methods_forbidden, *distrusted)),
        changed=one.request.fields if one.request.subject_id == subject.id else (),
        last_changed=changed,
        now=at,
        has_totp=bool(apps),
        too_new=distrust.too_new(
            config.rules,
            distrust.bound_lately(subject.created_at, [app.bound_at for app in apps]),
            frozenset(config.catalogue[path].category for path in one.request.fields if path in config.catalogue),
            industries=config.settings.industries,
            jurisdictions=config.settings.jurisdictions,
            at=at,
        ),
    )
    return tuple(_offer(item, subject, eyes) for item in offered)


def _offer(item: identity.Offer, subject: Subject, eyes: Eyes) -> OfferView:
    held = None if item.path is None else subject.state.get(item.path)
    return OfferView(
        method=item.method,
        path=item.path,
        label="" if item.path is None else eyes.label(item.path),
        contact="" if item.path is None or held is None else mask(eyes.catalogue[item.path], held.value, eyes.language),
        strength=item.strength,
        refused=item.refused_reason or "",
    )


def consent_asked(one: Weighed, config: Configuration, language: str) -> ConsentAsked | None:
    """Return the words that the customer is to agree to; None when nothing is asked, or it is agreed to."""
    name = one.route.consent
    if name is None or one.hand.consented or one.request.state not in OPEN:
        return None
    statement = config.statement(name)
    tongue = next(
        (
            tag
            for tag in (language, language.split("-", 1)[0], config.settings.default_language)
            if tag in statement.wording
        ),
        next(iter(statement.wording)),
    )
    return ConsentAsked(
        statement=name,
        version=statement.version,
        language=tongue,
        wording=statement.wording[tongue],
        languages=tuple(statement.wording),
    )


def consent_views(
    look: Look, one: Weighed, subject: Subject, config: Configuration, people: People, *, actor: Actor
) -> tuple[ConsentView, ...]:
    """Return what was agreed to, in the words that were said, checked against the hash stored with the consent."""
    return tuple(_consent(look, item, one, subject, config, people, actor) for item in one.consents)


def _consent(
    look: Look, item: Consent, one: Weighed, subject: Subject, config: Configuration, people: People, actor: Actor
) -> ConsentView:
    statement = config.statements.get((item.statement, item.version))
    wording = "" if statement is None else statement.wording.get(item.language, "")
    text = evidence.open_text(look, subject.key, item.request_id, item.evidence_ct) if reads_notes(actor) else ""
    return ConsentView(
        statement=item.statement,
        version=item.version,
        language=item.language,
        wording=wording,
        wording_as_stored=bool(wording) and hashlib.sha256(wording.encode()).digest() == item.wording_hash,
        way=item.way,
        evidence=text,
        by=people.show(item.recorded_by),
        given_at=item.given_at,
        counts=one.counts(item),
    )


def decision_views(
    look: Look, one: Weighed, subject: Subject, people: People, *, actor: Actor
) -> tuple[DecisionView, ...]:
    """Return who decided what. Customers are told the outcome, not who decided."""
    if actor.type in CUSTOMERS:
        return ()
    reads = reads_notes(actor)
    return tuple(
        DecisionView(
            by=people.show(item.actor),
            team=item.team,
            verdict=item.verdict,
            reason=item.reason_code or "",
            note=evidence.open_text(look, subject.key, item.request_id, item.note_ct) if reads else "",
            at=item.at,
            counts=one.counts(item),
        )
        for item in one.decisions
    )


def actors_of(one: Weighed) -> set[str]:
    """Return everybody who stands in a request's evidence, to look up their names at once."""
    return {
        *(item.started_by for item in (*one.challenges, *one.proofs)),
        *(item.recorded_by for item in one.consents),
        *(item.actor for item in one.decisions),
    }
