"""Everything about one request that a viewer may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from changedesk.base.actor import Actor
from changedesk.base.ids import SubjectId, parse_reference
from changedesk.base.refusal import NotFound
from changedesk.ledger.value import decode_value
from changedesk.reading import duties, lines, proof, sight, steps, words
from changedesk.reading.deciding import actions, approve_action, open_to_decide, rule_views
from changedesk.reading.notices import delivery_views
from changedesk.reading.panels import DeliveryView, Diff, DisputeView, HoldView
from changedesk.reading.people import People
from changedesk.reading.queue import NEEDS, proposed
from changedesk.reading.request_panels import (
    ConsentView,
    DecisionView,
    OfferView,
    RequestPanel,
    Strip,
)
from changedesk.reading.sight import Eyes, Sight
from changedesk.reading.timeline import INTERNAL, entry_views
from changedesk.reading.weigh import Weighed, weigh, weigh_asks
from changedesk.rules.access import Verb, may
from changedesk.rules.lifecycle import CUSTOMER_WORDS, RequestState
from changedesk.store import deliveries, evidence, past, requests, subjects
from changedesk.store.past import Entry
from changedesk.store.requests import Request
from changedesk.store.settings_read import Configuration, configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, look


@dataclass(frozen=True, slots=True)
class _Case:
    """What was read of one request: itself, what it changes, whose it is, its evidence and its history."""

    one: Weighed
    subject: Subject
    person: Subject
    sights: Mapping[SubjectId, Sight]
    eyes: Eyes
    history: list[Entry]
    before: dict[str, bytes]
    """What the changed fields held when it ended without being applied."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """The parts of the panel that need the database, ready to show."""

    people: People
    holds: tuple[HoldView, ...]
    notices: tuple[DeliveryView, ...]
    disputes: tuple[DisputeView, ...]
    offers: tuple[OfferView, ...]
    consents: tuple[ConsentView, ...]
    decisions: tuple[DecisionView, ...]


_PLAIN: Final = (
    "id", "ref", "kind", "operation", "initiated_by", "version", "revision", "channel", "effective_at", "received_at",
    "submitted_at", "state_at", "expires_at", "hold_until", "reverts", "applied_change",
)  # fmt: skip
"""What a request and its panel say in the same words."""


def request(ref: str, *, actor: Actor, at: datetime, language: str, show_codes: bool = False) -> RequestPanel:
    """Return one request with its route, evidence, notices and history, and what this viewer may do with it.

    ``show_codes`` as for ``notices.outbox``. Raises Forbidden, NotFound.
    """
    sight.require(actor, Verb.REQUEST_READ)
    config = configuration(actor.client)
    with look(actor.client) as seen:
        case = _read(seen, ref, config, actor=actor, at=at, language=language)
        shown = _gather(seen, case, config, actor=actor, at=at, show_codes=show_codes)
    return _panel(case, shown, config, actor=actor, at=at)


def _gather(seen: Look, case: _Case, config: Configuration, *, actor: Actor, at: datetime, show_codes: bool) -> _Shown:
    one, subject, eyes = case.one, case.subject, case.eyes
    asked = one.request
    person = case.person
    standing = evidence.active_holds(seen, sorted({subject.id, person.id}), now=at)
    holds = [item for item in standing if _concerns(item, asked)]
    sent = deliveries.of_request(seen, asked.id) if may(actor, Verb.NOTICE_READ, subject=person.id) else []
    told = {asked.requested_by, asked.entered_by, *(item.placed_by for item in holds), *proof.actors_of(one)}
    people = People(told, viewer=actor, language=eyes.language)
    return _Shown(
        people=people,
        holds=tuple(lines.hold_view(item, people) for item in holds),
        notices=delivery_views(sent, actor=actor, show_codes=show_codes),
        disputes=lines.dispute_views(evidence.disputes_of(seen, [asked.id]), {asked.id: asked.ref}),
        offers=proof.offer_views(seen, one, person, config, eyes, at=at),
        consents=proof.consent_views(seen, one, subject, config, people, actor=actor),
        decisions=proof.decision_views(seen, one, subject, people, actor=actor),
    )


def _panel(case: _Case, shown: _Shown, config: Configuration, *, actor: Actor, at: datetime) -> RequestPanel:
    one, eyes, people = case.one, case.eyes, shown.people
    asked, proposal, language = one.request, one.request.proposal, eyes.language
    outside, reads = actor.type in sight.CUSTOMERS, proof.reads_notes(actor)
    called = sight.title(eyes, case.person)
    deciding = open_to_decide(eyes, one, approve_action(one, actor))
    reason = config.reason_codes.get(asked.reason_code)
    history = [item for item in case.history if not outside or item.kind not in INTERNAL]
    return RequestPanel(
        **{name: getattr(asked, name) for name in _PLAIN},
        subject=asked.subject_id,
        person=asked.person_id,
        title=called.text,
        title_masked=called.masked,
        kind_label=lines.kind_label(asked.kind, language),
        state=asked.state.value,
        word=CUSTOMER_WORDS[asked.state],
        needs=NEEDS.get(asked.state, "nothing"),
        etag=f'"{asked.version}"',
        digest=asked.digest.hex(),
        interaction="" if outside else asked.interaction or "",
        requested_by=people.show(asked.requested_by),
        entered_by=people.show(asked.entered_by),
        on_behalf_of=asked.on_behalf_of or "",
        reason=asked.reason_code,
        reason_label=asked.reason_code if reason is None else words.in_language(reason.label, language),
        note=proposal.note if proposal is not None and reads else "",
        message=proposal.message if proposal is not None and (outside or reads) else "",
        steps=steps.steps(one),
        diff=_diff(case, deciding),
        erased=proposal is None,
        strip=_strip(one, eyes, config, outside=outside, at=at),
        challenges=proof.challenge_views(one, case.person, eyes, people, at=at),
        offers=shown.offers,
        consent_asked=proof.consent_asked(one, config, language),
        consents=shown.consents,
        decisions=shown.decisions,
        holds=shown.holds,
        notices=shown.notices,
        disputes=shown.disputes,
        history=entry_views(
            history,
            {**case.sights, case.subject.id: deciding.sight},
            config.catalogue,
            actor=actor,
            language=language,
        ),
        actions=actions(one, actor),
    )


def _read(seen: Look, ref: str, config: Configuration, *, actor: Actor, at: datetime, language: str) -> _Case:
    canonical = parse_reference(ref)
    asked = None if canonical is None else requests.by_ref(seen, canonical)
    if asked is None:
        raise NotFound
    people = list(dict.fromkeys([asked.person_id, asked.subject_id]))
    seen.ahead(
        *(one for who in people for one in sight.find_asks(who, actor=actor, at=at)),
        *weigh_asks([asked], at=at),
        evidence.holds_on(sorted(people), now=at),
        deliveries.of_request_asks(asked.id),
        past.of_request_asks(asked.id),
        evidence.disputes_asks([asked.id]),
        evidence.factors_asks(asked.person_id),
        subjects.accounts_of_asks(asked.person_id),
        # An ended one is shown against its own time, asked of the same snapshot; so is what is a customer's own.
        last=not asked.ended and actor.type not in sight.CUSTOMERS,
    )
    # Another customer's reference looks like none at all.
    subject, _ = sight.find(seen, asked.subject_id, actor=actor)
    person = subject if asked.person_id == subject.id else sight.find(seen, asked.person_id, actor=actor)[0]
    sights = sight.of_subjects(seen, [person], actor=actor, at=at)
    eyes = Eyes(sights[person.id], config.catalogue, language)
    before: dict[str, bytes] = {}
    if asked.ended and asked.state is not RequestState.APPLIED and subject.key is not None:
        # What stands now may be the work of later changes: an ended request is shown against its own time.
        moment = asked.state_at
        before = past.as_of(seen, subject, known_at=moment, valid_at=moment)[1]
    return _Case(
        one=weigh(seen, [asked], config.catalogue, at=at)[asked.id],
        subject=subject,
        person=person,
        sights=sights,
        eyes=eyes,
        history=past.of_request(seen, asked.id, [subject, person]),
        before=before,
    )


def _concerns(hold: evidence.Hold, asked: Request) -> bool:
    # While a request is open, every hold on its customer may stop it; afterwards only those that it brought about.
    return not asked.ended or hold.request_id == asked.id


def _diff(case: _Case, eyes: Eyes) -> tuple[Diff, ...]:
    asked = case.one.request
    if asked.state is RequestState.APPLIED:
        made: Sequence[Entry] = [item for item in case.history if item.change == asked.applied_change]
        return tuple(one for item in made for one in lines.diff_of_entry(item, eyes))
    if not asked.ended:
        return proposed(asked, case.subject, eyes)
    values = {} if asked.proposal is None else asked.proposal.values
    return tuple(
        lines.diff(path, decode_value(case.before[path]) if path in case.before else None, values.get(path), eyes)
        for path in asked.fields
        if path in values
    )


def _strip(one: Weighed, eyes: Eyes, config: Configuration, *, outside: bool, at: datetime) -> Strip:
    return duties.strip(
        one.route,
        level=one.hand.level,
        new_contacts=[eyes.label(path) for path in one.new_contacts],
        confirmed=one.hand.new_contacts_confirmed or not one.new_contacts,
        consented=one.hand.consented,
        approvals=len(one.hand.approvers),
        rules=() if outside else rule_views(one.route, config),
        at=None if one.request.ended else at,
    )
