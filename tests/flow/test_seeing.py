"""Looking leaves a trace before it shows anything; a revealed value is gone after a minute; glass is reviewed."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from tests.cast import START, Desk, desk, soon, staff, totp
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import Actor, Role
from changedesk.base.ids import ChangeId, SubjectId
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.flow.glass import GlassOverdue, GlassReviewed, GlassUnclear, OwnGlass
from changedesk.flow.seeing import (
    NoteTooLong,
    NothingToReveal,
    ReferenceNeeded,
    RevealForbidden,
    RevealReasonUnknown,
    RevealRestricted,
    RevealsSpent,
)
from changedesk.ledger.entry import EntryKind
from changedesk.reading import asof, customer, search, seen, sight, timeline
from changedesk.reading.timeline import BadCursor
from changedesk.rules import seeing
from changedesk.rules.limits import Limits
from changedesk.rules.status import RESTRICTED_BY_LAW
from changedesk.store.seen import NEWEST, Seen, of_subject
from changedesk.store.tx import look

AT = soon(START)
EMAIL = "contact.email"
NEW = "INSERT INTO desk.break_glass VALUES (1, gen_random_uuid(), 's9', 2, 'r', 'x', now(),"


def opened(dana: SubjectId, actor: Actor, at: datetime) -> None:
    """What a page does: read, record, show."""
    with sight.watching() as watch:
        customer.customer(dana, actor=actor, at=at, language="en")
        timeline.timeline(dana, actor=actor, at=at, language="en")
        asof.as_of(dana, known_at=at, valid_at=at, actor=actor, at=at)
    flow.note_views(watch.views, watch.searches, at=at)


def entries(d: Desk, dana: SubjectId) -> list[Seen]:
    """Who looked, newest first."""
    with look(d.client) as tx:
        return of_subject(tx, dana, since=START, until=NEWEST[0], limit=200)


def verified(dana: SubjectId, actor: Actor, at: datetime) -> None:
    made = flow.challenge(dana, purpose="caller", method="totp", actor=actor, at=at)
    assert flow.confirm(made.id, totp(at), actor=actor, at=at).matched


def revealed(dana: SubjectId, actor: Actor, at: datetime, **more: str) -> flow.Revealed:
    given: dict[str, Any] = {"reason": "reach_customer", **more}
    return flow.reveal(dana, EMAIL, **given, actor=actor, at=at)


def broken(actor: Actor, at: datetime, **more: object) -> flow.Glass:
    given: dict[str, object] = {"level": 2, "minutes": 60, "reason": "emergency", "reference": "INC-4711", **more}
    return flow.break_glass(**given, actor=actor, at=at)  # type: ignore[arg-type]


def test_a_pages_parts_are_one_view_and_so_is_the_next_page_within_five_minutes(d: Desk, dana: SubjectId) -> None:
    opened(dana, d.ben, AT)
    opened(dana, d.ben, AT + seeing.ONE_VIEW - timedelta(seconds=1))
    (one,) = entries(d, dana)
    assert (one.actor, one.kind, one.facts["shown"], one.facts["level"]) == ("s1", EntryKind.RECORD_VIEWED, [], 0)
    assert (one.facts["role"], one.facts["purpose"]) == ("agent", "customer_service")
    opened(dana, d.sofia, AT)
    opened(dana, d.ben, AT + seeing.ONE_VIEW)
    assert sorted(one.actor for one in entries(d, dana)) == ["s1", "s1", "s2"]


def test_a_view_that_shows_more_in_clear_is_recorded_anew_by_the_names_of_its_fields(d: Desk, dana: SubjectId) -> None:
    opened(dana, d.ben, AT)
    verified(dana, d.ben, AT)
    opened(dana, d.ben, AT)
    opened(dana, d.ben, soon(AT))
    clear, masked = entries(d, dana)
    assert masked.facts["shown"] == []
    assert (clear.facts["level"], set(clear.facts["shown"])) >= (2, {"personal.name", EMAIL})  # type: ignore[arg-type]
    assert "dana" not in str(clear.facts).lower()


def test_a_search_is_on_record_at_each_whom_it_found_and_never_the_words(d: Desk, dana: SubjectId) -> None:
    other = d.customer(contact__email="other@old.example")
    for text in ("Dana Novak", "nobody at all"):
        with sight.watching() as watch:
            search.search(text, actor=d.crm, at=AT, language="en")
        flow.note_views(watch.views, watch.searches, at=AT)
    lines = seen.who_looked(actor=d.otto, language="en").items
    assert {line.subject for line in lines} == {dana, other}
    for line in lines:
        assert (line.kind, line.found, line.by.id) == ("record.searched", 2, "k1")
        assert line.fields == ("E-mail", "Name")  # this key reads values in clear
        (same,) = seen.who_looked(actor=d.otto, language="en", subject=line.subject).items
        (viewer,) = seen.viewers(line.subject, actor=d.otto, at=soon(AT), language="en")
        assert (same, viewer.by.id, viewer.views) == (line, "k1", 1)
    searches = {one.facts["search_id"] for who in (dana, other) for one in entries(d, who)}
    assert len(searches) == 1
    told = str([one.facts for who in (dana, other) for one in entries(d, who)])
    assert "dana" not in told.lower()
    assert str(other) not in told  # whoever asks for their own data learns of nobody else


def test_customers_who_read_what_is_theirs_are_not_watched(d: Desk, dana: SubjectId) -> None:
    own = replace(d.ben, type=type(d.ben.type).CUSTOMER, id="c", subject=dana, roles=frozenset())
    opened(dana, own, AT)
    assert entries(d, dana) == []


def test_looking_moves_no_version_and_stands_in_no_timeline(d: Desk, dana: SubjectId) -> None:
    before = timeline.timeline(dana, actor=d.ben, at=AT, language="en").items
    opened(dana, d.ben, AT)
    revealed(dana, d.ben, AT)
    assert timeline.timeline(dana, actor=d.ben, at=AT, language="en").items == before


def test_where_it_cannot_be_recorded_nothing_is_shown(d: Desk, dana: SubjectId, database: Database) -> None:
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE desk.staged ADD CONSTRAINT never CHECK (entry_id < 0) NOT VALID")
        try:
            with pytest.raises(psycopg.errors.CheckViolation):
                opened(dana, d.ben, AT)
            with pytest.raises(psycopg.errors.CheckViolation):
                revealed(dana, d.ben, AT)
        finally:
            owner.execute("ALTER TABLE desk.staged DROP CONSTRAINT never")
    assert entries(d, dana) == []
    opened(dana, d.ben, AT)
    assert len(entries(d, dana)) == 1


def test_a_revealed_value_is_masked_again_in_the_sixty_first_second(d: Desk, dana: SubjectId) -> None:
    made = revealed(dana, d.ben, AT, note="The line broke, and they asked to be called back.")
    assert made.until == AT + timedelta(seconds=60)

    def shown(at: datetime, actor: Actor = d.ben) -> seen.RevealedValue:
        return seen.revealed(made.id, actor=actor, at=at, language="en")

    now = shown(AT)
    assert (now.text, now.masked, now.path, now.seconds_left) == ("dana@old.example", False, EMAIL, 60)
    assert not shown(AT + timedelta(seconds=59, milliseconds=999)).masked
    late = shown(AT + timedelta(seconds=60))
    assert (late.masked, late.seconds_left, "dana@" in late.text) == (True, 0, False)
    for other, refusal in ((d.sofia, NotFound), (d.otto, Forbidden)):
        with pytest.raises(refusal):
            shown(AT, other)
    with pytest.raises(NotFound):
        seen.revealed(ChangeId(uuid4()), actor=d.ben, at=AT, language="en")
    page = customer.customer(dana, actor=d.ben, at=AT, language="en")
    assert page.title_masked


def test_a_reveal_says_who_what_why_and_its_note_only_to_those_who_may_see_values(d: Desk, dana: SubjectId) -> None:
    revealed(dana, d.ben, AT, reason="fraud_review", reference="CASE-9", note="Called from Kim's line.")
    (line,) = seen.who_looked(actor=d.ines, language="en", subject=dana).items
    assert (line.kind, line.by.id, line.purpose, line.reference) == ("value.revealed", "s1", "fraud_review", "CASE-9")
    assert (line.fields, line.note) == (("E-mail",), "Called from Kim's line.")
    (told,) = seen.who_looked(actor=d.otto, language="en", subject=dana).items
    assert told.note == ""


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"reason": "curiosity"}, RevealReasonUnknown),
        ({"reason": "customer_asks"}, ReferenceNeeded),
        ({"reason": "reach_customer", "reference": "Dana Novak"}, ReferenceNeeded),
        ({"note": "x" * 501}, NoteTooLong),
    ],
)
def test_a_reveal_needs_a_listed_reason_and_its_reference(
    d: Desk, dana: SubjectId, more: dict[str, str], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        revealed(dana, d.ben, AT, **more)
    assert entries(d, dana) == []


def test_who_may_not_reveal_is_told_who_may(d: Desk, dana: SubjectId) -> None:
    with pytest.raises(RevealForbidden) as told:
        revealed(dana, d.otto, AT)
    assert told.value.data["wanted"] == ["agent", "supervisor", "compliance", "fraud", "privacy"]
    with pytest.raises(NotFound):
        revealed(SubjectId(uuid4()), d.ben, AT)


@pytest.mark.parametrize("path", ["personal.birth_date", "no.such_field", "security.password"])
def test_what_is_not_there_or_secret_is_not_revealed(d: Desk, dana: SubjectId, path: str) -> None:
    with pytest.raises(NothingToReveal):
        flow.reveal(dana, path, reason="reach_customer", actor=d.ben, at=AT)


def test_what_the_law_restricts_is_revealed_to_nobody_but_data_protection(d: Desk, dana: SubjectId) -> None:
    stop = flow.FieldChange(path=RESTRICTED_BY_LAW, new=True)
    flow.record_changes([flow.RecordedChange(subject=dana, changes=[stop])], actor=d.crm, at=AT).one()
    with pytest.raises(RevealRestricted):
        revealed(dana, d.ines, AT)
    petra = staff(d.client, 9, Role.PRIVACY)
    made = revealed(dana, petra, AT, reason="legal_request", reference="AZ-1")
    assert seen.revealed(made.id, actor=petra, at=AT, language="en").text == "dana@old.example"
    broken(d.ines, AT)
    assert customer.customer(dana, actor=d.ines, at=AT, language="en").title_masked


def test_the_quota_of_an_hour_is_one_persons_own_and_says_when_it_goes_on(d: Desk, dana: SubjectId) -> None:
    span, most = timedelta(hours=1), Limits().reveals_an_hour
    for turn in range(most):
        revealed(dana, d.ben, AT + timedelta(seconds=turn))
    with pytest.raises(RevealsSpent) as told:
        revealed(dana, d.ben, AT + timedelta(minutes=30))
    assert told.value.data["retry_at"] == AT + span
    revealed(dana, d.sofia, AT + timedelta(minutes=30))
    revealed(dana, d.ben, AT + span)


def test_broken_glass_shows_for_a_while_is_marked_and_lets_nobody_do_more(d: Desk, dana: SubjectId) -> None:
    opened(dana, d.ines, AT)
    made = broken(d.ines, soon(AT), minutes=30)
    assert customer.customer(dana, actor=d.ines, at=AT, language="en").title_masked
    opened(dana, d.ines, soon(AT))
    opened(dana, d.ines, soon(AT, 2))
    revealed(dana, d.ines, soon(AT, 2))
    panel = customer.customer(dana, actor=d.ines, at=soon(AT, 2), language="en")
    assert (panel.title, panel.open, panel.level) == ("Dana Novak", True, 0)
    assert seen.my_glass(actor=d.ines, at=soon(AT, 2)) == made
    reveal_, view, before = entries(d, dana)
    assert (view.facts["break_glass"], view.facts["purpose"], view.facts["reference"]) == (
        str(made.id), "emergency", "INC-4711",
    )  # fmt: skip
    assert (reveal_.facts["break_glass"], "break_glass" in before.facts) == (str(made.id), False)
    assert customer.customer(dana, actor=d.omar, at=soon(AT, 2), language="en").title_masked
    # It opens pages, and nothing else: nobody is verified by it.
    assert flow.caller_level(dana, actor=d.ines, at=soon(AT, 2)).level == 0
    assert customer.customer(dana, actor=d.ines, at=made.until, language="en").title_masked
    assert seen.my_glass(actor=d.ines, at=made.until) is None


@pytest.mark.parametrize(
    "more",
    [{"level": 1}, {"level": 4}, {"minutes": 0}, {"minutes": 61}, {"reason": "haste"}, {"reference": ""}],
)
def test_the_glass_breaks_for_a_listed_reason_with_a_reference_and_an_hour_at_most(
    d: Desk, more: dict[str, object]
) -> None:
    with pytest.raises(GlassUnclear) as told:
        broken(d.ines, AT, **more)
    assert told.value.data["path"] == next(iter(more))


def test_agents_verify_the_caller_instead_of_breaking_the_glass(d: Desk) -> None:
    with pytest.raises(Forbidden):
        broken(d.ben, AT)


def test_somebody_else_reviews_it_once_and_who_is_late_breaks_no_more(d: Desk) -> None:
    made = broken(d.ines, AT)
    (line,) = seen.broken_glass(actor=d.ines, at=AT, language="en", waiting=True)
    assert (line.by.id, line.running, line.overdue, line.mine, line.verdict) == ("s3", True, False, True, "")
    late = AT + seeing.REVIEW_WITHIN + timedelta(seconds=1)
    (line,) = seen.broken_glass(actor=d.otto, at=late, language="en")
    assert (line.running, line.overdue, line.mine) == (False, True, False)
    with pytest.raises(GlassOverdue):
        broken(d.ines, late)
    broken(d.omar, late)
    for who, refusal in ((d.ines, OwnGlass), (d.otto, Forbidden), (d.ben, Forbidden)):
        with pytest.raises(refusal):
            flow.review_break_glass(made.id, verdict="justified", actor=who, at=late)
    with pytest.raises(GlassUnclear):
        flow.review_break_glass(made.id, verdict="fine", actor=d.omar, at=late)
    with pytest.raises(NotFound):
        flow.review_break_glass(uuid4(), verdict="justified", actor=d.omar, at=late)
    flow.review_break_glass(made.id, verdict="not_justified", actor=d.omar, at=late)
    with pytest.raises(GlassReviewed):
        flow.review_break_glass(made.id, verdict="justified", actor=d.omar, at=late)
    told = {one.id: one for one in seen.broken_glass(actor=d.otto, at=late, language="en")}[made.id]
    assert (told.overdue, told.verdict, told.reviewed_by and told.reviewed_by.id) == (False, "not_justified", "s4")
    broken(d.ines, late)


def test_a_repeated_call_breaks_and_reviews_once(d: Desk) -> None:
    key = flow.Once("k", b"")
    made = broken(d.ines, AT, key=key)
    assert broken(d.ines, soon(AT), key=key) == made
    said = [flow.review_break_glass(made.id, verdict="justified", actor=d.omar, at=AT, key=key) for _ in range(2)]
    assert said == [False, True]


def test_every_page_tells_reviewers_of_what_waits_and_nobody_of_their_own(d: Desk) -> None:
    later = AT + timedelta(seconds=10)
    assert [seen.waiting(actor=one, at=AT) for one in (d.ines, d.omar, d.ben, d.otto)] == [0, 0, 0, 0]
    made = broken(d.ines, AT)
    assert [seen.waiting(actor=one, at=later) for one in (d.ines, d.omar, d.ben, d.otto)] == [0, 1, 0, 0]
    flow.review_break_glass(made.id, verdict="justified", actor=d.omar, at=later)
    assert seen.waiting(actor=d.omar, at=later + timedelta(seconds=10)) == 0
    seen._waiting.clear()


def test_the_database_itself_keeps_glass_as_it_was_broken(d: Desk, database: Database) -> None:
    made = broken(d.ines, AT)
    tries = (
        "UPDATE desk.break_glass SET reviewed_by = 's3', reviewed_at = now(), verdict = 'justified'",
        "UPDATE desk.break_glass SET until = until - interval '1 minute'",
        "DELETE FROM desk.break_glass",
        f"{NEW} now() + interval '61 min')",
        f"{NEW} now() + interval '1 min', 's4', now(), 'justified')",
    )
    for attempt in tries:
        with psycopg.connect(database.owner_url) as owner:
            owner.execute("SELECT set_config('changedesk.client', %s, true)", [str(int(d.client))])
            with pytest.raises((psycopg.errors.CheckViolation, psycopg.DatabaseError)):
                owner.execute(attempt)
    assert seen.my_glass(actor=d.ines, at=AT) == made


def test_who_looked_is_found_by_customer_by_actor_and_by_time_page_by_page(d: Desk, dana: SubjectId) -> None:
    kim = d.customer(personal__name="Kim Sato", contact__email="kim@old.example")
    for turn in range(5):
        opened(dana, d.ben, AT + turn * seeing.ONE_VIEW)
        opened(kim, d.sofia, AT + turn * seeing.ONE_VIEW)

    def asked(**more: object) -> list[tuple[str, SubjectId]]:
        return [(one.by.id, one.subject) for one in seen.who_looked(actor=d.otto, language="en", **more).items]  # type: ignore[arg-type]

    assert asked(subject=dana) == [("s1", dana)] * 5
    assert asked(who="s2") == [("s2", kim)] * 5
    assert asked(subject=dana, who="s2") == []
    assert len(asked()) == 10
    assert asked(since=AT + 4 * seeing.ONE_VIEW, who="s1") == [("s1", dana)]
    assert asked(until=AT + seeing.ONE_VIEW, subject=kim) == [("s2", kim)]
    got, before = [], None
    while True:
        page = seen.who_looked(actor=d.otto, language="en", before=before, limit=3)
        got += [one.change for one in page.items]
        before = page.next
        if before is None:
            break
    assert len(got) == len(set(got)) == 10
    for bad in ("x", "1-", "1-x", "-1", "9" * 40):
        with pytest.raises(BadCursor):
            seen.who_looked(actor=d.otto, language="en", before=bad)


def test_who_looked_is_for_those_who_watch_over_it(d: Desk, dana: SubjectId) -> None:
    for who in (d.ben, staff(d.client, 8, Role.FRAUD), staff(d.client, 8, Role.ADMINISTRATOR)):
        with pytest.raises(Forbidden):
            seen.who_looked(actor=who, language="en")
        with pytest.raises(Forbidden):
            seen.viewers(dana, actor=who, at=AT, language="en")
        with pytest.raises(Forbidden):
            seen.broken_glass(actor=who, at=AT, language="en")


def test_everybody_who_saw_a_victim_in_sixty_days_is_one_question(d: Desk, dana: SubjectId) -> None:
    later = AT + timedelta(days=61)
    opened(dana, d.omar, AT)
    for turn in range(3):
        opened(dana, d.ben, later + turn * seeing.ONE_VIEW)
    revealed(dana, d.sofia, later + timedelta(hours=1))
    first, second = seen.viewers(dana, actor=d.ines, at=later + timedelta(hours=2), language="en")
    assert (first.by.id, first.views, first.reveals) == ("s2", 1, 1)
    assert (second.by.id, second.views, second.reveals, second.first) == ("s1", 3, 0, later)


def test_customers_are_told_when_and_what_for_and_nobodys_name(d: Desk, dana: SubjectId) -> None:
    opened(dana, d.ben, AT)
    revealed(dana, d.ines, soon(AT), reason="legal_request", reference="AZ-7")
    with look(d.client) as tx:
        once = seen.views_for_subject(tx, dana, since=START)
        assert seen.views_for_subject(tx, dana, since=soon(AT))[0] == once[1]
    assert [(one.at, one.purpose, one.role, one.fields, one.revealed) for one in once] == [
        (AT, "customer_service", "agent", (), False),
        (soon(AT), "legal_request", "supervisor", (EMAIL,), True),
    ]
    assert not {"s1", "s3", "AZ-7"} & set(str(once).replace("'", " ").split())


def test_a_long_view_log_is_told_whole(d: Desk, dana: SubjectId, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "_CHUNK", 2)
    for turn in range(4):
        opened(dana, d.ben, AT + turn * seeing.ONE_VIEW)
    with look(d.client) as tx:
        told = seen.views_for_subject(tx, dana, since=START)
    assert [one.at for one in told] == [AT + turn * seeing.ONE_VIEW for turn in range(4)]


def test_another_clients_looks_are_not_there(d: Desk, dana: SubjectId) -> None:
    opened(dana, d.ben, AT)
    made = revealed(dana, d.ben, AT)
    broken(d.ines, AT)
    other = desk("boreal")
    assert seen.who_looked(actor=other.otto, language="en").items == ()
    assert seen.who_looked(actor=other.otto, language="en", subject=dana).items == ()
    assert seen.viewers(dana, actor=other.otto, at=AT, language="en") == ()
    assert seen.broken_glass(actor=other.otto, at=AT, language="en") == ()
    assert seen.my_glass(actor=other.ines, at=AT) is None
    assert seen.waiting(actor=other.omar, at=AT) == 0
    with pytest.raises(NotFound):
        seen.revealed(made.id, actor=other.ben, at=AT, language="en")
    with pytest.raises(NotFound):
        revealed(dana, other.ben, AT)


def test_a_process_that_remembers_too_much_forgets_and_records_again(
    d: Desk, dana: SubjectId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("changedesk.flow.seeing._MOST", 1)
    kim = d.customer(contact__email="kim@old.example")
    for who in (dana, kim, dana):
        opened(who, d.ben, AT)
    assert len(entries(d, dana)) == 2
