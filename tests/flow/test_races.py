"""Verbs that meet: one of them comes first, the other sees it, and nothing is done twice or lost."""

from collections import Counter
from datetime import timedelta
from functools import partial
from itertools import pairwise

import pytest
from tests.cast import Desk, soon
from tests.flow.race import together
from tests.flow.test_undo import _link
from tests.flow.walk import (
    LATER,
    OTHER_POST,
    POST,
    URL,
    agree,
    ask,
    code_to,
    history,
    holds,
    kinds,
    not_this,
    ready,
    record,
    request_of,
    stands,
    vouch,
    wish,
)  # fmt: skip

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.clock import micros
from changedesk.base.ids import SubjectId
from changedesk.base.outcome import Outcome
from changedesk.base.refusal import Refusal
from changedesk.flow.recorded import Recorded, RecordedChange
from changedesk.ledger.entry import EntryKind, leaf
from changedesk.ledger.tree import leaf_hash
from changedesk.store import log, once
from changedesk.store.begin import begin
from changedesk.store.tx import look

ROUNDS = 4


def _codes(found: list[object]) -> list[str]:
    assert all(not isinstance(one, Exception) or isinstance(one, Refusal) for one in found), found
    return sorted(one.code for one in found if isinstance(one, Refusal))


def _is_whole(d: Desk, dana: SubjectId) -> None:
    """Versions are dense, each linked to the one before, and the newest is where the record stands."""
    changes = [entry for entry in history(d, dana) if entry.version]
    assert [entry.version for entry in changes] == list(range(1, len(changes) + 1))
    with look(d.client) as seen:
        rows = seen.connection.execute(
            "SELECT change_id, kind, subject_id, ver, recorded_at, fields_hash, meta_hash, leaf_hash FROM desk.entry"
            " WHERE subject_id = %s AND ver IS NOT NULL ORDER BY ver",
            (dana,),
        ).fetchall()
    previous = b""
    for change, kind, subject, version, recorded_at, fields, meta, leaf_ in rows:
        document = leaf(
            change_id=change, kind=EntryKind(kind), subject_ref=subject, version=version, previous=previous,
            recorded_at_ms=micros(recorded_at) // 1000, fields=fields, meta=meta,
        )  # fmt: skip
        assert leaf_hash(document) == leaf_
        previous = leaf_
    assert stands(d, dana).head_leaf == previous
    assert stands(d, dana).ver == len(rows)


def test_of_two_requests_for_one_field_one_is_told_about_the_other(d: Desk) -> None:
    for number in range(ROUNDS):
        eve = d.customer(contact__email=f"eve{number}@old.example")
        found = together(
            [partial(ask, d, eve, {"contact.email": to}, at=LATER) for to in ("a@b.example", "c@d.example")]
        )
        assert _codes(found) == ["field-taken"]


def test_two_batches_in_opposite_order_do_not_wait_in_a_circle(d: Desk) -> None:
    people = [d.customer(contact__email=f"eve{number}@old.example") for number in range(12)]
    for number in range(ROUNDS):
        items = [
            RecordedChange(
                subject=one, changes=[flow.FieldChange(path="contact.url", new=f"https://{number}.example/{side}")]
            )
            for side, order in enumerate((people, people[::-1]))
            for one in order
        ]
        half = len(people)
        found = together(
            [partial(flow.record_changes, part, actor=d.crm, at=LATER) for part in (items[:half], items[half:])]
        )
        assert all(isinstance(one, Outcome) and not one.refused for one in found), found
        wishes = [wish(one, {"contact.fax": f"+1 202 555 01{number:02d}"}) for one in people]
        both = together([partial(flow.submit, part, actor=d.ben, at=LATER) for part in (wishes, wishes[::-1])])
        done = [receipt for one in both for receipt in one.done]  # type: ignore[attr-defined]
        assert Counter(receipt.subject for receipt in done) == dict.fromkeys(people, 1)
        together([partial(flow.withdraw, receipt.ref, seen_version=None, actor=d.ben, at=LATER) for receipt in done])
    for one in people:
        _is_whole(d, one)


