"""Searching the whole history: what is found, by whom, and what a search gives away."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from pytest_django.fixtures import Settings
from tests.cast import START, Desk, key, soon, staff
from tests.postgres import Database
from tests.reading.conftest import NEW_EMAIL, ask_for_email, prove, says_nothing_private, told

from changedesk import flow
from changedesk.base.actor import Actor, Role
from changedesk.base.ids import ChangeId, SubjectId
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.channels.audit_search import searched
from changedesk.flow import audit_trail
from changedesk.flow.audit_trail import PersonalNotKept, SearchNameUnfit
from changedesk.outbound import find, publish, sequence
from changedesk.reading import audit, audit_search, request
from changedesk.reading.audit_search import Found, TextUnknown, ValueTooCommon, ValueUnknown, event, lookup, plan, walk
from changedesk.reading.audit_search.facets import complete
from changedesk.rules import access
from changedesk.store import audit_search as store
from changedesk.store import tile_files, tx
from changedesk.store.erasure_journal import Record

AT = soon(START, 30)


@pytest.fixture(autouse=True)
def own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.CHANGEDESK_STATE_DIR = tmp_path / "state"
    settings.CHANGEDESK_ERASURE_JOURNAL = tmp_path / "erasures.jsonl"
    publish.forget()


def settle(desk: Desk) -> None:
    """Let the sequencer and the consumer take everything."""
    while sequence(desk.client) or find.run(desk.client):
        pass


def find_by(desk: Desk, text: str, *, actor: Actor | None = None, **more: Any) -> Found:
    return audit_search.search(text, actor=actor or desk.otto, at=AT, language="en", **more)


def kinds_of(found: Found) -> list[str]:
    return [line.view.kind for line in found.items]


def applied(desk: Desk) -> tuple[SubjectId, flow.Receipt]:
    """Dana's address has changed, with all the evidence that it took."""
    dana = desk.customer()
    receipt = ask_for_email(dana, desk.ben, soon(START))
    prove(desk, receipt, soon(START, 2))
    digest = request.request(receipt.ref, actor=desk.ines, at=soon(START, 3), language="en").digest
    assert flow.approve({receipt.ref: digest}, actor=desk.ines, at=soon(START, 4)).one().state == "applied"
    settle(desk)
    return dana, receipt


def test_terms_find_what_they_are_true_of(desk: Desk) -> None:
    dana, receipt = applied(desk)
    everything = find_by(desk, "", limit=200)
    assert everything.count == len(everything.items) > 10
    assert everything.exact
    assert everything.behind == 0
    assert [line.place for line in everything.items] == list(range(everything.count))[::-1]
    expected = {
        "action:apply": ["change.applied"],
        "action:change.applied": ["change.applied"],
        "action:apply channel:phone field:email approver:s3": ["change.applied"],
        "action:apply -field:contact": [],
        "action:apply field:contact.email -channel:api -actor:me": ["change.applied"],
        "action:apply verified:<2": [],
        "action:apply verified:>=2": ["change.applied"],
        "action:apply consent:yes OR action:customer.created": ["change.applied", "customer.created"],
        "action:apply consent:yes change:contact_details reason:customer_request": ["change.applied"],
        f"action:apply request:{receipt.ref}": ["change.applied"],
        f"action:apply {receipt.ref}": ["change.applied"],
        f"action:apply request:{receipt.request}": ["change.applied"],
        f"action:apply customer:{dana} client:aurora": ["change.applied"],
        f"action:apply {dana}": ["change.applied"],
        "state:applied": ["change.applied"],
        "state:suspended": [],
        "action:apply policy:1": ["change.applied"],
        "action:apply policy:FLOOR policy:no.such.rule": [],
        "action:approve actor:s3": ["request.approved"],
        "action:create created:2026-03-02": ["customer.created"],
        "action:created created:>2026-03-02": [],
        "action:created created:<2026-03-02": [],
        "action:created created:2026-03-02T09:00": ["customer.created"],
        "action:created created:2026-03-02T09:01..2027": [],
        '"authenticator bound"': ["factor.bound"],
        "role:supervisor": [],
        "actor:customer": [],
        str(uuid4()): [],
    }
    assert {text: kinds_of(find_by(desk, text)) for text in expected} == expected
    (change,) = find_by(desk, "action:apply").items
    assert kinds_of(find_by(desk, str(change.view.change))) == ["change.applied"]
    assert kinds_of(find_by(desk, f"request:{receipt.ref} action:notice")) == []


