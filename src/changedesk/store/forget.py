"""Forgetting in the database, one function a query: jobs, and what each of their steps empties.

Guards let a row be emptied for a subject with an open job only (``ddl/guards.sql``); every function may run again.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace
from psycopg.types.json import Jsonb

from changedesk.base.ids import ChangeId, ClientId, RequestId, SubjectId
from changedesk.ledger import seal
from changedesk.ledger.commitment import Assertion
from changedesk.ledger.payload import encode_payload
from changedesk.ledger.redact import redact
from changedesk.store import bundles, erasure_journal, evidence, keys, past, requests, subject_requests
from changedesk.store.erasure_journal import Record
from changedesk.store.subjects import Subject
from changedesk.store.terms import Terms
from changedesk.store.tx import Look, Tx, look

_LATEST: Final = (datetime.max.replace(tzinfo=UTC, year=2999), UUID(int=2**128 - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An erasure: whose, of what, and how far it is. ``cause``: request, merged (it came along), retention, journal.

    ``decisions``: {path, verdict, rule, retention, until, upto}; ``last_word``: the key of a message still to go;
    ``along``: the erasure of the record that this one was merged into; ``accounts``: {account, becomes, rule, until}.
    """

    id: UUID
    subject_id: SubjectId
    request_id: RequestId | None
    cause: str
    whole: bool
    decisions: Sequence[Mapping[str, Any]]
    recipients: Sequence[str]
    state: str
    last_word: UUID | None
    requested_by: str
    requested_at: datetime
    along: UUID | None = None
    accounts: Sequence[Mapping[str, Any]] = ()
    journaled_at: datetime | None = None
    confirmed_at: datetime | None = None
    confirmed_change: ChangeId | None = None


def start(tx: Tx, job: Job) -> bool:
    """Begin; False when an erasure of this subject is under way."""
    done = tx.run(
        "forget.start",
        id=job.id,
        subject=job.subject_id,
        request=job.request_id,
        cause=job.cause,
        whole=job.whole,
        decisions=Jsonb(list(job.decisions)),
        recipients=" ".join(job.recipients),
        last_word=job.last_word,
        along=job.along,
        accounts=Jsonb(list(job.accounts)),
        by=job.requested_by,
        at=job.requested_at,
    )
    return done == 1


def hold_open(tx: Tx, subject: SubjectId) -> Job | None:
    """Return the open job of a subject, locked until the transaction ends."""
    row = tx.row("forget.open_now", subject=subject)
    return None if row is None else _job(row)


def waiting(look: Look, *, limit: int) -> list[Job]:
    return [_job(row) for row in look.rows("forget.waiting", limit=limit)]


def one(look: Look, job: UUID) -> Job | None:
    row = look.row("forget.one", id=job)
    return None if row is None else _job(row)


def newest(look: Look, *, before: tuple[datetime, UUID] | None = None, limit: int = 100) -> list[Job]:
    """Return erasures, the newest first, from before a (requested_at, id) on."""
    at, id_ = before or _LATEST
    return [_job(row) for row in look.rows("forget.newest", before_at=at, before_id=id_, limit=limit)]


def of_subject(look: Look, subject: SubjectId) -> list[Job]:
    return [_job(row) for row in look.rows("forget.of_subject", subject=subject)]


def taken_along(look: Look, erasures: Sequence[UUID]) -> list[Job]:
    """Return the erasures of merged records that came along with these."""
    return [_job(row) for row in look.rows("forget.taken_along", erasure=list(erasures))]


def _job(row: Any) -> Job:
    return Job(**{name: getattr(row, name) for name in Job.__dataclass_fields__})


def unheard() -> list[Record]:
    """Return the erasures of the journal that this database must still carry out, oldest first.

    There are none but after a restore of an older backup: nothing may be served until they are done.
    """
    found: list[Record] = []
    by_client: defaultdict[ClientId, list[Record]] = defaultdict(list)
    for record in erasure_journal.records():
        by_client[record.client].append(record)
    for client, told in by_client.items():
        with look(client) as seen:
            rows = seen.rows("forget.unknown", id=[one.id for one in told], subject=[one.subject for one in told])
        missing = {row.id for row in rows}
        found += [one for one in told if one.id in missing]
    return sorted(found, key=lambda one: one.at)


def journaled(tx: Tx, job: UUID, *, at: datetime) -> None:
    tx.run("forget.journaled", id=job, at=at)


def finish(tx: Tx, job: UUID, change: ChangeId, *, at: datetime) -> bool:
    """Mark a job as done; False when another worker was faster."""
    return tx.run("forget.finish", id=job, change=change, at=at) == 1


def close(tx: Tx, subject: Subject, terms: Terms, *, but: UUID | None, at: datetime) -> None:
    """Destroy a subject's keys (``but`` one), its state and its terms: from this commit on nothing of it is read.

    What those keys sealed elsewhere is emptied with them where processes may still remember a key.
    """
    found = sorted(terms.of({path: held.text for path, held in subject.state.items()}))
    client = keys.of_client(tx)
    tags = [(index, tag) for index, term in found for tag in client.tags(index, term)]
    tx.run("forget.terms", subject=subject.id, field=[index for index, _ in tags], tag=[tag for _, tag in tags])
    tx.run("forget.close", subject=subject.id, at=at)
    _shred(tx, subject.id, but=but, at=at)
    _unask(tx, subject.id, open_too=True)
    _unsend(tx, subject.id, but=but, at=at)
    keys.forget_subject(subject.id)


