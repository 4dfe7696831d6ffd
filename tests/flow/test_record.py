"""Records that arrive with their evidence: changes made elsewhere, new customers, values of another day."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from tests.cast import START, Desk, soon
from tests.flow.walk import LATER, history, holds, kinds, record, stands

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId, uuid7
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.flow import recorded
from changedesk.flow.recorded import FieldTwice, OldDiffers, RangeEmpty, RowChanged
from changedesk.kinds import ManyBad, NoChange
from changedesk.rules.fields import Catalogue, Field, FieldType, Sensitivity
from changedesk.rules.values import search_terms
from changedesk.store import past, subjects
from changedesk.store.once import InFlight
from changedesk.store.settings_read import configuration
from changedesk.store.tx import look

DAY = timedelta(days=1)


def _change(dana: SubjectId, new: object, path: str = "contact.url", **more: object) -> flow.RecordedChange:
    field = {name: more.pop(name) for name in ("old", "valid_from", "valid_to") if name in more}
    return flow.RecordedChange(subject=dana, changes=[flow.FieldChange(path=path, new=new, **field)], **more)  # type: ignore[arg-type]


def _as_of(d: Desk, dana: SubjectId, known: datetime, valid: datetime, path: str = "contact.url") -> bytes | None:
    with look(d.client) as seen:
        return past.as_of(seen, stands(d, dana), known_at=known, valid_at=valid)[1].get(path)


def test_a_recorded_change_keeps_who_asked_and_who_approved_elsewhere(d: Desk, dana: SubjectId) -> None:
    evidence = {"requester": "u-17", "approver": "u-9", "actor": "s99", "reason": "nonsense"}
    item = _change(dana, "https://a.example/", evidence=evidence, reason="life_event", channel=Channel.BATCH_IMPORT)
    made = flow.record_changes([item], actor=d.crm, at=LATER).one()
    entry = history(d, dana)[-1]
    assert (entry.change, entry.version, entry.leaf.hex(), entry.channel) == (made.change, 2, made.leaf, "batch_import")
    assert entry.facts["requester"] == "u-17"
    # What comes from outside stands in nobody's place.
    assert (entry.actor, entry.facts["actor"], entry.facts["reason"]) == ("k1", "k1", "life_event")


def test_an_old_value_that_differs_is_refused(d: Desk, dana: SubjectId) -> None:
    with pytest.raises(OldDiffers) as refused:
        flow.record_changes(
            [_change(dana, "https://b.example/", old="https://a.example/")], actor=d.crm, at=LATER
        ).one()
    assert refused.value.data == {"paths": ["contact.url"]}
    flow.record_changes([_change(dana, "https://b.example/", old=None)], actor=d.crm, at=LATER).one()
    flow.record_changes([_change(dana, "https://c.example/", old="https://b.example/")], actor=d.crm, at=LATER).one()


def test_several_of_one_subject_apply_in_the_order_given(d: Desk, dana: SubjectId) -> None:
    eve = d.customer(contact__email="eve@old.example")
    steps = [None, *(f"https://{name}.example/" for name in "abcd")]
    items = [_change(dana, new, old=old) for old, new in pairwise(steps)]
    items.insert(2, _change(eve, "https://eve.example/"))
    items.append(_change(dana, None, old=steps[-1]))
    outcome = flow.record_changes(items, actor=d.crm, at=LATER)
    assert not outcome.refused
    assert [one.version for one in outcome.done if one.subject == dana] == [2, 3, 4, 5, 6]
    assert holds(d, dana, "contact.url") is None


def test_one_refused_change_leaves_the_rest_standing(d: Desk, dana: SubjectId) -> None:
    items = [
        _change(SubjectId(uuid7()), "https://a.example/"),
        _change(dana, "https://a.example/"),
        _change(dana, "https://a.example/"),
        _change(dana, "nonsense"),
        _change(dana, "x", path="contact.nothing"),
        _change(dana, "https://z.example/", valid_from=LATER, valid_to=LATER),
        flow.RecordedChange(subject=dana, changes=[flow.FieldChange(path="contact.url", new=x) for x in ("a", "b")]),
        _change(dana, "https://b.example/", old="https://a.example/"),
    ]
    outcome = flow.record_changes(items, actor=d.crm, at=LATER)
    assert [one.version for one in outcome.done] == [2, 3]
    assert {place: type(refusal) for place, refusal in outcome.refused.items()} == {
        0: NotFound, 2: NoChange, 3: ManyBad, 4: ManyBad, 5: RangeEmpty, 6: FieldTwice,
    }  # fmt: skip


def test_text_is_kept_as_it_was_elsewhere_if_asked(d: Desk, dana: SubjectId) -> None:
    item = _change(dana, " not A url ", verbatim=True)
    flow.record_changes([item], actor=d.crm, at=LATER).one()
    assert holds(d, dana, "contact.url") == " not A url "
    with pytest.raises(OldDiffers):
        flow.record_changes([_change(dana, "x", verbatim=True, old="not A url")], actor=d.crm, at=LATER).one()
    with pytest.raises(ManyBad):
        flow.record_changes([_change(dana, "x", path="contact.nothing", verbatim=True)], actor=d.crm, at=LATER).one()
    flow.record_changes([_change(dana, "", verbatim=True, old=" not A url ")], actor=d.crm, at=LATER).one()
    assert holds(d, dana, "contact.url") is None


def test_a_row_of_a_source_is_taken_in_once(d: Desk, dana: SubjectId) -> None:
    def row(body: bytes, number: str = "1") -> flow.SourceRow:
        return flow.SourceRow("log.csv", number, body)

    first = _change(dana, "https://a.example/", source=row(b"a"))
    assert not flow.record_changes([first], actor=d.crm, at=LATER).one().unchanged
    again = flow.record_changes([first], actor=d.crm, at=LATER).one()
    assert (again.unchanged, again.subject) == (True, dana)
    with pytest.raises(RowChanged):
        flow.record_changes([_change(dana, "https://b.example/", source=row(b"b"))], actor=d.crm, at=LATER).one()
    both = [_change(dana, "https://b.example/", source=row(b"2", "2"))] * 2
    both.append(_change(dana, "https://c.example/", source=row(b"3", "2")))
    both += [_change(dana, "nonsense", source=row(b"9", "9"))] * 2
    outcome = flow.record_changes(both, actor=d.crm, at=LATER)
    assert [one.unchanged for one in outcome.done] == [False, True]
    assert {place: type(refusal) for place, refusal in outcome.refused.items()} == {
        2: RowChanged,
        3: ManyBad,
        4: ManyBad,
    }


def test_a_retried_record_gets_the_first_answer(d: Desk, dana: SubjectId) -> None:
    item = _change(dana, "https://a.example/", once=flow.Once("k", b"x"))
    first = flow.record_changes([item], actor=d.crm, at=LATER).one()
    again = flow.record_changes([item], actor=d.crm, at=LATER).one()
    assert (again.replayed, again.change, again.version, again.leaf) == (True, first.change, first.version, first.leaf)
    twice = flow.record_changes(
        [_change(dana, x, once=flow.Once("q", b"x")) for x in ("https://1.example/", "https://2.example/")],
        actor=d.crm,
        at=LATER,
    )
    assert type(twice.refused[1]) is InFlight


def test_agents_record_nothing(d: Desk, dana: SubjectId) -> None:
    with pytest.raises(Forbidden):
        flow.record_changes([_change(dana, "https://a.example/")], actor=d.ines, at=LATER)
    with pytest.raises(Forbidden):
        flow.create_customers([], actor=d.otto, at=LATER)


def test_a_change_of_another_day_is_true_then_and_known_from_now_on(d: Desk, dana: SubjectId) -> None:
    made = _change(dana, "https://was.example/", valid_from=START + DAY, valid_to=START + 2 * DAY)
    flow.record_changes([made], actor=d.crm, at=LATER).one()
    assert holds(d, dana, "contact.url") is None
    assert _as_of(d, dana, LATER, START + 1.5 * DAY) == b'"https://was.example/"'
    assert _as_of(d, dana, LATER - DAY, START + 1.5 * DAY) is None
    assert _as_of(d, dana, LATER, LATER) is None


def test_a_value_to_come_arrives_on_its_day_and_leaves_on_its_last(d: Desk, dana: SubjectId) -> None:
    coming = _change(dana, "https://soon.example/", valid_from=LATER + DAY, valid_to=LATER + 3 * DAY)
    flow.record_changes([coming], actor=d.crm, at=LATER).one()
    assert flow.make_effective(d.client, at=LATER + DAY - timedelta(seconds=1)) == 0
    assert holds(d, dana, "contact.url") is None
    assert flow.make_effective(d.client, at=LATER + 2 * DAY) == 1
    assert holds(d, dana, "contact.url") == "https://soon.example/"
    assert flow.make_effective(d.client, at=LATER + 2 * DAY) == 0  # nothing is left to do, so nothing is written
    assert stands(d, dana).next_effective_at == LATER + 3 * DAY
    assert flow.make_effective(d.client, at=LATER + 3 * DAY) == 1
    assert holds(d, dana, "contact.url") is None
    assert stands(d, dana).next_effective_at is None
    assert kinds(d, dana)[-3:] == ["change.recorded", "change.effective", "change.effective"]
    assert _as_of(d, dana, LATER + 4 * DAY, LATER + 1.5 * DAY) == b'"https://soon.example/"'


def test_a_value_to_come_that_was_overtaken_leaves_no_entry(d: Desk, dana: SubjectId) -> None:
    coming = _change(dana, "https://soon.example/", valid_from=LATER + DAY)
    flow.record_changes([coming], actor=d.crm, at=LATER).one()
    flow.record_changes([_change(dana, "https://now.example/")], actor=d.crm, at=soon(LATER)).one()
    before = stands(d, dana).ver
    assert flow.make_effective(d.client, at=LATER + 2 * DAY) == 0
    assert (stands(d, dana).ver, stands(d, dana).next_effective_at) == (before, None)
    assert holds(d, dana, "contact.url") == "https://now.example/"


def test_two_values_to_come_arrive_each_on_its_day(d: Desk, dana: SubjectId) -> None:
    for place, day in ((1, DAY), (2, 2 * DAY)):
        flow.record_changes(
            [_change(dana, f"https://{place}.example/", valid_from=LATER + day)], actor=d.crm, at=LATER
        ).one()
    for day, value in ((DAY, "https://1.example/"), (2 * DAY, "https://2.example/")):
        assert flow.make_effective(d.client, at=LATER + day) == 1
        assert holds(d, dana, "contact.url") == value


def _new(name: str, *accounts: flow.NewAccount, **more: object) -> flow.NewCustomer:
    return flow.NewCustomer(values={"personal.name": name}, accounts=accounts, **more)  # type: ignore[arg-type]


def test_new_customers_come_with_their_accounts_and_share_what_is_known(d: Desk) -> None:
    first = flow.create_customers(
        [
            _new("Ada", flow.NewAccount("A-1"), flow.NewAccount("A-2", role="user")),
            _new("Bob", flow.NewAccount("a-1 ")),
        ],
        actor=d.crm, at=LATER,
    )  # fmt: skip
    ada, bob = first.done
    assert ada.accounts[0] == bob.accounts[0]
    third = flow.create_customers([_new("Cid", flow.NewAccount("A-1", role="payer"))], actor=d.crm, at=LATER).one()
    assert third.accounts == ada.accounts[:1]
    with look(d.client) as seen:
        assert {one.role for one in subjects.accounts_of(seen, third.subject)} == {"payer"}
        assert {one.customer for one in subjects.holders_of(seen, third.accounts)} >= {ada.subject, third.subject}
        account = subjects.load(seen, third.accounts)[third.accounts[0]]
    assert (account.type, account.ver) == ("account", 1)


def test_one_bad_customer_or_account_leaves_the_rest_standing(d: Desk) -> None:
    outcome = flow.create_customers(
        [
            _new("Ada", flow.NewAccount("A-1", values={"contact.nothing": "x"})),
            flow.NewCustomer(values={"contact.email": "nonsense"}),
            _new("Bob", flow.NewAccount("")),
            _new("Cid", flow.NewAccount("A-1")),
        ],
        actor=d.crm, at=LATER,
    )  # fmt: skip
    assert len(outcome.done) == 1
    assert {place: type(refusal) for place, refusal in outcome.refused.items()} == dict.fromkeys((0, 1, 2), ManyBad)


def test_a_file_read_again_takes_nobody_in_twice(d: Desk) -> None:
    item = _new("Ada", source=flow.SourceRow("f.csv", "7", b"ada"), lenient=True, valid_from=START - DAY)
    first = flow.create_customers([item, item], actor=d.crm, at=LATER)
    assert [one.unchanged for one in first.done] == [False, True]
    assert first.done[1].subject == first.done[0].subject
    assert flow.create_customers([item], actor=d.crm, at=LATER).one().unchanged
    keyed = _new("Bob", once=flow.Once("k", b"x"))
    bob = flow.create_customers([keyed], actor=d.crm, at=LATER).one()
    again = flow.create_customers([keyed], actor=d.crm, at=LATER).one()
    assert (again.replayed, again.subject, again.change) == (True, bob.subject, bob.change)
    assert _as_of(d, first.done[0].subject, LATER, START, "personal.name") == b'"Ada"'


def test_what_was_recorded_is_found_and_what_went_is_not(d: Desk, dana: SubjectId) -> None:
    email = configuration(d.client).catalogue["contact.email"]

    def found(value: str) -> list[SubjectId]:
        with look(d.client) as seen:
            return subjects.find(seen, search_terms(email, value), limit=10)

    assert found("dana@old.example") == [dana]
    record(d, dana, {"contact.email": "dana@new.example"}, at=LATER)
    assert (found("dana@old.example"), found("dana@new.example")) == ([], [dana])
    record(d, dana, {"contact.email": None}, at=LATER)
    assert found("dana@new.example") == []


def test_a_known_row_may_name_more_accounts_but_not_bad_ones(d: Desk) -> None:
    source = flow.SourceRow("f.csv", "7", b"ada")
    first = flow.create_customers([_new("Ada", flow.NewAccount("A-1"), source=source)], actor=d.crm, at=LATER).one()
    more = [_new("Ada", flow.NewAccount("A-1"), flow.NewAccount("A-2"), source=source)]
    again = flow.create_customers(more, actor=d.crm, at=LATER).one()
    assert (again.unchanged, again.subject, len(again.accounts)) == (True, first.subject, 2)
    bad = flow.create_customers([_new("Ada", flow.NewAccount(""), source=source)], actor=d.crm, at=LATER)
    assert (len(bad.done), {place: type(no) for place, no in bad.refused.items()}) == (0, {0: ManyBad})


def test_a_card_number_is_refused_even_where_text_is_taken_as_it_stands(d: Desk, dana: SubjectId) -> None:
    item = _change(dana, "4111 1111 1111 1111", verbatim=True)
    with pytest.raises(ManyBad) as refused:
        flow.record_changes([item], actor=d.crm, at=LATER).one()
    assert "4111" not in str(refused.value.data)
    with pytest.raises(ManyBad):
        flow.record_changes([_change(dana, "x", path="contact.no", verbatim=True)], actor=d.crm, at=LATER).one()
    flow.record_changes([_change(dana, "as it was", verbatim=True)], actor=d.crm, at=LATER).one()
    assert holds(d, dana, "contact.url") == "as it was"


def test_a_secret_is_recorded_in_no_way() -> None:
    secret = Field(
        path="security.answer", type=FieldType.TEXT, kind="security_settings", category="auth.answer",
        label={"en": "Answer"}, sensitivity=Sensitivity.SECRET,
    )  # fmt: skip
    catalogue, given = Catalogue.of([secret]), {secret.path: "Rex"}
    with pytest.raises(ManyBad) as checked:
        recorded.read(catalogue, given, region="US", today=START.date())
    with pytest.raises(ManyBad) as verbatim:
        recorded.verbatim(catalogue, given)
    for refused in (checked, verbatim):
        assert [(path, bad.code) for path, bad in refused.value.refusals.items()] == [
            ("/security.answer", "secret-field")
        ]