@pytest.mark.parametrize(
    "other", ["approve", "withdraw", "revise", "reject", "cancel", "hold", "ask_information", "dispute"]
)
def test_an_approval_and_anything_else_come_one_after_the_other(d: Desk, other: str) -> None:
    for number in range(ROUNDS):
        eve = d.customer(contact__email=f"eve{number}@old.example")
        asked = ready(d, eve, values=POST)
        at = soon(LATER, 5)
        token = _link(d, asked, f"token {number}")
        ref, seen = asked.ref, None
        approve = partial(flow.approve, {ref: asked.digest}, at=at)
        meets = {
            "approve": partial(lambda do: do(actor=d.omar).one(), approve),
            "withdraw": partial(flow.withdraw, ref, seen_version=seen, actor=d.ben, at=at),
            "revise": partial(flow.revise, ref, OTHER_POST, seen_version=seen, actor=d.ben, at=at),
            "reject": partial(flow.reject, ref, seen_version=seen, reason="other", message="No.", actor=d.omar, at=at),
            "cancel": partial(flow.cancel, ref, reason="typo", seen_version=seen, actor=d.ben, at=at),
            "hold": partial(flow.hold, ref, reason="other", until=None, seen_version=seen, actor=d.omar, at=at),
            "ask_information": partial(flow.ask_information, ref, seen_version=seen, message="?", actor=d.omar, at=at),
            "dispute": partial(flow.open_dispute, d.client, token, at=at),
        }
        found = together([partial(lambda do: do(actor=d.ines).one(), approve), meets[other]])
        codes = _codes(found)
        state = request_of(d, asked.ref).state.value
        applied = kinds(d, eve).count("change.applied")
        assert applied == (state == "applied")
        assert applied == (holds(d, eve, "contact.postal_address") is not None)
        if other == "dispute":
            assert codes in ([], ["too-late"])
            assert kinds(d, eve).count("request.disputed") == 1
        elif other == "revise" and not applied:
            assert codes in (["too-late"], ["different-content"])
        else:
            assert codes == ["too-late"]
        _is_whole(d, eve)


def test_a_right_answer_counts_once(d: Desk) -> None:
    for number in range(ROUNDS):
        eve = d.customer(contact__email=f"eve{number}@old.example")
        started = flow.challenge(
            eve, purpose="caller", method="code_email", path="contact.email", actor=d.ben, at=LATER
        )
        code = code_to(d)
        found = together([partial(flow.confirm, started.id, code, actor=d.ben, at=LATER)] * 4)
        assert _codes(found) == ["code-used"] * 3
        assert kinds(d, eve).count("identity.verified") == 1


def test_twenty_wrong_answers_at_once_are_five(d: Desk, dana: SubjectId) -> None:
    started = flow.challenge(dana, purpose="caller", method="code_email", path="contact.email", actor=d.ben, at=LATER)
    wrong = not_this(code_to(d))
    found = together([lambda: flow.confirm(started.id, wrong, actor=d.ben, at=LATER)] * 20)
    assert _codes(found) == ["too-many-tries"] * 15
    assert kinds(d, dana).count("identity.failed") == 5


def test_wrong_answers_to_two_codes_at_once_stay_within_the_hour(d: Desk, dana: SubjectId) -> None:
    def one(method: str, path: str | None) -> flow.Challenged:
        return flow.challenge(dana, purpose="caller", method=method, path=path, actor=d.ben, at=LATER)

    three = [one("code_email", "contact.email"), one("code_sms", "contact.phone_mobile"), one("totp", None)]
    together([partial(flow.confirm, item.id, "x", actor=d.ben, at=LATER) for item in three * 5])
    assert kinds(d, dana).count("identity.failed") == 10


def test_starting_and_answering_at_once_wait_in_no_circle(d: Desk, dana: SubjectId) -> None:
    for number in range(ROUNDS):
        at = LATER + timedelta(hours=number)
        started = flow.challenge(dana, purpose="caller", method="code_email", path="contact.email", actor=d.ben, at=at)
        code = code_to(d)
        again = partial(
            flow.challenge, dana, purpose="caller", method="code_email", path="contact.email", actor=d.ben, at=at
        )
        answer = partial(flow.confirm, started.id, code, actor=d.ben, at=at)
        assert set(_codes(together([again, answer, again]))) <= {"code-used", "too-many-sends"}


def test_four_clocks_apply_once(d: Desk) -> None:
    day = LATER + timedelta(days=1)
    asked = []
    for number in range(3):
        eve = d.customer(contact__email=f"eve{number}@old.example")
        one = ready(d, eve, values=POST, effective_at=day)
        flow.approve({one.ref: one.digest}, actor=d.ines, at=soon(LATER, 5))
        asked.append(one)
    found = together([lambda: flow.apply_due(d.client, at=day)] * 4)
    assert sum(found) == 3  # type: ignore[arg-type]
    for one in asked:
        assert kinds(d, one.subject).count("change.applied") == 1


