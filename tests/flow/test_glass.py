"""Broken glass stands in the client's log and is told at once; what one person reveals is counted one at a time."""

from datetime import timedelta
from functools import partial

import psycopg
import pytest
from tests.cast import START, Desk, soon
from tests.flow.race import together
from tests.flow.test_policies import put
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import Actor, Role
from changedesk.base.ids import SubjectId
from changedesk.flow import configure
from changedesk.flow.glass import GlassOverdue, GlassUnclear
from changedesk.flow.seeing import Revealed, RevealsSpent, SignInAgain
from changedesk.ledger.entry import EntryKind
from changedesk.outbound import find, sequence
from changedesk.reading import audit_search, seen
from changedesk.rules import seeing
from changedesk.rules.access import terminal
from changedesk.store.audit_search import own_record
from changedesk.store.seen import NEWEST, Seen, newest
from changedesk.store.settings_read import configuration
from changedesk.store.tx import look

AT = soon(START)
GLASS = {EntryKind.GLASS_BROKEN, EntryKind.GLASS_REVIEWED}


def broken(actor: Actor, *, key: flow.Once | None = None) -> flow.Glass:
    return flow.break_glass(
        level=2, minutes=60, reason="emergency", reference="INC-4711", actor=actor, at=AT, key=key
    )  # fmt: skip


def entries(d: Desk) -> list[Seen]:
    """What the log says of broken glass, newest first."""
    with look(d.client) as tx:
        return [one for one in newest(tx, since=START, until=NEWEST[0], limit=50) if one.kind in GLASS]


def alarms(database: Database) -> int:
    with psycopg.connect(database.admin_url) as owner:
        (count,) = owner.execute("SELECT count(*) FROM desk.alarm WHERE glass_id IS NOT NULL").fetchone() or (0,)
    return int(count)


def test_breaking_the_glass_and_its_review_are_entries_of_the_clients_log(d: Desk) -> None:
    made = broken(d.ines)
    flow.review_break_glass(made.id, verdict="not_justified", actor=d.omar, at=soon(AT))
    reviewed, begun = entries(d)
    own = own_record(d.client)
    assert [(one.actor, one.at, one.subject) for one in (begun, reviewed)] == [("s3", AT, own), ("s4", soon(AT), own)]
    facts = {"break_glass": str(made.id), "role": "supervisor"}
    assert begun.facts.items() >= {
        **facts, "level": 2, "until": made.until.isoformat(), "reason": "emergency", "reference": "INC-4711",
    }.items()  # fmt: skip
    assert reviewed.facts.items() >= {**facts, "broken_by": "s3", "verdict": "not_justified"}.items()


def test_who_watches_over_looking_finds_them_and_so_does_a_search_of_the_history(d: Desk) -> None:
    made = broken(d.ines)
    flow.review_break_glass(made.id, verdict="justified", actor=d.omar, at=soon(AT))
    (line,) = seen.who_looked(actor=d.otto, language="en", who="s3").items
    assert (line.kind, line.purpose, line.reference, line.level, line.glass) == (
        "glass.broken", "emergency", "INC-4711", 2, str(made.id),
    )  # fmt: skip
    assert [one.kind for one in seen.who_looked(actor=d.otto, language="en").items] == [
        "glass.reviewed",
        "glass.broken",
    ]
    while sequence(d.client) or find.run(d.client):
        pass
    titles = {"en": "Glass broken", "de": "Notfallzugriff begonnen", "ar": "بدأ وصول طارئ"}
    for language, title in titles.items():
        (found,) = audit_search.search("action:glass.broken", actor=d.otto, at=AT, language=language).items
        assert (found.view.title, found.view.actor.id, found.view.reason, found.type) == (
            title, "s3", "emergency", "desk",
        )  # fmt: skip
    (found,) = audit_search.search("action:glass.reviewed actor:s4", actor=d.otto, at=AT, language="en").items
    assert found.view.title == "Broken glass reviewed"


