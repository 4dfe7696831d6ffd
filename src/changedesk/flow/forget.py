"""Forgetting, step by step (ledger design, section 8). Every step may run again; killed anywhere, it finishes.

1. ``start``, in the transaction that applies the request: what goes and what the law keeps is decided, the job stands.
   When everything goes the key is destroyed here: from this commit on nothing is read.
2. The journal outside the database has it, synced. Only then
3. what was sealed is emptied, or sealed anew without what goes, and ``erasure.confirmed`` is written: one transaction.

The person's last message waits under a key of its own until it is sent, for a day at the most; then it goes too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from msgspec import structs

from changedesk.base.actor import Actor, automation
from changedesk.base.clock import micros
from changedesk.base.ids import ChangeId, ClientId, RequestId, SubjectId, uuid7
from changedesk.flow import family, left_behind, weighing
from changedesk.flow.family import Weighed
from changedesk.flow.indexing import terms_for
from changedesk.flow.observed import observe, request_facts
from changedesk.flow.whose import language_of
from changedesk.kinds import KINDS
from changedesk.ledger.commitment import FOREVER, Assertion
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json, encode_value
from changedesk.rules import wording
from changedesk.rules.fields import Field, FieldType
from changedesk.rules.forgetting import Decision, Verdict
from changedesk.rules.identity import SMS_TAG
from changedesk.rules.status import RESTRICTED_BY_LAW
from changedesk.store import deliveries, erasure_journal, forget, history, keys, links, requests, subjects
from changedesk.store.begin import begin
from changedesk.store.forget import Job
from changedesk.store.requests import Request
from changedesk.store.settings_read import Configuration, configuration, templates
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look, Tx, look

AT_ONCE: Final = 20
PATIENCE: Final = timedelta(days=1)
"""So long the last message may take; what could not be sent by then is not sent."""
TOLD_AS: Final = "erased"
"""The notice that says what was erased."""


def start(tx: Tx, request: Request, classes: Sequence[str], *, actor: Actor, at: datetime) -> None:
    """Begin an erasure in the transaction that applies its request. The subject is locked by then."""
    subject = subjects.load(tx, [request.subject_id])[request.subject_id]
    config = configuration(tx.client)
    # Read under the lock: what is merged into a locked record stays so.
    first, *merged = family.weigh(tx, config, subject, classes, at=at)
    left = left_behind.of(tx, config, subject, classes, at=at)
    job = replace(
        _of_request(first, request, classes, actor=actor, at=at),
        last_word=_say(tx, config, subject, request, at=at),
        accounts=[one.plain() for one in left],
    )
    _begin(tx, job, subject, actor=actor, at=at)
    for one in merged:
        beside = replace(_of_request(one, request, classes, actor=actor, at=at), cause="merged", along=job.id)
        facts: dict[str, Json] = {**request_facts(request), "cause": beside.cause, "survivor": str(subject.id)}
        _begin(tx, beside, one.subject, actor=actor, at=at)
        # Where an erasure of that record was begun meanwhile, the database refuses this entry, and all is tried again.
        _note(tx, beside, facts, actor=actor, at=at)


def _of_request(one: Weighed, request: Request, classes: Sequence[str], *, actor: Actor, at: datetime) -> Job:
    return Job(
        id=uuid4(),
        subject_id=one.subject.id,
        request_id=request.id,
        cause="request",
        whole=weighing.is_whole(one.decisions, classes),
        decisions=[plain(decision) for decision in one.decisions],
        recipients=[str(recipient) for recipient in request.route["recipients"]],
        state="requested",
        last_word=None,
        requested_by=actor.id,
        requested_at=at,
    )


def busy(tx: Tx, due: Sequence[Request]) -> set[RequestId]:
    """Return the erasures that must wait, because another one of the same records is under way; the clock tries again.

    One that begins between this look and the lock is refused by the database, and the whole is tried again.
    """
    asked = [item for item in due if item.kind == "erasure"]
    return {
        item.id
        for item in asked
        if any(forget.hold_open(tx, one) for one in (item.subject_id, *links.family(tx, item.subject_id)))
    }


def begin_without_request(tx: Tx, job: Job, subject: Subject, *, actor: Actor, at: datetime) -> bool:
    """Begin an erasure that time or the journal asks for; False when one is under way."""
    if not _begin(tx, job, subject, actor=actor, at=at):
        return False
    _note(tx, job, {"cause": job.cause}, actor=actor, at=at)
    return True


def _note(tx: Tx, job: Job, facts: Mapping[str, Json], *, actor: Actor, at: datetime) -> None:
    told = subjects.load(tx, [job.subject_id])[job.subject_id]
    draft = history.Draft(told, EntryKind.ERASURE_REQUESTED, actor, at, facts=facts, request=job.request_id)
    history.append(tx, [draft], terms=terms_for(tx.client))


def _begin(tx: Tx, job: Job, subject: Subject, *, actor: Actor, at: datetime) -> bool:
    if not forget.start(tx, job):
        return False
    if job.whole:
        forget.close(tx, subject, terms_for(tx.client), but=job.last_word, at=at)
    if job.cause != "retention" or job.whole:
        ended = requests.move(tx, forget.open_requests(tx, subject.id), "cancel", at=at)
        if ended:
            facts: Mapping[str, Json] = {"cancel_reason": "erased"}
            observe(tx, ended, EntryKind.REQUEST_CANCELLED, actor=actor, at=at, facts=facts)
    return True


def go_on(client: ClientId, *, at: datetime) -> int:
    """Take every erasure of a client one step on; return how many were finished. A duty of the worker."""
    with look(client) as seen:
        jobs = forget.waiting(seen, limit=AT_ONCE)
    done = 0
    for job in jobs:
        if job.state == "requested":
            _write_down(client, job, at=at)
        done += _finish(client, job.subject_id, at=at)
    return done


def _write_down(client: ClientId, job: Job, *, at: datetime) -> None:
    erasure_journal.add(
        erasure_journal.Record(
            client, job.id, job.subject_id, job.whole, job.decisions, job.recipients, job.requested_at
        )
    )
    with begin(automation(client, "forgetting")) as tx:
        forget.journaled(tx, job.id, at=at)


def _finish(client: ClientId, subject_id: SubjectId, *, at: datetime) -> int:
    """Empty what goes, and confirm it."""
    actor = automation(client, "forgetting")
    with begin(actor) as tx:
        subject = subjects.hold(tx, [subject_id])[subject_id]
        job = forget.hold_open(tx, subject_id)
        if job is None or job.state != "journaled":
            return 0
        if forget.unsaid(tx, job) and at < job.requested_at + PATIENCE:
            return 0
        said: list[Assertion] = []
        if job.whole:
            forget.wipe(tx, subject_id, at=at)
        else:
            said = _said(subject, job, at=at)
            subject = _redo(tx, subject, job, at=at)
        change = ChangeId(uuid7())
        forget.finish(tx, job.id, change, at=at)
        draft = history.Draft(
            subject,
            EntryKind.ERASURE_CONFIRMED,
            actor,
            at,
            said,
            _facts(tx, job),
            request=job.request_id,
            change=change,
        )
        history.append(tx, [draft], terms=terms_for(client))
    return 1


def _redo(tx: Tx, subject: Subject, job: Job, *, at: datetime) -> Subject:
    """Seal the rest of a record anew without what goes; authenticators go with the class of sign-in."""
    upto = {str(one["path"]): one.get("upto") for one in _erased(job)}
    versions = {path: [ver for ver, _ in said.versions] for path, said in weighing.history_of(tx, subject).items()}

    def gone(version: int, said: Assertion) -> bool:
        if said.path not in upto or not version:
            return False
        most = upto[said.path]
        # In a snapshot stands what an earlier version said.
        setter = max((ver for ver in versions.get(said.path, ()) if ver <= version), default=version)
        return most is None or setter <= int(most)

    if any(path.startswith("auth.") for path in upto):
        forget.end_factors(tx, subject.id, at=at)
    return forget.redo(tx, subject, gone, at=at)


def _said(subject: Subject, job: Job, *, at: datetime) -> list[Assertion]:
    """Return what the confirming entry says: nothing is held where something went, and what stays is restricted.

    A value that stays while its history goes is said once more, without what it had replaced.
    """
    now_us = micros(at) // 1000 * 1000
    found: list[Assertion] = []
    for one in _erased(job):
        held = subject.state.get(str(one["path"]))
        if held is not None and (one.get("upto") is None or held.ver <= int(one["upto"])):
            text = None if one.get("upto") is None else held.text
            found.append(Assertion(str(one["path"]), None, text, now_us, FOREVER))
    kept = [one for one in job.decisions if one["verdict"] == Verdict.KEEP.value]
    if kept and job.cause != "retention" and RESTRICTED_BY_LAW not in subject.state:
        found.append(Assertion(RESTRICTED_BY_LAW, None, encode_value(True), now_us, FOREVER))
    return found


def _erased(job: Job) -> list[Mapping[str, Any]]:
    return [one for one in job.decisions if one["verdict"] == Verdict.ERASE.value]


def _facts(look: Look, job: Job) -> dict[str, Json]:
    """Return what the confirming entry tells: fields, rules, and the word to whoever holds the data (GDPR 19)."""
    fields: list[Json] = [*sorted({str(one["path"]) for one in _erased(job)})]
    kept: list[Json] = [
        {"path": str(one["path"]), "rule": str(one["rule"]), "until": one.get("until")}
        for one in job.decisions
        if one["verdict"] == Verdict.KEEP.value
    ]
    announced: list[Json] = [
        {"event": "privacy.erased", "whole": job.whole, "fields": fields, "recipients": list(job.recipients)}
    ]
    facts: dict[str, Json] = {
        "cause": job.cause,
        "erasure": str(job.id),
        "whole": job.whole,
        "erased": fields,
        "kept": kept,
        "requested_at": job.requested_at.isoformat(),
        "requested_by": job.requested_by,
        "announces": announced,
    }
    merged: list[Json] = [str(one.subject_id) for one in forget.taken_along(look, [job.id])]
    accounts: list[Json] = [{"account": str(one["account"]), "becomes": str(one["becomes"])} for one in job.accounts]
    facts |= {name: told for name, told in (("merged", merged), ("accounts", accounts)) if told}
    if job.request_id is not None:
        request = requests.load(look, [job.request_id])[job.request_id]
        facts = {**request_facts(request), **facts}
    return facts


def _say(tx: Tx, config: Configuration, subject: Subject, request: Request, *, at: datetime) -> UUID | None:
    """Queue the last message to the person; return the key that it waits under, None when it needs none of its own."""
    person = subject if request.person_id == subject.id else subjects.load(tx, [request.person_id])[request.person_id]
    hushed = {str(audience) for audience, _ in request.route["suppressed"]}
    points = [
        (channel, str(held.value))
        for field in config.catalogue.contact_points()
        if (channel := _channel(field)) is not None and (held := person.state.get(field.path)) is not None
    ]
    if not points or hushed & {"prior_contacts", "all_contacts"} or person.key is None:
        return None
    own = keys.create_subject_keys(tx, [subject.id])[subject.id] if person.id == subject.id else person.key
    language = language_of(config, person)
    variables = {
        "client_name": config.settings.name,
        "support": config.settings.support_phone or config.settings.support_url,
        "reference": request.ref,
        "what": KINDS["erasure"].summarise(request.fields, language),
    }
    parcels: list[deliveries.Parcel] = []
    for channel, to in dict.fromkeys(points):
        overrides = wording.overrides_of(templates(tx.client))
        text = wording.notice_message(TOLD_AS, channel, variables, language, overrides)
        parcels.append(
            deliveries.Parcel(
                subject=structs.replace(person, key=own),
                dedupe=f"{request.id}:{TOLD_AS}:{len(parcels)}",
                event=TOLD_AS,
                channel=channel,
                language=language,
                message=deliveries.Message(to=to, subject=text.subject, body=text.body),
                request=request.id,
                template=text.template,
            )
        )
    deliveries.enqueue(tx, parcels, at=at)
    return own.id if person.id == subject.id else None


def _channel(field: Field) -> str | None:
    if field.type is FieldType.EMAIL:
        return "email"
    return "sms" if field.type is FieldType.PHONE and SMS_TAG in field.tags else None


def plain(decision: Decision) -> dict[str, Json]:
    """Return a decision as a job keeps it."""
    return {
        "path": decision.path,
        "verdict": decision.verdict.value,
        "rule": decision.rule,
        "retention": decision.retention,
        "until": None if decision.until is None else decision.until.isoformat(),
        "upto": decision.upto,
    }


def replay(record: erasure_journal.Record, *, at: datetime) -> str:
    """Carry out an erasure of the journal that this database does not know; say what was done.

    ``known``: it is done here. ``unknown``: this database has never known that record. ``forgotten``: it has now.
    """
    actor = automation(record.client, "forgetting")
    with begin(actor) as tx:
        subject = subjects.hold(tx, [record.subject]).get(record.subject)
        if subject is None:
            return "unknown"
        known = forget.one(tx, record.id)
        if known is None and subject.erased_at is None:
            job = Job(
                id=record.id,
                subject_id=record.subject,
                request_id=None,
                cause="journal",
                whole=record.whole,
                decisions=record.decisions,
                recipients=record.recipients,
                state="requested",
                last_word=None,
                requested_by=actor.id,
                requested_at=record.at,
            )
            begin_without_request(tx, job, subject, actor=actor, at=at)
    if known is not None and known.state == "done":
        return "known"
    go_on(record.client, at=at)
    return "forgotten"
