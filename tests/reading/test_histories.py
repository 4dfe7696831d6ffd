from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from tests.cast import START, Desk, key, soon
from tests.reading.conftest import NEW_EMAIL, ask_for_email, prove, says_nothing_private, told, verify_caller

from changedesk import flow
from changedesk.base.actor import automation
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.ledger.entry import EntryKind
from changedesk.reading import asof, customer, feed, log, people, request, search, timeline, words
from changedesk.reading.panels import EntryView, Page
from changedesk.reading.timeline import BadCursor, Only
from changedesk.store.begin import begin
from changedesk.store.log import sequence

Count = Callable[[Callable[[], object]], int]


def record(desk: Desk, subject: SubjectId, at: datetime, path: str = "contact.fax", number: int = 0) -> None:
    change = flow.FieldChange(path=path, new=f"+1 202 555 01{number:02d}")
    flow.record_changes([flow.RecordedChange(subject=subject, changes=[change])], actor=desk.crm, at=at).one()


def read(desk: Desk, subject: SubjectId, only: Only | None = None, **given: object) -> Page[EntryView]:
    return timeline.timeline(subject, actor=desk.ben, at=soon(START, 99), language="en", only=only, **given)  # type: ignore[arg-type]


def test_timeline_pages_stay_put_while_entries_come_in(desk: Desk) -> None:
    dana = desk.customer()
    for number in range(5):
        record(desk, dana, soon(START, number + 1), number=number)
    first = read(desk, dana, limit=3)
    record(desk, dana, soon(START, 50), number=50)
    rest = read(desk, dana, limit=50, before=first.next)
    assert [item.version for item in first.items] == [6, 5, 4]
    assert [item.version for item in rest.items if item.is_change] == [3, 2, 1]
    assert rest.next is None
    with pytest.raises(BadCursor):
        read(desk, dana, before="-1")


def test_a_timeline_is_narrowed_by_each_of_its_filters(desk: Desk) -> None:
    dana = desk.customer()
    record(desk, dana, soon(START, 1), path="contact.fax", number=1)
    record(desk, dana, soon(START, 2), path="contact.phone_home", number=2)
    prove(desk, ask_for_email(dana, desk.ben, soon(START, 3)), soon(START, 4))

    def versions(only: Only) -> list[int]:
        return [item.version for item in read(desk, dana, only).items]

    assert versions(Only(field="contact.fax")) == [2]
    assert versions(Only(tag="contact.phone")) == [3, 1], "home and mobile are one category"
    assert versions(Only(tag="contact")) == [3, 2, 1]
    assert versions(Only(tag="contact", field="contact.fax")) == [2]
    assert versions(Only(tag="payment")) == []
    assert versions(Only(kinds=["change.recorded"], until=soon(START, 2))) == [2]
    assert versions(Only(since=soon(START, 2), until=soon(START, 3))) == [3]
    by_ben = read(desk, dana, Only(actor="s1", channel="phone")).items
    assert {item.actor.id for item in by_ben} == {"s1"}
    assert {item.kind for item in by_ben} >= {"request.submitted", "identity.verified", "consent.recorded"}


def test_an_applied_change_tells_how_it_came_about(desk: Desk) -> None:
    dana = desk.customer()
    receipt = ask_for_email(dana, desk.ben, soon(START))
    prove(desk, receipt, soon(START, 2))
    assert says_nothing_private(read(desk, dana))
    now = search.search(receipt.ref.lower(), actor=desk.ines, at=soon(START, 3), language="en")
    assert [(item.kind, item.ref, item.matched) for item in now] == [("request", receipt.ref, "reference")]
    digest = _digest(desk, receipt)
    flow.approve({receipt.ref: digest}, actor=desk.ines, at=soon(START, 4)).one()
    applied = next(item for item in read(desk, dana).items if item.kind == "change.applied")
    assert applied.title == "Changed: E-mail"
    assert (applied.ref, applied.reason, applied.channel) == (receipt.ref, "customer_request", "phone")
    assert applied.verification.startswith("V3, ")
    assert [one.id for one in applied.approvals] == ["s3"]
    assert applied.rules
    assert applied.fields[0].masked
    verify_caller(dana, desk.ben, soon(START, 98))
    opened = next(item for item in read(desk, dana).items if item.kind == "change.applied")
    assert [(one.before, one.after) for one in opened.fields] == [("dana@old.example", NEW_EMAIL)]
    panel = customer.customer(dana, actor=desk.ben, at=soon(START, 99), language="de")
    email = next(one for group in panel.groups for one in group.fields if one.path == "contact.email")
    assert (email.text, email.label, email.change) == (NEW_EMAIL, "E-Mail", applied.change)
    assert email.verified.startswith("V3, ")


def _digest(desk: Desk, receipt: flow.Receipt) -> str:
    return request.request(receipt.ref, actor=desk.ines, at=soon(START, 4), language="en").digest


def test_every_kind_of_entry_has_its_words_in_every_language() -> None:
    for kind in EntryKind:
        assert set(words.TITLES[kind]) == {"en", "de", "ar"}
        assert all(words.TITLES[kind].values())


