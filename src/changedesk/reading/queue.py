"""The work that waits, oldest first, and what waits for a decision."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.clock import micros
from changedesk.base.ids import SubjectId
from changedesk.reading import lines, sight
from changedesk.reading.deciding import approve_action, open_to_decide, rule_views
from changedesk.reading.panels import Diff, Page
from changedesk.reading.people import People
from changedesk.reading.request_panels import ApprovalCard, QueueRow
from changedesk.reading.sight import Eyes, Sight
from changedesk.reading.timeline import BadCursor
from changedesk.reading.weigh import Weighed, weigh, weigh_asks
from changedesk.rules import policy
from changedesk.rules.access import Verb
from changedesk.rules.lifecycle import CUSTOMER_WORDS, ENDINGS, OPEN, RequestState
from changedesk.store import requests, subjects
from changedesk.store.history import moment
from changedesk.store.requests import QueueFilter, Request
from changedesk.store.settings_read import Configuration, configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, look
from changedesk.store.wire import Call

_S = RequestState
TABS: Final[Mapping[str, frozenset[RequestState]]] = {
    "open": OPEN,
    "customer": frozenset({_S.AWAITING_VERIFICATION, _S.AWAITING_CONSENT}),
    "approval": frozenset({_S.AWAITING_APPROVAL}),
    "returned": frozenset({_S.AWAITING_INFORMATION, _S.STALE}),
    "waiting": frozenset({_S.APPROVED, _S.SCHEDULED, _S.ON_HOLD}),
    "done": ENDINGS,
}
NEEDS: Final[Mapping[RequestState, str]] = {
    _S.SUBMITTED: "verification",
    _S.AWAITING_VERIFICATION: "verification",
    _S.AWAITING_CONSENT: "consent",
    _S.AWAITING_APPROVAL: "approval",
    _S.AWAITING_INFORMATION: "information",
    _S.STALE: "review",
    _S.APPROVED: "time",
    _S.SCHEDULED: "time",
    _S.ON_HOLD: "release",
}
LIMIT_MAX: Final = 200


def queue(
    *,
    actor: Actor,
    at: datetime,
    language: str,
    tab: str = "open",
    states: Iterable[str] | None = None,
    kind: str | None = None,
    channel: str | None = None,
    mine: bool = False,
    after: str | None = None,
    limit: int = 50,
) -> Page[QueueRow]:
    """Return a page of requests, oldest first. ``states`` go before ``tab``; unknown words of either find nothing.

    Raises Forbidden, BadCursor.
    """
    sight.require(actor, Verb.QUEUE_READ)
    known = {state.value: state for state in RequestState}
    wanted = TABS.get(tab, ()) if states is None else [known[one] for one in states if one in known]
    limit = max(1, min(limit, LIMIT_MAX))
    only = QueueFilter(list(wanted), kind=kind, channel=channel, entered_by=actor.id if mine else None)
    with look(actor.client) as seen:
        found = requests.queue(seen, only, after=place(after), limit=limit + 1)
        page = found[:limit]
        known_subjects, sights = _customers(seen, page, actor=actor, at=at)
    config = configuration(actor.client)
    people = People({item.entered_by for item in page}, viewer=actor, language=language)
    rows = tuple(
        row(item, known_subjects[item.person_id], _eyes(sights, item, config, language), people, actor=actor, at=at)
        for item in page
    )
    return Page(rows, next=cursor(page[-1].received_at, page[-1].id) if len(found) > limit else None)


def approvals(
    *,
    actor: Actor,
    at: datetime,
    language: str,
    kind: str | None = None,
    after: str | None = None,
    limit: int = 20,
) -> Page[ApprovalCard]:
    """Return a page of requests that wait for approval, each as far as deciding on it needs.

    The fields that a request changes are open to whoever may decide on it, and to nobody else for that reason.
    Raises Forbidden, BadCursor.
    """
    sight.require(actor, Verb.QUEUE_READ)
    config = configuration(actor.client)
    limit = max(1, min(limit, LIMIT_MAX))
    with look(actor.client) as seen:
        only = QueueFilter([RequestState.AWAITING_APPROVAL], kind=kind)
        found = requests.queue(seen, only, after=place(after), limit=limit + 1)
        page = found[:limit]
        evidence = weigh_asks(page, at=at) if page else ()
        known, sights = _customers(seen, page, actor=actor, at=at, also=evidence)
        weighed = weigh(seen, page, config.catalogue, at=at)
    people = People({item.entered_by for item in page}, viewer=actor, language=language)
    cards = tuple(
        _card(
            weighed[item.id],
            known,
            _eyes(sights, item, config, language),
            people,
            config,
            actor=actor,
            at=at,
        )
        for item in page
    )
    return Page(cards, next=cursor(page[-1].received_at, page[-1].id) if len(found) > limit else None)


def row(request: Request, subject: Subject, eyes: Eyes, people: People, *, actor: Actor, at: datetime) -> QueueRow:
    """Return one request as a line of the queue."""
    deadlines = policy.from_json(request.route).deadlines
    first = min(deadlines, key=lambda one: one.due) if deadlines and not request.ended else None
    expiry = None if request.ended else request.expires_at
    return QueueRow(
        id=request.id,
        ref=request.ref,
        subject=request.subject_id,
        title=sight.title(eyes, subject).text,
        kind=request.kind,
        kind_label=lines.kind_label(request.kind, eyes.language),
        channel=request.channel,
        state=request.state.value,
        word=CUSTOMER_WORDS[request.state],
        needs=NEEDS.get(request.state, "nothing"),
        age_seconds=max(0, int((at - request.received_at).total_seconds())),
        received_at=request.received_at,
        due_at=expiry if first is None else first.due,
        due_duty=("" if expiry is None else "expires") if first is None else first.duty,
        entered_by=people.show(request.entered_by),
        mine=request.entered_by == actor.id,
        version=request.version,
    )


def proposed(request: Request, subject: Subject, eyes: Eyes) -> tuple[Diff, ...]:
    """Return what a request would change, against what stands now; nothing when it is erased."""
    values = {} if request.proposal is None else request.proposal.values
    now = subject.values()
    return tuple(lines.diff(path, now.get(path), values.get(path), eyes) for path in request.fields if path in values)


def _card(
    one: Weighed,
    known: Mapping[SubjectId, Subject],
    eyes: Eyes,
    people: People,
    config: Configuration,
    *,
    actor: Actor,
    at: datetime,
) -> ApprovalCard:
    request = one.request
    approve = approve_action(one, actor)
    seen = open_to_decide(eyes, one, approve)
    return ApprovalCard(
        row=row(request, known[request.person_id], eyes, people, actor=actor, at=at),
        diff=proposed(request, known[request.subject_id], seen),
        reason=request.reason_code,
        note=request.proposal.note if request.proposal is not None and approve.allowed else "",
        level_needed=one.route.level,
        level_reached=one.hand.level,
        verified=tuple(dict.fromkeys(item.method for item in one.proofs)),
        consent_needed=one.route.consent,
        consent_given=one.hand.consented,
        approvals_needed=one.route.approvals,
        approvals_given=len(one.hand.approvers),
        rules=rule_views(one.route, config),
        approve=approve,
        digest=request.digest.hex(),
        version=request.version,
    )


def _customers(
    seen: Look, page: Sequence[Request], *, actor: Actor, at: datetime, also: Iterable[Call] = ()
) -> tuple[dict[SubjectId, Subject], dict[SubjectId, Sight]]:
    """Return whom some requests are about, and how the viewer sees them; what is ``also`` asked comes with it."""
    wanted = sorted({id_ for item in page for id_ in (item.subject_id, item.person_id)}, key=str)
    seen.ahead(*sight.load_asks(wanted, actor=actor, at=at), *also, last=True)
    known = subjects.load(seen, wanted)
    return known, sight.of_subjects(seen, known.values(), actor=actor, at=at)


def _eyes(sights: Mapping[SubjectId, Sight], item: Request, config: Configuration, language: str) -> Eyes:
    return Eyes(sights[item.person_id], config.catalogue, language)


def cursor(at: datetime, id: UUID) -> str:  # noqa: A002 - as everywhere
    """Return the place in a list behind a row of this moment and id."""
    return f"{micros(at)}.{id.hex}"


def place(after: str | None) -> tuple[datetime, UUID] | None:
    """Return the moment and id that a cursor stands for. Raises BadCursor."""
    if after is None:
        return None
    us, _, id_ = after.partition(".")
    try:
        return moment(int(us)).astimezone(UTC), UUID(hex=id_)
    except (ValueError, OverflowError):
        raise BadCursor from None