def test_values_are_found_whole_by_what_held_them_and_shown_masked(desk: Desk) -> None:
    dana, _ = applied(desk)
    expected = {
        f"after:{NEW_EMAIL}": ["change.applied"],
        "after:dana@old.example": ["customer.created"],
        "before:DANA@old.example": ["change.applied"],
        f"before:{NEW_EMAIL}": [],
        "before:dana@old": [],
        "after:dan": [],
        "after:dana": ["customer.created"],
        'after:"novak dana"': ["customer.created"],
        'after:"+1 202 555 0143"': ["customer.created"],
        'customer:"dana novak" action:apply': ["change.applied"],
        f"customer:{NEW_EMAIL} action:created": ["customer.created"],
        "customer:nobody@nowhere.example": [],
    }
    found = {text: find_by(desk, text) for text in expected}
    assert {text: kinds_of(one) for text, one in found.items()} == expected
    assert all(one.personal and says_nothing_private(one.items) for one in found.values())
    assert all("example" not in one.asked and "dana" not in one.asked for one in found.values())
    assert dana in {line.view.subject for line in found["after:dana"].items}


def test_what_an_account_or_customer_came_to_is_found_by_its_code(desk: Desk) -> None:
    dana = desk.customer()
    changes = [flow.FieldChange(path="status.state", new="suspended")]
    flow.record_changes([flow.RecordedChange(subject=dana, changes=changes)], actor=desk.crm, at=AT).one()
    lock = [flow.FieldChange(path="status.change_locked", new=True)]
    flow.record_changes([flow.RecordedChange(subject=dana, changes=lock)], actor=desk.crm, at=AT).one()
    settle(desk)
    for text in ("state:suspended", "after:suspended", "state:change_locked"):
        assert kinds_of(find_by(desk, text)) == ["change.recorded"], text
    assert kinds_of(find_by(desk, "before:suspended")) == []


def small_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (plan, store, walk, find):
        monkeypatch.setattr(module, "BLOCK", 8)
    monkeypatch.setattr(store, "STEP", 3)
    monkeypatch.setattr(walk, "FEW", 1)
    monkeypatch.setattr(find, "AT_ONCE", 5)