def test_expiry_and_approval_come_one_after_the_other(d: Desk) -> None:
    for number in range(ROUNDS):
        eve = d.customer(contact__email=f"eve{number}@old.example")
        asked = ready(d, eve, values=POST)
        at = LATER + timedelta(days=8)
        found = together(
            [
                partial(flow.approve, {asked.ref: asked.digest}, actor=d.ines, at=at),
                partial(flow.expire_due, d.client, at=at),
                partial(flow.expire_due, d.client, at=at),
            ]
        )
        _codes(found)
        state = request_of(d, asked.ref).state.value
        assert state in ("applied", "expired")
        assert kinds(d, eve).count("change.applied") == (state == "applied")
        assert kinds(d, eve).count("request.expired") == (state == "expired")


def test_values_to_come_arrive_once_however_many_clocks_there_are(d: Desk, dana: SubjectId) -> None:
    day = LATER + timedelta(days=1)
    change = flow.FieldChange(path="contact.url", new="https://soon.example/", valid_from=day)
    flow.record_changes([RecordedChange(subject=dana, changes=[change])], actor=d.crm, at=LATER).one()
    assert sum(together([lambda: flow.make_effective(d.client, at=day)] * 4)) == 1  # type: ignore[arg-type]
    _is_whole(d, dana)


def test_changes_of_one_record_at_once_all_land_one_after_the_other(d: Desk, dana: SubjectId) -> None:
    paths = ("contact.url", "contact.fax", "personal.gender", "contact.phone_home")
    values = ("https://a.example/", "+1 202 555 0177", "female", "+1 202 555 0188")
    calls = [partial(record, d, dana, {p: v}, at=LATER) for p, v in zip(paths, values, strict=True)]
    assert _codes(together(calls)) == []
    assert stands(d, dana).ver == 5
    _is_whole(d, dana)


def test_one_key_from_eight_threads_has_one_effect(d: Desk, dana: SubjectId) -> None:
    item = RecordedChange(
        subject=dana,
        changes=[flow.FieldChange(path="contact.url", new="https://a.example/")],
        once=flow.Once("k", b"x"),
    )
    found = together([lambda: flow.record_changes([item], actor=d.crm, at=LATER).one()] * 8)
    assert set(_codes(found)) <= {"idempotency-in-flight"}
    assert len({one.change for one in found if isinstance(one, Recorded)}) == 1
    assert stands(d, dana).ver == 2
    asked = [lambda: ask(d, dana, {"contact.fax": "+1 202 555 0177"}, at=LATER, once=flow.Once("q", b"x"))] * 8
    refs = {one.ref for one in together(asked) if isinstance(one, flow.Receipt)}
    assert len(refs) == 1


def test_one_row_from_two_imports_is_one_customer(d: Desk) -> None:
    item = flow.NewCustomer(values={"personal.name": "Ada"}, source=flow.SourceRow("f.csv", "1", b"ada"))
    for _ in range(ROUNDS):
        found = together([lambda: flow.create_customers([item], actor=d.crm, at=LATER).one()] * 3)
        assert set(_codes(found)) <= {"idempotency-in-flight"}
    with look(d.client) as seen:
        rows = seen.connection.execute("SELECT count(*) FROM desk.subject").fetchone()
    assert rows == (1,)


def test_rows_of_two_imports_at_once_are_taken_in_once_and_the_other_finds_them_known(d: Desk, dana: SubjectId) -> None:
    texts = ["", *(f"https://{number}.example/" for number in range(2 * ROUNDS))]
    items = [
        RecordedChange(
            subject=dana,
            changes=[flow.FieldChange(path="contact.url", old=old or None, new=new)],
            source=flow.SourceRow("f.csv", new, new.encode()),
            verbatim=True,
        )
        for old, new in pairwise(texts)
    ]
    for first in range(0, 2 * ROUNDS, 2):
        batch = items[first : first + 2]
        found = together([partial(flow.record_changes, batch, actor=d.crm, at=LATER)] * 4)
        assert _codes(found) == []
        outcomes = [one for one in found if isinstance(one, Outcome)]
        assert [one.refused for one in outcomes] == [{}] * 4
        assert sorted([made.unchanged for made in one.done] for one in outcomes) == [[False] * 2, *[[True] * 2] * 3]
    assert stands(d, dana).ver == 1 + 2 * ROUNDS
    _is_whole(d, dana)


def test_two_sequencers_give_each_entry_one_dense_place(d: Desk, dana: SubjectId) -> None:
    def place() -> int:
        with begin(d.ben) as tx:
            return log.sequence(tx)

    for number in range(ROUNDS):
        together(
            [
                place,
                place,
                place,
                place,
                partial(record, d, dana, {"contact.url": f"https://{number}.example/"}, at=LATER),
            ]
        )
    while place():
        pass
    with look(d.client) as seen:
        found = seen.connection.execute(
            "SELECT array_agg(l.idx ORDER BY l.idx), count(DISTINCT e.id), (SELECT count(*) FROM desk.entry)"
            " FROM desk.log_leaf l JOIN desk.entry e ON e.id = l.entry_id"
        ).fetchone()
        size = log.size(seen)
        order = seen.connection.execute(
            "SELECT array_agg(e.ver ORDER BY l.idx) FROM desk.log_leaf l JOIN desk.entry e ON e.id = l.entry_id"
            " WHERE e.ver IS NOT NULL AND e.subject_id = %s",
            (dana,),
        ).fetchone()
    assert found is not None
    assert order is not None
    assert found[0] == list(range(size))
    assert found[1] == found[2] == size
    assert order[0] == sorted(order[0])