def test_where_it_cannot_be_recorded_no_glass_breaks_and_no_review_stands(d: Desk, database: Database) -> None:
    configure.invite("rita@aurora.example", "Rita", [Role.PRIVACY], actor=terminal(d.client), at=START)
    made = broken(d.ines)
    told = alarms(database)
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE desk.staged ADD CONSTRAINT never CHECK (entry_id < 0) NOT VALID")
        try:
            with pytest.raises(psycopg.errors.CheckViolation):
                broken(d.omar)
            with pytest.raises(psycopg.errors.CheckViolation):
                flow.review_break_glass(made.id, verdict="justified", actor=d.omar, at=AT)
        finally:
            owner.execute("ALTER TABLE desk.staged DROP CONSTRAINT never")
    assert seen.my_glass(actor=d.omar, at=AT) is None
    assert [one.verdict for one in seen.broken_glass(actor=d.otto, at=AT, language="en")] == [""]
    assert (told, alarms(database)) == (1, 1)


def test_a_repeated_call_leaves_one_entry_and_one_alarm(d: Desk, database: Database) -> None:
    configure.invite("rita@aurora.example", "Rita", [Role.PRIVACY], actor=terminal(d.client), at=START)
    key = flow.Once("k", b"")
    made = broken(d.ines, key=key)
    assert broken(d.ines, key=key) == made
    for _ in range(2):
        flow.review_break_glass(made.id, verdict="justified", actor=d.omar, at=AT, key=key)
    assert [one.kind.value for one in entries(d)] == ["glass.reviewed", "glass.broken"]
    assert alarms(database) == 1


def test_glass_is_broken_for_no_longer_than_the_policy_allows(d: Desk) -> None:
    put(d, limits={"glass_minutes": 20})
    with pytest.raises(GlassUnclear) as refused:
        broken(d.ines)
    assert refused.value.data == {"path": "minutes", "most": 20}
    made = flow.break_glass(level=2, minutes=20, reason="emergency", reference="x", actor=d.ines, at=AT)
    assert made.until == AT + timedelta(minutes=20)


def test_who_is_refused_leaves_no_entry(d: Desk) -> None:
    broken(d.ines)
    with pytest.raises(GlassOverdue):
        flow.break_glass(
            level=2, minutes=5, reason="emergency", reference="x", actor=d.ines,
            at=AT + seeing.REVIEW_WITHIN + timedelta(seconds=1),
        )  # fmt: skip
    assert len(entries(d)) == 1


def test_reveals_at_once_by_one_person_stay_within_what_the_policy_allows(d: Desk, dana: SubjectId) -> None:
    most = 3
    put(d, limits={"reveals_an_hour": most})
    kim = d.customer(personal__name="Kim Sato", contact__email="kim@old.example")
    reveal = partial(flow.reveal, path="contact.email", reason="reach_customer", actor=d.ben, at=AT)
    found = together([partial(reveal, one) for one in (dana, kim) * 4] + [partial(reveal, dana, actor=d.sofia)])
    assert sum(isinstance(one, Revealed) for one in found[:-1]) == most
    assert sum(isinstance(one, RevealsSpent) for one in found[:-1]) == 8 - most
    assert isinstance(found[-1], Revealed)  # a quota is one person's own
    lines = seen.who_looked(actor=d.otto, language="en", who=d.ben.id).items
    assert [one.kind for one in lines] == ["value.revealed"] * most


def test_what_money_hangs_on_is_revealed_to_who_has_just_signed_in(d: Desk, dana: SubjectId) -> None:
    path = next(one.path for one in configuration(d.client).catalogue if one.type in seeing.STEPPED_UP)
    for signed_in_at in (None, AT - seeing.SIGNED_IN_WITHIN - timedelta(seconds=1)):
        with pytest.raises(SignInAgain):
            flow.reveal(dana, path, reason="reach_customer", signed_in_at=signed_in_at, actor=d.ben, at=AT)