def test_pages_go_both_ways_and_meet(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    small_stretches(monkeypatch)
    for number in range(11):
        desk.customer(contact__email=f"c{number}@mail.example")
    settle(desk)
    whole = [line.place for line in find_by(desk, "action:created", limit=200).items]
    assert len(whole) == 11
    down: list[list[int]] = []
    page = find_by(desk, "action:created", limit=4)
    assert (page.newer, page.count) == (None, 11)
    while True:
        down.append([line.place for line in page.items])
        if page.older is None:
            break
        page = find_by(desk, "action:created", limit=4, before=page.older)
        assert page.count is None
    assert [place for part in down for place in part] == whole
    up: list[list[int]] = [down[-1]]
    while page.newer is not None:
        page = find_by(desk, "action:created", limit=4, after=page.newer)
        up.append([line.place for line in page.items])
    assert [place for part in reversed(up) for place in part] == whole
    inside = find_by(desk, "action:created created:2026-03-02T09:00..2026-03-02T09:01")
    assert inside.count == 11


def test_a_time_finds_what_was_recorded_in_it_in_whatever_order(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    small_stretches(monkeypatch)
    minutes = (4, 1, 9, 2, 2, 7, 0, 5, 8, 3, 6)
    for number, minute in enumerate(minutes):
        desk.customer(at=soon(START, minute), contact__email=f"c{number}@mail.example")
    settle(desk)
    day = "2026-03-02T09:0"
    for since in range(10):
        assert find_by(desk, f"action:created created:<{day}{since}").count == sum(one < since for one in minutes)
        for until in range(since, 10):
            found = find_by(desk, f"action:created created:{day}{since}..{day}{until}")
            assert found.count == sum(since <= one <= until for one in minutes)


def test_choices_count_what_is_found_and_keep_in_step_with_the_text(desk: Desk) -> None:
    applied(desk)
    found = find_by(desk, "action:apply", with_facets=True)
    choices = {facet.key: {one.value: one for one in facet.choices} for facet in found.facets}
    assert found.counted == 1
    assert choices["channel"]["phone"].count == 1
    assert choices["channel"]["phone"].query == "action:apply channel:phone"
    assert not choices["action"]["change.applied"].chosen
    found = find_by(desk, ["action:change.applied", "field:x.y OR actor:me"][0], with_facets=True)
    chosen = next(facet for facet in found.facets if facet.key == "action").choices[0]
    assert (chosen.value, chosen.chosen, chosen.query, chosen.label) == ("change.applied", True, "", "Changed")


def test_a_count_says_when_there_are_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "COUNTED", 3)
    desk.customer()
    desk.customer(contact__email="two@mail.example")
    settle(desk)
    found = find_by(desk, "")
    assert (found.count, found.exact) == (3, False)


@pytest.mark.parametrize(
    ("text", "code", "nearest"),
    [
        ("actor:nobody-here", "query-value-unknown", ""),
        ("action:changed.aplied", "query-value-unknown", "change.applied"),
        ("field:emial", "query-value-unknown", ""),
        ("channel:fone", "query-value-unknown", "phone"),
        ("client:borealis", "query-value-unknown", ""),
        ("role:boss", "query-value-unknown", ""),
        ("state:gone", "query-value-unknown", ""),
        ("change:nothing", "query-value-unknown", ""),
        ("consent:none", "query-value-unknown", ""),
        ("reason:none", "query-value-unknown", ""),
        ("request:AAAAA-AAAAA-A", "query-value-unknown", ""),
        (f"request:{UUID(int=7)}", "query-value-unknown", ""),
        ('"no such thing"', "query-text-unknown", None),
    ],
)
def test_what_names_nothing_is_refused_at_its_place(desk: Desk, text: str, code: str, nearest: str | None) -> None:
    with pytest.raises((ValueUnknown, TextUnknown)) as refused:
        find_by(desk, f"actor:me {text}")
    assert refused.value.code == code
    assert refused.value.data["place"] == 9
    if nearest:
        assert refused.value.data["nearest"] == nearest


def test_a_value_that_all_share_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "HOLDERS_MOST", 1)
    desk.customer()
    desk.customer(contact__email="two@mail.example")
    settle(desk)
    for text in ("after:dana", "customer:dana"):
        with pytest.raises(ValueTooCommon):
            find_by(desk, text)


def test_only_those_who_audit_search(desk: Desk) -> None:
    for role in Role:
        who = staff(desk.client, 9, role)
        allowed = role in (Role.AUDITOR, Role.SUPERVISOR, Role.PRIVACY)
        assert access.may(who, access.Verb.AUDIT_SEARCH) is allowed
        asks: list[Any] = [
            lambda who=who: find_by(desk, "", actor=who),
            lambda who=who: audit_search.matches("", actor=who, at=AT, language="en", limit=1),
            lambda who=who: audit_search.kept(actor=who),
            lambda who=who: audit_search.kept_one(uuid4(), actor=who, at=AT),
            lambda who=who: list(audit_search.streamed([0], actor=who, language="en")),
            lambda who=who: event.event(0, actor=who, at=AT, language="en"),
            lambda who=who: event.verify(0, actor=who),
            lambda who=who: complete("", actor=who),
            lambda who=who: audit_trail.note_search("", shown=0, actor=who, at=AT),
            lambda who=who: audit_trail.hold_search("", actor=who, at=AT),
        ]
        for ask in asks:
            if allowed:
                continue
            with pytest.raises(Forbidden):
                ask()
    assert not access.may(key(desk.client, "feed:read", "evidence:build"), access.Verb.AUDIT_SEARCH)
    assert access.may(key(desk.client, "audit:search"), access.Verb.AUDIT_SEARCH)


def test_nothing_of_another_client_is_found(desk: Desk, other: Desk) -> None:
    theirs, receipt = applied(other)
    desk.customer()
    settle(desk)
    mine = find_by(desk, "")
    assert all(line.view.subject != theirs for line in mine.items)
    for text in (f"customer:{theirs}", str(theirs), f"after:{NEW_EMAIL}"):
        assert find_by(desk, text).items == ()
    with pytest.raises(ValueUnknown):
        find_by(desk, f"request:{receipt.ref}")
    kept = audit_trail.keep_search("theirs", "action:apply", personal=False, actor=other.otto, at=AT)
    with pytest.raises(NotFound):
        audit_search.kept_one(kept, actor=desk.otto, at=AT)