def test_a_second_click_at_the_same_moment_is_harmless(d: Desk) -> None:
    for number in range(ROUNDS):
        eve = d.customer(contact__email=f"eve{number}@old.example")
        asked = ready(d, eve, values=POST)
        token = _link(d, asked, f"token {number}")
        found = together([partial(flow.open_dispute, d.client, token, at=soon(LATER, 5))] * 3)
        assert sorted(one.already for one in found) == [False, True, True]  # type: ignore[attr-defined]
        assert kinds(d, eve).count("hold.placed") == 1


def test_two_undoings_of_one_change_are_one_request(d: Desk, dana: SubjectId) -> None:
    made = record(d, dana, URL, at=LATER)
    assert made.change is not None
    undo = partial(
        flow.revert,
        made.change,
        flow.How(reason="correction_of_error", channel=Channel.PHONE),
        choices={},
        actor=d.ines,
        at=soon(LATER),
    )
    assert _codes(together([undo, undo])) == ["field-taken"]


def test_joined_calls_share_a_batch_and_a_refused_one_hurts_nobody(d: Desk) -> None:
    people = [d.customer(contact__email=f"eve{number}@old.example") for number in range(8)]
    items = [
        RecordedChange(subject=one, changes=[flow.FieldChange(path="contact.url", new=f"https://{turn}.example/")])
        for turn in range(3)
        for one in people
    ]
    items[5] = RecordedChange(subject=people[5], changes=[flow.FieldChange(path="contact.url", new="nonsense")])
    found = together([partial(flow.record_joined, item, actor=d.crm, at=LATER) for item in items])
    assert _codes(found) == ["bad-values"]
    for place, one in enumerate(people):
        assert stands(d, one).ver == (3 if place == 5 else 4)
        _is_whole(d, one)
    asked = together(
        [
            partial(flow.submit_joined, wish(one, {"contact.fax": "+1 202 555 0177"}), actor=d.ben, at=LATER)
            for one in people
        ]
    )
    assert _codes(asked) == []


def test_a_key_that_was_claimed_and_answered_between_is_not_answered_twice(d: Desk, dana: SubjectId) -> None:
    """The other call committed after our snapshot was taken and before its lock was free."""
    key = once.Once("k", b"x")
    with begin(d.crm) as tx:
        claimed = once.claim(tx, d.crm.id, [key])[0]
        assert isinstance(claimed, once.Claim)
        once.record(tx, d.crm.id, [(claimed, {})], at=LATER)
        with pytest.raises(once.InFlight):
            once.record(tx, d.crm.id, [(claimed, {})], at=LATER)


def test_two_agents_consent_and_two_answers_at_once(d: Desk) -> None:
    for number in range(ROUNDS):
        eve = d.customer(contact__email=f"eve{number}@old.example")
        vouch(d, eve, LATER)
        asked = ask(d, eve, POST, at=LATER)
        assert _codes(together([partial(agree, d, asked, LATER)] * 3)) == []
        assert kinds(d, eve).count(EntryKind.CONSENT_RECORDED.value) == 1
        assert request_of(d, asked.ref).state.value == "awaiting_approval"


def test_release_apply_now_and_the_clock_apply_once(d: Desk) -> None:
    day = LATER + timedelta(days=1)
    for number in range(ROUNDS):
        eve = d.customer(contact__email=f"eve{number}@old.example")
        asked = ready(d, eve, values=POST, effective_at=day)
        flow.approve({asked.ref: asked.digest}, actor=d.ines, at=soon(LATER, 5))
        found = together(
            [
                partial(flow.apply_now, asked.ref, seen_version=None, actor=d.ines, at=soon(day)),
                partial(flow.apply_due, d.client, at=soon(day)),
                partial(
                    flow.reschedule,
                    asked.ref,
                    effective_at=soon(day, 99),
                    seen_version=None,
                    actor=d.omar,
                    at=soon(day),
                ),
            ]
        )
        assert set(_codes(found)) <= {"too-late"}
        flow.apply_due(d.client, at=soon(day, 100))
        assert kinds(d, eve).count("change.applied") == 1