def open_requests(look: Look, subject: SubjectId) -> list[RequestId]:
    return [RequestId(row.id) for row in look.rows("forget.open_requests", subject=subject)]


def unsaid(look: Look, job: Job) -> bool:
    """Tell whether the last word to the person is still on its way."""
    return job.last_word is not None and bool(look.rows("forget.unsaid", key=job.last_word, subject=job.subject_id))


def wipe(tx: Tx, subject: SubjectId, *, at: datetime) -> None:
    """Empty everything that a subject's keys sealed, and destroy the last of them."""
    tx.run("forget.wipe", subject=subject)
    subject_requests.forget(tx, subject)
    bundles.forget(tx, subject)
    end_factors(tx, subject, at=at)
    _empty(tx, subject, at=at)
    # The row's name in its source stays, as a keyed digest: whoever sends it again is told that it was erased.
    tx.run("forget.import_rows", subject=subject)
    _shred(tx, subject, but=None, at=at)
    keys.forget_subject(subject)


def _shred(tx: Tx, subject: SubjectId, *, but: UUID | None, at: datetime) -> None:
    tx.run("forget.shred", subject=subject, but=but, at=at)


def _unask(tx: Tx, subject: SubjectId, *, open_too: bool) -> None:
    tx.run("forget.proposals", subject=subject, open=open_too)


def _unsend(tx: Tx, subject: SubjectId, *, but: UUID | None, at: datetime) -> None:
    tx.run("forget.messages", subject=subject, but=but, at=at)


def _empty(tx: Tx, subject: SubjectId, *, at: datetime) -> None:
    _unsend(tx, subject, but=None, at=at)
    tx.run("forget.consents", subject=subject)
    tx.run("forget.decisions", subject=subject)


def redo(tx: Tx, subject: Subject, gone: Callable[[int, Assertion], bool], *, at: datetime) -> Subject:
    """Forget some of a subject's values, seal the rest under a new key, and destroy the old one.

    ``gone`` is asked with a version (0 of an observation) and what it says. Returns the subject with its new key.
    """
    if subject.key is None:
        raise keys.Erased("this subject's key was destroyed")
    _unask(tx, subject.id, open_too=False)
    _empty(tx, subject.id, at=at)
    fresh = keys.create_subject_keys(tx, [subject.id])[subject.id]
    rows = [*tx.rows("forget.payloads", subject=subject.id), *tx.rows("forget.observed", subject=subject.id)]
    tx.run("forget.rewrite", entry=[row.id for row in rows],
           ct=[_again(tx, subject, row, gone, fresh) for row in rows])  # fmt: skip
    old = subject.key.cipher
    for row in tx.rows("forget.asked", subject=subject.id):
        sealed = requests.resealed(tx, row.id, bytes(row.proposal_ct), subject.key, fresh)
        tx.run("forget.set_proposal", id=row.id, proposal_ct=sealed, key=fresh.id)
    for row in tx.rows("forget.factors", subject=subject.id):
        aad = evidence.factor_aad(tx.client, row.id)
        secret = seal.unseal(lambda _: old, bytes(row.secret_ct), aad)
        tx.run("forget.set_factor", id=row.id, secret_ct=seal.seal(fresh.id.bytes, fresh.cipher, secret, aad))
    subject_requests.reseal(tx, subject, fresh)
    bundles.forget(tx, subject.id)
    tx.run("forget.rekey", subject=subject.id, key=fresh.id)
    _shred(tx, subject.id, but=fresh.id, at=at)
    keys.forget_subject(subject.id)
    return replace(subject, key=fresh)


def end_factors(tx: Tx, subject: SubjectId, *, at: datetime) -> None:
    """Forget a subject's authenticators."""
    tx.run("forget.end_factors", subject=subject, at=at)


def _again(
    tx: Tx, subject: Subject, row: Any, gone: Callable[[int, Assertion], bool], key: keys.SubjectKey
) -> bytes | None:
    payload = past.payload_of(tx, subject.id, row, subject.key)
    version = row.ver or 0
    if payload is None or (not payload.assertions and not version):
        return None  # an observation that says nothing of values has nothing to keep
    rest = redact(payload, lambda said: gone(version, said)) if payload.assertions else payload
    if rest is None:
        return None
    aad = seal.payload_aad(tx.client, subject.id, row.change_id, version)
    return seal.bare(seal.seal(key.id.bytes, key.cipher, encode_payload(rest), aad))


@dataclass(frozen=True, slots=True)
class Run:
    """How far a day's retention run is."""

    after: UUID
    looked_at: int
    erased: int
    finished_at: datetime | None


def run_of(look: Look, day: date) -> Run | None:
    row = look.row("retention.run_of", day=day)
    return None if row is None else Run(row.after_id, row.looked_at, row.erased, row.finished_at)


def advance_run(tx: Tx, day: date, *, after: UUID, looked_at: int, erased: int, finished_at: datetime | None) -> None:
    """Note how far a run has come; counts are added to what it has."""
    tx.run("retention.advance", day=day, after=after, looked_at=looked_at, erased=erased, finished_at=finished_at)


def page(look: Look, *, after: UUID, before: datetime, limit: int) -> list[SubjectId]:
    """Return subjects first recorded by an instant, by id, from after one on."""
    return [SubjectId(row.id) for row in look.rows("retention.page", after=after, before=before, limit=limit)]
