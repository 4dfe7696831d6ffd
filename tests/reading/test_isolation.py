"""One client reads nothing of another: every reading, asked with the other client's ids, beside look-alike rows."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

import pytest
from tests.cast import START, Desk, soon
from tests.reading.conftest import ask_for_email, dispute, prove, told

from changedesk import flow, reading
from changedesk.base.actor import Actor, Channel, Role, automation
from changedesk.base.ids import ChangeId, SubjectId
from changedesk.base.refusal import NotFound
from changedesk.flow import subject_request
from changedesk.reading import (
    asof,
    customer,
    disputes,
    erasures,
    evidence,
    feed,
    imports,
    integrity,
    keys,
    live,
    log,
    merging,
    notices,
    portable,
    queue,
    recipients,
    request,
    search,
    status,
    subject_requests,
    timeline,
    trends,
)
from changedesk.reading.evidence import Wanted
from changedesk.rules.rights import Right
from changedesk.store import forget
from changedesk.store.begin import begin
from changedesk.store.log import sequence

AT = soon(START, 30)


@dataclass
class Filled:
    """A client with one customer who has an account, a request that waits, messages and a log."""

    desk: Desk
    customer: SubjectId
    account: SubjectId
    receipt: flow.Receipt
    change: ChangeId
    run: UUID
    erasure: UUID
    asked: str
    """The reference of a data-subject request."""


def fill(desk: Desk) -> Filled:
    values = {
        "personal.name": "Dana Novak",
        "contact.email": "dana@old.example",
        "contact.phone_mobile": "+1 202 555 0143",
    }
    new = flow.NewCustomer(values=values, accounts=[flow.NewAccount(number="ACC-77")])
    made = flow.create_customers([new], actor=desk.crm, at=START).one()
    flow.bind_factor(made.subject, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", actor=desk.crm, at=START)
    receipt = ask_for_email(made.subject, desk.ben, soon(START))
    prove(desk, receipt, soon(START, 2))
    assert made.change is not None
    out = flow.Wish(
        subject=made.subject,
        kind="marketing_preferences",
        values={"pref.marketing_email": "no"},
        reason="customer_request",
        channel=Channel.PHONE,
    )
    dispute(desk, flow.submit([out], actor=desk.ben, at=soon(START, 4)).one(), at=soon(START, 5))
    run = flow.note_import("crm", bytes(32), actor=desk.crm, at=START)
    erasure = forgotten(desk)
    asked = subject_request.receive(made.subject, Right.ACCESS, channel=Channel.EMAIL, actor=desk.ines, at=START)
    with begin(automation(desk.client, "test")) as tx:
        sequence(tx)
    return Filled(desk, made.subject, made.accounts[0], receipt, made.change, run, erasure, asked.ref)


def forgotten(desk: Desk) -> UUID:
    """An erasure that has begun."""
    job = forget.Job(
        id=uuid4(), subject_id=desk.customer(contact__email="kim@old.example"), request_id=None, cause="retention",
        whole=False, decisions=(), recipients=(), state="requested", last_word=None, requested_by="a.clock",
        requested_at=AT,
    )  # fmt: skip
    with begin(automation(desk.client, "test")) as tx:
        assert forget.start(tx, job)
    return job.id


NAMED: dict[str, Callable[[Filled, Actor], object]] = {
    "evidence.size": lambda of, who: evidence.size(Wanted(purpose="audit", record=of.customer), actor=who),
    "customer.customer": lambda of, who: customer.customer(of.customer, actor=who, at=AT, language="en"),
    "customer.customer_json": lambda of, who: customer.customer_json(of.customer, actor=who, at=AT),
    "customer.account": lambda of, who: customer.account(of.account, actor=who, at=AT, language="en"),
    "customer.record": lambda of, who: customer.record(of.account, actor=who, at=AT, language="en"),
    "customer.account_json": lambda of, who: customer.account_json(of.account, actor=who, at=AT),
    "timeline.timeline": lambda of, who: timeline.timeline(of.customer, actor=who, at=AT, language="en"),
    "timeline.entry": lambda of, who: timeline.entry(of.change, actor=who, at=AT, language="en"),
    "asof.as_of": lambda of, who: asof.as_of(of.customer, known_at=AT, valid_at=AT, actor=who, at=AT),
    "request.request": lambda of, who: request.request(of.receipt.ref, actor=who, at=AT, language="en"),
    "imports.run": lambda of, who: imports.run(of.run, actor=who),
    "subject_requests.one": lambda of, who: subject_requests.one(of.asked, actor=who, at=AT, language="en"),
    "subject_requests.of_subject": lambda of, who: subject_requests.of_subject(
        of.customer, actor=who, at=AT, language="en"
    ),
    "recipients.register": lambda of, who: ["of", *recipients.register(of.customer, actor=who, at=AT, language="en")],
    "portable.collect": lambda of, who: portable.collect(of.asked, actor=who, at=AT, language="en"),
    "recipients.to_be_told": lambda of, who: [
        "of",
        *recipients.to_be_told(of.erasure, actor=who, at=AT, language="en"),
    ],
    "erasures.certificate": lambda of, who: erasures.certificate(of.erasure, actor=who),
    "erasures.of_subject": lambda of, who: ["of", *erasures.of_subject(of.customer, actor=who)],
    "merging.candidates": lambda of, who: ["of", *merging.candidates(of.customer, actor=who, at=AT, language="en")],
    "merging.merges": lambda of, who: ["of", *merging.merges(of.customer, actor=who)],
    "status.standing": lambda of, who: ["of", *status.standing(of.account, actor=who, language="en")],
    "status.status_records": lambda of, who: [
        "of",
        *status.status_records(of.account, actor=who, at=AT, language="en"),
    ],
}
"""Asked about somebody: what is not the client's own is not there."""