def test_a_search_is_on_record_before_its_answer_and_is_the_newest_entry(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied(desk)
    before = searched(f"after:{NEW_EMAIL}", actor=desk.otto, at=AT, language="en")
    searched("", actor=desk.ines, at=AT, language="en", before=3)
    settle(desk)
    newest, opened = find_by(desk, "").items[:2]
    assert (newest.view.kind, newest.view.actor.id, newest.type) == ("record.searched", "s5", "desk")
    assert opened.view.kind == "desk.opened"
    assert newest.place > before.items[0].place
    assert NEW_EMAIL not in told(find_by(desk, "action:record.searched").items)
    searched("action:apply", actor=desk.otto, at=AT, language="en")
    settle(desk)
    assert kinds_of(find_by(desk, "actor:me"))[:2] == ["record.searched", "record.searched"]
    assert kinds_of(find_by(desk, "action:desk.opened")) == ["desk.opened"]

    publish.publish(desk.client, at=AT)
    assert audit.audit(actor=desk.otto, at=AT).sound  # the desk's own record is a record like any other

    def down(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(audit_trail, "note_search", down)
    with pytest.raises(ConnectionError):
        searched("", actor=desk.otto, at=AT, language="en")


def test_searches_are_kept_by_name_and_personal_ones_for_an_hour(desk: Desk) -> None:
    kept = audit_trail.keep_search(" My   list ", "action:apply", personal=False, actor=desk.otto, at=AT)
    assert [(one.id, one.name, one.query) for one in audit_search.kept(actor=desk.otto)] == [
        (kept, "My list", "action:apply")
    ]
    assert audit_search.kept(actor=desk.ines) == ()
    with pytest.raises(NotFound):
        audit_search.kept_one(kept, actor=desk.ines, at=AT)
    with pytest.raises(PersonalNotKept):
        audit_trail.keep_search("hers", f"after:{NEW_EMAIL}", personal=True, actor=desk.otto, at=AT)
    for name in ("", "x" * 81):
        with pytest.raises(SearchNameUnfit):
            audit_trail.keep_search(name, "action:apply", personal=False, actor=desk.otto, at=AT)
    held = audit_trail.hold_search(f"after:{NEW_EMAIL}", actor=desk.otto, at=AT)
    assert audit_search.kept_one(held, actor=desk.otto, at=soon(AT, 59)).query == f"after:{NEW_EMAIL}"
    with pytest.raises(NotFound):
        audit_search.kept_one(held, actor=desk.otto, at=soon(AT, 60))
    audit_trail.hold_search("x", actor=desk.otto, at=soon(AT, 61))  # takes along what has ended
    with pytest.raises(NotFound):
        audit_search.kept_one(held, actor=desk.otto, at=AT)
    audit_trail.drop_search(kept, actor=desk.otto)
    with pytest.raises(NotFound):
        audit_trail.drop_search(kept, actor=desk.otto)


def test_one_person_keeps_so_many_searches_and_no_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_trail, "KEPT_MOST", 1)
    one = audit_trail.keep_search("one", "", personal=False, actor=desk.otto, at=AT)
    assert audit_trail.keep_search("one", "", personal=False, actor=desk.otto, at=AT) == one
    with pytest.raises(SearchNameUnfit):
        audit_trail.keep_search("two", "", personal=False, actor=desk.otto, at=AT)


def test_what_is_derived_is_made_anew_the_same(desk: Desk) -> None:
    applied(desk)

    def all_of_it() -> list[list[Any]]:
        with tx.look(desk.client) as seen:
            return [
                seen.connection.execute(f"SELECT * FROM desk.{name} ORDER BY 1, 2, 3").fetchall()
                for name in ("found_block", "found_term", "found_former")
            ]

    was = all_of_it()
    assert all(was)
    audit_trail.find_anew(actor=desk.otto)
    assert all_of_it() == [[], [], []]
    assert find_by(desk, "").behind > 0
    settle(desk)
    assert all_of_it() == was


def test_completion_offers_keys_and_values_and_says_what_is_missing(desk: Desk) -> None:
    assert complete("fie", actor=desk.otto).offers == ("field:",)
    assert complete("actor:me -(cha", actor=desk.otto).offers == ("actor:me -(change:", "actor:me -(channel:")
    assert complete("channel:ph", actor=desk.otto).offers == ("channel:phone",)
    assert complete("nonsense:x", actor=desk.otto).offers == ()
    assert set(complete("", actor=desk.otto).missing) == {"ip", "risk"}
    for one in ("action", "actor", "approver", "change", "client", "consent", "created", "field", "policy", "reason",
                "role", "state", "verified"):  # fmt: skip
        offers = complete(f"{one}:", actor=desk.otto).offers
        assert offers, one
        if one not in ("policy", "reason"):
            assert find_by(desk, offers[-1]).exact


def test_an_entry_is_shown_with_its_neighbours_and_checked_against_the_checkpoint(desk: Desk) -> None:
    applied(desk)
    (line,) = find_by(desk, "action:apply").items
    shown = event.event(line.place, actor=desk.otto, at=AT, language="en")
    assert (shown.before, shown.after) == (line.place - 1, line.place + 1)
    (created,) = find_by(desk, "action:created").items
    assert (shown.change_before, shown.change_after) == (created.place, None)
    first = event.event(created.place, actor=desk.otto, at=AT, language="en")
    assert (first.before, first.change_before, first.change_after, first.previous_leaf) == (None, None, line.place, "")
    assert shown.previous_leaf == first.leaf
    assert shown.policy > 0
    assert event.place_of(line.view.change, actor=desk.otto) == line.place
    for missing in (-1, 10**6, 2**63):
        with pytest.raises(NotFound):
            event.event(missing, actor=desk.otto, at=AT, language="en")
    with pytest.raises(NotFound):
        event.place_of(ChangeId(uuid4()), actor=desk.otto)
    assert event.verify(line.place, actor=desk.otto).word == event.Word.WAITING
    publish.publish(desk.client, at=AT)
    verdict = event.verify(line.place, actor=desk.otto)
    assert (verdict.word, verdict.size) == (event.Word.SOUND, shown.size)
    desk.customer(contact__email="two@mail.example")
    settle(desk)
    assert event.verify(shown.size, actor=desk.otto).word == event.Word.WAITING


def test_a_changed_entry_is_named_changed_and_a_lost_log_broken(desk: Desk, database: Database) -> None:
    applied(desk)
    publish.publish(desk.client, at=AT)
    (line,) = find_by(desk, "action:apply").items
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("ALTER TABLE desk.entry DISABLE TRIGGER USER")
        connection.execute(
            "UPDATE desk.entry SET recorded_at = recorded_at + '1 day' WHERE change_id = %s", [line.view.change]
        )
        connection.execute("ALTER TABLE desk.entry ENABLE TRIGGER USER")
    assert event.verify(line.place, actor=desk.otto).word == event.Word.CHANGED
    folder = tile_files.of_client(desk.client)
    folder.write_checkpoint(folder.checkpoint().replace("\u2014 ".encode(), "\u2014 x".encode()))
    assert event.verify(0, actor=desk.otto).word == event.Word.BROKEN


def test_former_values_go_with_an_erasure(desk: Desk) -> None:
    dana, _ = applied(desk)
    assert kinds_of(find_by(desk, "before:dana@old.example")) == ["change.applied"]
    with tx.look(desk.client) as seen:
        assert seen.connection.execute("SELECT count(*) FROM desk.found_former").fetchone() != (0,)
    asked = Record(desk.client, uuid4(), dana, whole=True, decisions=(), recipients=(), at=AT)
    assert flow.replay_erasure(asked, at=AT) == "forgotten"
    settle(desk)
    with tx.look(desk.client) as seen:
        assert seen.connection.execute("SELECT count(*) FROM desk.found_former").fetchone() == (0,)
    assert find_by(desk, "before:dana@old.example").items == ()
    gone = find_by(desk, f"customer:{dana} action:apply").items
    assert all(line.view.erased and says_nothing_private([line]) for line in gone)
    audit_trail.find_anew(actor=desk.otto)
    settle(desk)
    with tx.look(desk.client) as seen:
        assert seen.connection.execute("SELECT count(*) FROM desk.found_former").fetchone() == (0,)


def test_a_place_that_the_log_has_not_is_left_out(desk: Desk) -> None:
    dana = desk.customer()
    settle(desk)
    with tx.look(desk.client) as seen:
        lines = audit_search.lines(seen, [10**9, 0], actor=desk.otto, at=None, language="en")
    assert [line.view.subject for line in lines] == [dana]
    assert lines[0].whose_masked