def test_who_did_something_is_told_in_the_readers_language(desk: Desk) -> None:
    at_work = [automation(desk.client, name).id for name in ("notices", "terminal", "elsewhere")]
    told_of = {
        language: [people.People(at_work, viewer=desk.ben, language=language).show(one).name for one in at_work]
        for language in ("en", "de", "ar")
    }
    assert told_of == {
        "en": ["Automation: notices", "Automation: terminal", "Automation: elsewhere"],
        "de": ["Automatik: Benachrichtigungen", "Automatik: Terminal", "Automatik: elsewhere"],
        "ar": ["النظام الآلي: الإشعارات", "النظام الآلي: سطر الأوامر", "النظام الآلي: elsewhere"],
    }


def test_fifty_entries_cost_the_statements_of_one(desk: Desk, count: Count) -> None:
    few, many = desk.customer(), desk.customer()
    for number in range(50):
        record(desk, many, soon(START, 1 + number / 10), number=number)
    for ask in (
        lambda subject: read(desk, subject),
        lambda subject: customer.customer(subject, actor=desk.ben, at=soon(START, 99), language="en"),
        lambda subject: asof.as_of(
            subject, known_at=soon(START, 99), valid_at=soon(START, 99), actor=desk.ben, at=soon(START, 99)
        ),
    ):
        assert count(lambda ask=ask: ask(many)) == count(lambda ask=ask: ask(few))  # type: ignore[misc]
    _sequenced(desk)
    one = count(lambda: feed.feed(actor=desk.crm, limit=1))
    assert count(lambda: feed.feed(actor=desk.crm, limit=50)) == one


def test_as_of_tells_what_was_known_when(desk: Desk) -> None:
    dana = desk.customer()
    record(desk, dana, soon(START, 10), number=1)
    reveal = desk.crm

    def fax(minutes: float) -> str | None:
        at = soon(START, minutes)
        found = asof.as_of(dana, known_at=at, valid_at=at, actor=reveal, at=soon(START, 99)).values.get("contact.fax")
        return None if found is None else str(found.value)

    assert (fax(9), fax(11)) == (None, "+12025550101")
    before = START - timedelta(days=1)
    unknown = asof.as_of(dana, known_at=before, valid_at=before, actor=reveal, at=START)
    assert (unknown.version, dict(unknown.values)) == (0, {})
    assert says_nothing_private(asof.as_of(dana, known_at=START, valid_at=START, actor=desk.ben, at=START))


def test_search_leads_from_an_account_to_its_holders_and_shows_masks(desk: Desk) -> None:
    account = flow.NewAccount(number="ACC-2026-77", role="holder")
    values = {"personal.name": "Dana Novak", "contact.email": "dana@old.example"}
    made = flow.create_customers([flow.NewCustomer(values=values, accounts=[account])], actor=desk.crm, at=START).one()
    for text, matched in (("acc 2026 77", "account"), ("DANA@old.example", "email"), ("nov dana", "name")):
        hits = search.search(text, actor=desk.ben, at=START, language="en")
        assert [(item.id, item.matched, item.masked) for item in hits] == [(made.subject, matched, True)]
        assert says_nothing_private(hits)
    assert search.search("Nobody", actor=desk.ben, at=START, language="en") == []
    panel = customer.account(made.accounts[0], actor=desk.ben, at=START, language="en")
    assert [item.id for item in panel.holders] == [made.subject]
    assert says_nothing_private(panel)
    assert "ACC-2026-77" not in told(panel)
    assert customer.customer(made.subject, actor=desk.ben, at=START, language="en").accounts[0].number_masked
    assert customer.account_json(made.accounts[0], actor=desk.crm, at=START)["fields"]["account.number"]["value"]
    with pytest.raises(NotFound):
        customer.account(made.subject, actor=desk.ben, at=START, language="en")


def _sequenced(desk: Desk) -> None:
    with begin(automation(desk.client, "test")) as tx:
        sequence(tx)


def test_the_feed_is_dense_masked_and_replayable(desk: Desk) -> None:
    dana = desk.customer()
    for number in range(4):
        record(desk, dana, soon(START, number + 1), number=number)
    _sequenced(desk)
    reader = key(desk.client, "feed:read")
    first = feed.feed(actor=reader, limit=4)
    rest = feed.feed(actor=reader, after=first.next, limit=50)
    indexes = [item["data"]["index"] for item in (*first.items, *rest.items)]  # type: ignore[index]
    assert [int(str(item["sequence"])) for item in (*first.items, *rest.items)] == indexes
    assert indexes == list(range(first.size))
    assert (first.more, rest.more) == (True, False)
    assert feed.feed(actor=reader, after=rest.next).next == rest.next
    assert feed.feed(actor=reader, limit=4) == first
    assert says_nothing_private([dict(item) for item in (*first.items, *rest.items)])
    assert first.items[0]["data"]["fields"] == [  # type: ignore[index]
        "contact.email", "contact.phone_mobile", "personal.name"
    ]  # fmt: skip
    with pytest.raises(Forbidden):
        feed.feed(actor=reader, values=True)
    opened = feed.feed(actor=desk.crm, values=True).items[0]
    assert opened["data"]["changes"]["contact.email"]["after"] == "dana@old.example"  # type: ignore[index]
    behind = log.state(actor=reader)
    assert behind.size == first.size
