"""A client's desk, written to as the flow writes: customers, requests, entries."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from changedesk import outbound
from changedesk.base.actor import automation
from changedesk.base.clock import micros, now
from changedesk.base.ids import ChangeId, ClientId, RequestId, SubjectId, new_reference, uuid7
from changedesk.base.json import Value
from changedesk.ledger.commitment import FOREVER, Assertion
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import encode_value
from changedesk.outbound.notices import decide
from changedesk.rules import policy
from changedesk.rules.route import NoticeDuty, Route
from changedesk.store import deliveries, evidence, history, keys, log, past, requests, settings_read, settings_write
from changedesk.store import subjects as subjects_store
from changedesk.store.begin import begin
from changedesk.store.deliveries import Delivery, Message, Parcel
from changedesk.store.requests import Proposal, Request
from changedesk.store.subjects import Subject
from changedesk.store.terms import Terms
from changedesk.store.tx import Tx, look

REACH = (
    NoticeDuty("requested", "prior_contacts"),
    NoticeDuty("applied", "prior_contacts"),
    NoticeDuty("applied", "new_contacts", security=False),
)
OLD_MAIL, NEW_MAIL, MOBILE = "old@home.example", "new@thief.example", "+4915112345678"


@dataclass(frozen=True)
class Desk:
    client: ClientId

    @classmethod
    def open(cls, slug: str = "acme") -> "Desk":
        settings_read.forget()
        keys.forget()
        values = {
            "slug": slug,
            "name": "ACME Telecom",
            "ledger_origin": f"desk.example/{slug}",
            "languages": ["en", "de", "ar"],
            "default_language": "en",
            "support_phone": "+1 555 0100",
            "sender_name": "ACME",
            "sender_email": "no-reply@acme.example",
        }
        client = settings_write.create_client(values, by="a.test", at=now())
        with begin(automation(client, "test")) as tx:
            keys.create_client_keys(tx)
        return cls(client)

    def customer(self, values: Mapping[str, Value]) -> SubjectId:
        subject = SubjectId(uuid4())
        at = now()
        with begin(automation(self.client, "test")) as tx:
            key = keys.create_subject_keys(tx, [subject])[subject]
            fresh = Subject(subject, "customer", 0, b"", key, {}, False, "active", at, None, None)
            draft = history.Draft(fresh, EntryKind.CUSTOMER_CREATED, automation(self.client, "test"), at, [
                Assertion(path, None, encode_value(value), micros(at) // 1000 * 1000, FOREVER)
                for path, value in values.items()
            ])  # fmt: skip
            history.append(tx, [draft], terms=Terms(), created={subject: "customer"})
        return subject

    def subject(self, subject: SubjectId) -> Subject:
        with look(self.client) as seen:
            return subjects_store.load(seen, [subject])[subject]

    def request(
        self,
        subject: SubjectId,
        after: Mapping[str, Value],
        *,
        kind: str = "contact_details",
        notices: Sequence[NoticeDuty] = (),
        suppressed: Sequence[tuple[str, str]] = (),
        step: str | None = "ask_approval",
        channel: str = "phone",
    ) -> Request:
        at = now()
        held = self.subject(subject)
        assert held.key is not None
        route = Route(level=0, approvals=1, notices=tuple(notices), suppressed=tuple(suppressed))
        made = Request(
            id=RequestId(uuid7()), ref=new_reference(), subject_id=subject, person_id=subject, kind=kind,
            operation="update",
            channel=channel, requested_by="customer", entered_by="s1", reason_code="customer_request",
            fields=tuple(sorted(after)), base_ver=held.ver, digest=hashlib.sha256(b"digest").digest(),
            key_id=held.key.id, proposal=Proposal(values=after, salt="00" * 32, seen={}),
            route=policy.to_json(route), needs_level=0, needs_consent=None, needs_approvals=1, received_at=at,
            submitted_at=at, state_at=at, expires_at=at + timedelta(days=7),
        )  # fmt: skip
        with begin(automation(self.client, "test")) as tx:
            assert made.proposal is not None
            requests.insert(tx, [made], [requests.seal_proposal(self.client, made.id, held.key, made.proposal)])
            self._observe(tx, made, EntryKind.REQUEST_SUBMITTED)
            if step is not None:
                made = requests.move(tx, [made.id], step, at=at + timedelta(milliseconds=5))[0]
        return made

    def _observe(self, tx: Tx, request: Request, kind: EntryKind, facts: Mapping[str, str] | None = None) -> None:
        subject = subjects_store.load(tx, [request.subject_id])[request.subject_id]
        actor = automation(self.client, "test")
        history.append(
            tx, [history.Draft(subject, kind, actor, now(), facts=facts or {}, request=request.id)], terms=Terms()
        )

    def observe(
        self, request: Request, kind: EntryKind, step: str | None = None, facts: Mapping[str, str] | None = None
    ) -> None:
        with begin(automation(self.client, "test")) as tx:
            if step is not None:
                assert requests.move(tx, [request.id], step, at=now())
            self._observe(tx, request, kind, facts)

    def apply(self, request: Request, kind: EntryKind = EntryKind.CHANGE_APPLIED) -> None:
        at, change = now(), ChangeId(uuid7())
        assert request.proposal is not None
        with begin(automation(self.client, "test")) as tx:
            said = evidence.Decision(
                request_id=request.id,
                digest=request.digest,
                actor="s2",
                team="",
                verdict="approve",
                reason_code=None,
                note_ct=None,
                at=at,
            )
            evidence.record_decisions(tx, [said])
            requests.move(tx, [request.id], "approve", at=at)
            assert requests.move(tx, [request.id], "apply", at=at, changes={request.id: change})
            subject = subjects_store.hold(tx, [request.subject_id])[request.subject_id]
            asserted = []
            for path, value in request.proposal.values.items():
                was = subject.state.get(path)
                old, new = None if was is None else was.text, None if value is None else encode_value(value)
                asserted.append(Assertion(path, old, new, micros(at) // 1000 * 1000, FOREVER))
            draft = history.Draft(
                subject, kind, automation(self.client, "test"), at, asserted, request=request.id, change=change
            )
            assert history.append(tx, [draft], terms=Terms())

    def tell(self) -> None:
        """Sequence and decide until nothing is left."""
        while outbound.sequence(self.client):
            pass
        while decide.run(self.client):
            pass

    def queue(
        self, subject: SubjectId, event: str, channel: str, to: str, *, age: timedelta = timedelta(), dedupe: str = ""
    ) -> Delivery:
        """Queue one message as the flow queues codes."""
        parcel = Parcel(
            subject=self.subject(subject), dedupe=dedupe or uuid4().hex, event=event, channel=channel, language="en",
            message=Message(to=to, subject="A subject", body="A body with the code 482913"),
        )  # fmt: skip
        known = {item.id for item in self.all()}
        with begin(automation(self.client, "test")) as tx:
            deliveries.enqueue(tx, [parcel], at=now() - age)
        return next(item for item in self.all() if item.id not in known)

    def all(self) -> list[Delivery]:
        with look(self.client) as seen:
            return deliveries.outbox(seen, before=now() + timedelta(days=30), limit=500)[::-1]

    def told(self) -> list[tuple[str, str, str]]:
        """Who was told: (event, channel, to), sorted."""
        return sorted((item.event, item.channel, item.message.to if item.message else "") for item in self.all())

    def entries(self, subject: SubjectId, *kinds: EntryKind) -> list[past.Entry]:
        with look(self.client) as seen:
            held = subjects_store.load(seen, [subject])[subject]
            return [item for item in past.timeline(seen, held) if item.kind in kinds]

    def links(self, request: Request) -> list[datetime]:
        """When the links to dispute that were issued for a request stop working."""
        with look(self.client) as seen:
            asked = "SELECT expires_at FROM desk.dispute WHERE request_id = %s"
            return [row[0] for row in seen.connection.execute(asked, [request.id]).fetchall()]

    def place(self) -> int:
        with look(self.client) as seen:
            return log.cursors(seen).get(decide.CONSUMER, 0)


def by_id(desk: Desk, delivery: Delivery) -> Delivery:
    return next(item for item in desk.all() if item.id == delivery.id)