LISTED: dict[str, Callable[[Filled, Actor], object]] = {
    "search.search": lambda of, who: [
        search.search(text, actor=who, at=AT, language="en")
        for text in ("dana@old.example", "Dana Novak", "ACC-77", of.receipt.ref, "+12025550143")
    ],
    "queue.queue": lambda _, who: queue.queue(actor=who, at=AT, language="en"),
    "queue.approvals": lambda _, who: queue.approvals(actor=who, at=AT, language="en"),
    "notices.outbox": lambda _, who: notices.outbox(actor=who, at=AT, show_codes=True),
    "notices.attention": lambda _, who: notices.attention(actor=who, at=AT),
    "feed.feed": lambda _, who: feed.feed(actor=who),
    "log.state": lambda _, who: log.state(actor=who),
    "disputes.disputes": lambda _, who: disputes.disputes(actor=who, at=AT, language="en"),
    "imports.runs": lambda _, who: imports.runs(actor=who),
    "erasures.certificates": lambda _, who: erasures.certificates(actor=who),
    "trends.trends": lambda _, who: trends.trends(since=START.date(), until=AT.date(), actor=who, language="en"),
    "subject_requests.waiting": lambda _, who: subject_requests.waiting(actor=who, at=AT, language="en"),
    "subject_requests.newest": lambda _, who: subject_requests.newest(actor=who, at=AT, language="en"),
    "subject_requests.figures": lambda _, who: subject_requests.figures(actor=who, since=START, until=AT),
    "keys.keys": lambda _, who: keys.keys(actor=who),
    "integrity.integrity": lambda _, who: integrity.integrity(actor=who, language="en"),
    "integrity.damage": lambda _, who: integrity.damage(who.client),
    "live.size": lambda _, who: live.size(who.client),
    "live.happened": lambda _, who: live.happened(who.client, start=0),
}
"""Lists: only the client's own stands in them."""
COUNTED = {
    *("notices.attention", "log.state", "live.size", "trends.trends", "subject_requests.figures"),
    *("keys.keys", "integrity.integrity", "integrity.damage"),
}
"""What names nobody."""


def reader(desk: Desk) -> Actor:
    """Somebody who may read everything at their own client."""
    return replace(desk.ines, roles=frozenset(Role))


def ids(of: Filled) -> list[str]:
    return [
        str(of.customer),
        str(of.account),
        of.receipt.ref,
        str(of.receipt.request),
        str(of.change),
        str(of.run),
        str(of.erasure),
        of.asked,
    ]


@pytest.fixture
def both(desk: Desk, other: Desk) -> tuple[Filled, Filled]:
    return fill(desk), fill(other)


def test_nobody_reads_what_belongs_to_another_client(both: tuple[Filled, Filled]) -> None:
    for mine, theirs in (both, both[::-1]):
        who = reader(mine.desk)
        for name, ask in NAMED.items():
            assert ask(mine, who), name
            with pytest.raises(NotFound):
                ask(theirs, who)
        for name, ask in LISTED.items():
            text = told(ask(theirs, who))
            assert not any(word in text for word in ids(theirs)), name
            if name not in COUNTED:
                assert any(word in told(ask(mine, who)) for word in ids(mine)), name


def test_a_log_is_as_long_as_the_clients_own(both: tuple[Filled, Filled]) -> None:
    mine, theirs = both
    before = log.state(actor=reader(theirs.desk)).size
    mine.desk.customer()
    with begin(automation(mine.desk.client, "test")) as tx:
        assert sequence(tx) == 2
    assert log.state(actor=reader(theirs.desk)).size == before


def readings() -> Iterator[str]:
    """Every function that takes a viewer and opens the store by itself."""
    for module in pkgutil.iter_modules(reading.__path__):
        loaded = importlib.import_module(f"changedesk.reading.{module.name}")
        for name, thing in inspect.getmembers(loaded, inspect.isfunction):
            opens = "with look(" in inspect.getsource(thing)
            if thing.__module__ == loaded.__name__ and opens:
                yield f"{module.name}.{name}"


def test_no_reading_is_left_out_here() -> None:
    private = {
        "customer._json": {"customer.customer_json", "customer.account_json"},
        "customer.record": {"customer.record", "customer.customer", "customer.account"},
    }
    # In tests/flow/test_merge.py and test_transfer.py, tests/channels/api/test_log.py, tests/flow/test_batch.py,
    # tests/stories/test_evidence.py, tests/stories/test_audit.py, tests/flow/test_reversal.py, test_policies.py and
    # test_seeing.py, tests/reading/test_audit_search.py.
    elsewhere = {
        *("merging.compared", "merging.work_list", "transfer.transfer", "evidence.collect"),
        *("published.keys", "published.anchor_keys", "published.receipt", "published.anchor_receipt"),
        *("batches.batch", "batches.batches", "audit.audit"),
        *("audit.place_of", "audit.runs"),
        *(f"audit_search.{name}" for name in ("search", "matches", "streamed", "kept", "kept_one")),
        *("reversals.past", "reversals.reversal", "policies.simulate"),
        *("seen.who_looked", "seen.viewers", "seen.revealed", "seen.broken_glass", "seen.my_glass"),
        *("seen.waiting", "readers.readers_of", "readers.certifications"),
        # tests/flow/test_hooks.py and tests/outbound/test_hooks.py
        *("feed.at_places", "hooks.hooks", "hooks.hook", "hooks.deliveries"),
    }
    expected = set(NAMED) | set(LISTED) | elsewhere
    found = {name for one in readings() for name in private.get(one, {one})}
    assert found == expected
