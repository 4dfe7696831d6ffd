"""A file of requests is entered, seen and approved as one; what moved meanwhile is left out and told."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from tests.cast import START, Desk, desk, soon
from tests.flow.walk import POST, holds, kinds, request_of
from tests.postgres import Database

from changedesk import flow
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Forbidden, NotFound, Refusal
from changedesk.flow.batch import BatchDiffers, BatchOpen, CustomerUnknown
from changedesk.kinds import Edit
from changedesk.reading import batches as reading
from changedesk.reading.timeline import BadCursor
from changedesk.rules.approval import SameHand
from changedesk.store import batches
from changedesk.store.batches import Batch
from changedesk.store.tx import look

BUSINESS = flow.Terms(reason="correction_of_error", initiated_by="business", acknowledged=("language_missing",))
CUSTOMER = flow.Terms(reason="customer_request")


@pytest.fixture
def d(database: Database) -> Desk:
    return desk("registry", packs=("public_directory",))


@pytest.fixture
def orgs(d: Desk) -> list[SubjectId]:
    made = flow.create_customers(
        [
            flow.NewCustomer(
                values={"account.number": f"org{number}", "org.aliases": "A*en\nB*en", "org.established": "1998"},
                source=flow.SourceRow("registry", f"org{number}", b"opening"),
            )
            for number in range(4)
        ],
        actor=d.crm,
        at=START,
    )
    return [one.subject for one in made.done]


def add(number: int, subject: SubjectId | None, *names: str, **more: Any) -> flow.Asked:
    values = {"org.aliases": (Edit("add", names or (f"N{number}*en",)),)}
    return flow.Asked(number=number, subject=subject, kind="directory_entry", **{"values": values, **more})


def enter(
    d: Desk, rows: Sequence[flow.Asked], terms: flow.Terms = BUSINESS, *, content: bytes = b"1" * 32
) -> tuple[Batch, list[flow.Became]]:
    started = flow.start_batch("a-map", content, actor=d.sofia, at=START)
    became = flow.enter_rows(started.id, rows, terms, actor=d.sofia, at=START)
    return flow.finish_batch(started.id, actor=d.sofia, at=START), became


def approve(d: Desk, entered: Batch, **more: Any) -> flow.Approved:
    assert entered.digest is not None
    given: dict[str, Any] = {"digest": entered.digest.hex(), "actor": d.ines, "at": soon(START), **more}
    return flow.approve_batch(entered.id, **given)


def rows_of(d: Desk, entered: Batch) -> list[batches.Row]:
    with look(d.client) as seen:
        return batches.rows(seen, entered.id)


def test_a_batch_is_applied_with_one_approval_of_the_whole(d: Desk, orgs: list[SubjectId]) -> None:
    rows = [add(number + 2, subject) for number, subject in enumerate(orgs)]
    rows.append(flow.Asked(number=9, subject=orgs[0], kind="directory_entry",
                           values={"org.established": (Edit("replace", ("1999",)),)}))  # fmt: skip
    entered, became = enter(d, rows)
    assert [one.row.state for one in became] == ["awaiting_approval"] * 5
    done = approve(d, entered)
    assert (done.states, done.edited, done.refused) == ({"applied": 5}, (), {})
    assert holds(d, orgs[0], "org.aliases") == "A*en\nB*en\nN2*en"
    assert holds(d, orgs[0], "org.established") == "1999"
    assert kinds(d, orgs[1])[-3:] == ["request.submitted", "request.approved", "change.applied"]
    assert approve(d, entered).states == {"applied": 5}
    assert kinds(d, orgs[1]).count("change.applied") == 1


def test_whoever_entered_a_batch_does_not_approve_it(d: Desk, orgs: list[SubjectId]) -> None:
    started = flow.start_batch("a-map", b"2" * 32, actor=d.ines, at=START)
    flow.enter_rows(started.id, [add(2, orgs[0])], BUSINESS, actor=d.ines, at=START)
    with pytest.raises(BatchOpen):
        flow.approve_batch(started.id, digest="", actor=d.omar, at=START)
    entered = flow.finish_batch(started.id, actor=d.ines, at=START)
    with pytest.raises(SameHand):
        approve(d, entered)
    with pytest.raises(Forbidden):
        approve(d, entered, actor=d.sofia)
    with pytest.raises(NotFound):
        flow.approve_batch(uuid4(), digest="", actor=d.omar, at=START)
    assert approve(d, entered, actor=d.omar).states == {"applied": 1}


def test_an_approval_is_of_the_content_that_was_seen(d: Desk, orgs: list[SubjectId]) -> None:
    entered, _ = enter(d, [add(2, orgs[0]), add(3, orgs[1])])
    other, _ = enter(d, [add(2, orgs[2])], content=b"3" * 32)
    assert other.digest is not None
    for digest in ("", "00" * 32, other.digest.hex()):
        with pytest.raises(BatchDiffers):
            approve(d, entered, digest=digest)
    assert {row.state for row in rows_of(d, entered)} == {"awaiting_approval"}


def test_what_was_edited_or_moved_since_is_left_out_and_told(d: Desk, orgs: list[SubjectId]) -> None:
    entered, became = enter(d, [add(number + 2, subject) for number, subject in enumerate(orgs[:3])])
    edited, moved, sound = (one.row.ref for one in became)
    flow.revise(edited, {"org.aliases": "A*en\nOther*en"}, seen_version=None, actor=d.sofia, at=soon(START))
    change = flow.FieldChange(path="org.aliases", new="A*en")
    flow.record_changes([flow.RecordedChange(subject=orgs[1], changes=[change])], actor=d.crm, at=soon(START)).one()
    done = approve(d, entered, at=soon(START, 2))
    assert (done.states, done.edited) == ({"awaiting_approval": 1, "stale": 1, "applied": 1}, (edited,))
    assert holds(d, orgs[0], "org.aliases") == "A*en\nB*en"
    assert holds(d, orgs[1], "org.aliases") == "A*en"
    assert request_of(d, moved).state == "stale"
    assert request_of(d, sound).state == "applied"


def test_a_batch_that_was_ended_goes_on_where_it_was(
    d: Desk, orgs: list[SubjectId], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [add(number + 2, subject) for number, subject in enumerate(orgs)]
    started = flow.start_batch("a-map", b"1" * 32, actor=d.sofia, at=START)
    flow.enter_rows(started.id, rows[:1], BUSINESS, actor=d.sofia, at=START)
    with monkeypatch.context() as ended:
        ended.setattr(batches, "record", lambda *_: (_ for _ in ()).throw(ConnectionError))
        with pytest.raises(ConnectionError):  # the requests are in, and the batch does not know it
            flow.enter_rows(started.id, rows[1:3], BUSINESS, actor=d.sofia, at=START)
    entered, became = enter(d, rows)
    assert [one.row.outcome for one in became] == ["requested"] * 4
    assert [kinds(d, org).count("request.submitted") for org in orgs] == [1] * 4
    again, same = enter(d, rows)
    assert (again.id, again.digest) == (entered.id, entered.digest)
    assert [one.row.ref for one in same] == [one.row.ref for one in became]


def test_an_approval_that_was_ended_goes_on_where_it_was(
    d: Desk, orgs: list[SubjectId], monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, _ = enter(d, [add(number + 2, subject) for number, subject in enumerate(orgs)])
    with monkeypatch.context() as ended:
        ended.setattr("changedesk.flow.batch.TOGETHER", 1)
        left = [flow.approve, flow.approve]

        def twice(*seen: Any, **more: Any) -> Any:
            return left.pop()(*seen, **more)

        ended.setattr("changedesk.flow.batch.approve", twice)
        with pytest.raises(IndexError):  # the third part is never begun
            approve(d, entered)
    assert [row.state for row in rows_of(d, entered)] == ["applied"] * 2 + ["awaiting_approval"] * 2
    assert approve(d, entered, at=soon(START, 2)).states == {"applied": 4}
    assert [kinds(d, org).count("change.applied") for org in orgs] == [1] * 4


def test_rows_are_refused_each_for_itself(d: Desk, orgs: list[SubjectId]) -> None:
    rows = [
        add(2, orgs[0]),
        add(3, orgs[0], "Again*en"),
        add(4, None),
        add(5, orgs[1], "A*en"),
        add(6, orgs[2], values={"org.aliases": (Edit("delete", ("Z",)),), "org.website": "nowhere"}),
        add(7, orgs[3], "without its language"),
    ]
    said = [
        ("requested", ()),
        ("refused", (("field-taken", "org.aliases"),)),
        ("refused", (("customer-unknown", ""),)),
        ("unchanged", ()),
        ("refused", (("not-held", "org.aliases"),)),
        ("requested", (("language_missing", "org.aliases"),)),
    ]
    seen = flow.preview_rows(rows, BUSINESS, actor=d.sofia, at=START)
    assert [(one.row.outcome, tuple(one.row.reasons)) for one in seen] == said
    assert {one.route for one in seen} == {None, (0, None, 1)}
    _, became = enter(d, rows)
    assert [(one.row.outcome, tuple(one.row.reasons)) for one in became] == said
    assert isinstance(became[2].refusal, CustomerUnknown)
    assert [tuple(row.reasons) for row in rows_of(d, enter(d, rows)[0])] == [reasons for _, reasons in said]
    unread = flow.Terms(reason="correction_of_error", initiated_by="business")
    _, strict = enter(d, [add(7, orgs[1], "unread")], unread, content=b"4" * 32)
    assert strict[0].row.reasons == (("language_missing", "org.aliases"),)
    assert strict[0].row.outcome == "refused"


def test_rows_that_need_the_customer_wait_for_them(d: Desk) -> None:
    dana = d.customer()
    asked = flow.Asked(number=2, subject=dana, kind="contact_details", values=POST)
    entered, became = enter(d, [asked], CUSTOMER)
    assert became[0].row.state == "awaiting_verification"
    done = approve(d, entered)
    assert (done.states, done.refused) == ({"awaiting_verification": 1}, {})
    _, forced = enter(d, [asked], flow.Terms(reason="customer_request", initiated_by="business"), content=b"5" * 32)
    assert forced[0].row.reasons == (("not-their-decision", ""),)


def test_an_open_request_is_a_conflict_in_the_preview(d: Desk, orgs: list[SubjectId]) -> None:
    enter(d, [add(2, orgs[0])])
    seen = flow.preview_rows([add(2, orgs[0], "C*en"), add(3, orgs[1])], BUSINESS, actor=d.sofia, at=START)
    assert [one.row.outcome for one in seen] == ["refused", "requested"]
    assert isinstance(seen[0].refusal, Refusal)


def test_customers_are_found_by_their_name_in_the_source(d: Desk, orgs: list[SubjectId]) -> None:
    assert flow.find_customers("registry", ["org2", "nobody"], actor=d.sofia) == {"org2": orgs[2]}
    with pytest.raises(NotFound):
        flow.enter_rows(uuid4(), [], BUSINESS, actor=d.sofia, at=START)
    with pytest.raises(NotFound):
        flow.finish_batch(uuid4(), actor=d.sofia, at=START)


def test_a_batch_of_another_client_is_not_there(d: Desk, orgs: list[SubjectId]) -> None:
    entered, _ = enter(d, [add(2, orgs[0])])
    other = desk("other", packs=("public_directory",))
    for who in (other.ines, other.crm):
        with pytest.raises(NotFound):
            reading.batch(entered.id, actor=who, at=START)
        assert reading.batches(actor=who).items == ()
    with pytest.raises(NotFound):
        approve(d, entered, actor=other.ines)
    assert flow.find_customers("registry", ["org1"], actor=other.sofia) == {}
    assert reading.batch(entered.id, actor=d.ines, at=START).counts == {"awaiting_approval": 1}
    with pytest.raises(Forbidden):
        reading.batches(actor=d.ben)
    with pytest.raises(BadCursor):
        reading.batches(actor=d.otto, before="nonsense")
