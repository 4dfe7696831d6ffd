"""Readers are listed with what stands out, and somebody else than they certifies them, in the log and for good."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.cast import START, Desk, desk, soon, totp
from tests.flow.walk import ask

from changedesk import flow
from changedesk.base.actor import Actor, Role
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Forbidden
from changedesk.flow import audit_trail, configure
from changedesk.flow.certify import OwnAccess, PeriodUnfit, ReadersDiffer
from changedesk.outbound import find, sequence
from changedesk.reading import audit_search, customer, readers, search, sight
from changedesk.reading.readers import PeriodTooLong, ReaderLine
from changedesk.rules.access import terminal

SINCE, UNTIL = START + timedelta(days=60), START + timedelta(days=90)
AT = SINCE + timedelta(hours=2)
NOW = UNTIL + timedelta(hours=9)


def opened(who: SubjectId, actor: Actor, at: datetime) -> None:
    with sight.watching() as watch:
        customer.customer(who, actor=actor, at=at, language="en")
    flow.note_views(watch.views, watch.searches, at=at)


def listed(d: Desk, actor: Actor | None = None, **more: Any) -> dict[str, ReaderLine]:
    given = {"since": SINCE, "until": UNTIL, "at": NOW, "language": "en", **more}
    return {one.by.id: one for one in readers.readers_of(actor=actor or d.otto, **given).items}


def people(d: Desk, *names: str, team: str = "one") -> None:
    """Staff s1, s2 ... by these names."""
    for number, name in enumerate(names):
        configure.invite(f"a{number}@desk.example", name, [Role.AGENT], team=team, actor=terminal(d.client), at=START)


def test_a_look_without_a_request_or_a_caller_at_hand_is_counted(d: Desk, dana: SubjectId) -> None:
    kim, lee = (d.customer(contact__email=f"{name}@old.example") for name in ("kim", "lee"))
    ask(d, kim, at=AT)
    made = flow.challenge(lee, purpose="caller", method="totp", actor=d.ben, at=AT)
    assert flow.confirm(made.id, totp(AT), actor=d.ben, at=AT).matched
    for who in (dana, kim, lee):
        opened(who, d.ben, soon(AT))
    opened(lee, d.sofia, soon(AT))  # the caller is on Ben's line, not on hers
    found = listed(d)
    assert (found["s1"].customers, found["s1"].looks, found["s1"].unasked) == (3, 3, 1)
    assert (found["s2"].customers, found["s2"].unasked) == (1, 1)
    assert (found["s1"].days, found["s1"].found, found["s1"].reveals, found["s1"].outside) == (1, 0, 0, 0)


def test_searches_and_reveals_are_counted_and_the_auditors_own_searches_of_the_history_are_not(
    d: Desk, dana: SubjectId
) -> None:
    with sight.watching() as watch:
        search.search("Dana Novak", actor=d.ben, at=AT, language="en")
    flow.note_views(watch.views, watch.searches, at=AT)
    flow.reveal(dana, "contact.email", reason="reach_customer", actor=d.ben, at=AT)
    audit_trail.note_search("action", shown=1, actor=d.otto, at=AT)
    (one,) = listed(d).values()
    assert (one.by.id, one.found, one.customers, one.reveals, one.looks) == ("s1", 1, 1, 1, 1)


def test_looking_at_who_bears_ones_surname_or_a_colleagues_name_stands_out(d: Desk, dana: SubjectId) -> None:
    people(d, "Ben Novak", "Kim Sato")
    kim = d.customer(personal__name="Kim Sato", contact__email="kim@old.example")
    sato = d.customer(personal__name="Aiko Sato", contact__email="aiko@old.example")
    for who in (dana, kim, sato):
        opened(who, d.ben, AT)
    opened(dana, d.sofia, AT)
    found = listed(d)
    assert {why.measure: why.value for why in found["s1"].reasons} == {"own_name": 1, "colleagues": 1}
    assert (found["s1"].by.name, found["s1"].roles, found["s1"].team) == ("Ben Novak", ("agent",), "one")
    assert found["s2"].reasons == ()  # Dana Novak is not called as Ben Novak is: every word counts


def test_looks_at_hours_of_the_clients_day_at_which_one_never_worked_stand_out(database: object) -> None:
    d = desk("nordcell", time_zone="Europe/Berlin")
    dana = d.customer()
    for turn in range(50):
        opened(dana, d.ben, START + timedelta(days=1, minutes=6 * turn))  # 10:00 to 15:00 in Berlin
    night = SINCE.replace(hour=1)
    opened(dana, d.ben, night)
    opened(dana, d.ben, SINCE.replace(hour=12))  # 14:00, by summer time
    assert listed(d, since=SINCE.replace(hour=0))["s1"].outside == 1
    assert listed(desk("borealis")) == {}  # another client has readers of its own


def certify(d: Desk, actor: Actor, verdicts: dict[str, str], **more: Any) -> bool:
    given = {"since": SINCE, "until": UNTIL, "at": NOW, **more}
    return flow.certify_access(verdicts=verdicts, actor=actor, **given)


def test_a_certification_is_an_entry_of_the_clients_log_and_is_found(d: Desk, dana: SubjectId) -> None:
    for who in (d.ben, d.sofia, d.ines):
        opened(dana, who, AT)
    key = flow.Once("one", b"x")
    said = [certify(d, d.ines, {"s1": "kept", "s2": "flagged"}, key=key) for _ in range(2)]
    assert said == [False, True]
    assert {who: one.verdict for who, one in listed(d).items()} == {"s1": "kept", "s2": "flagged", "s3": ""}
    assert listed(d, d.ines)["s3"].mine
    certify(d, d.otto, {"s1": "kept", "s2": "kept", "s3": "kept"}, at=soon(NOW))
    assert {one.verdict for one in listed(d).values()} == {"kept"}
    # Another time has verdicts of its own.
    assert {one.verdict for one in listed(d, since=SINCE - timedelta(days=1)).values()} == {""}
    newest, first = readers.certifications(actor=d.omar, language="en")
    assert [one.by.id for one in (first, newest)] == ["s3", "s5"]
    assert (first.since, first.until, first.at) == (SINCE, UNTIL, NOW)
    assert ([one.id for one in first.kept], [one.id for one in first.flagged]) == (["s1"], ["s2"])
    while sequence(d.client) or find.run(d.client):
        pass
    (entry, _) = audit_search.search("action:access.certified", actor=d.otto, at=NOW, language="de").items
    assert entry.view.title == "Zugriffe der Lesenden geprüft"


@pytest.mark.parametrize(
    "verdicts", [{}, {"s1": "kept"}, {"s1": "kept", "s2": "fine"}, {"s1": "kept", "s2": "kept", "s4": "kept"}]
)
def test_every_reader_of_the_time_is_decided_on_and_nobody_else(
    d: Desk, dana: SubjectId, verdicts: dict[str, str]
) -> None:
    for who in (d.ben, d.sofia):
        opened(dana, who, AT)
    with pytest.raises(ReadersDiffer) as refused:
        certify(d, d.otto, verdicts)
    assert refused.value.data["known"] == ["s1", "s2"]
    assert refused.value.data["missing"] == [who for who in ("s1", "s2") if verdicts.get(who) != "kept"]
    assert readers.certifications(actor=d.otto, language="en") == ()


def test_nobody_certifies_themselves_nor_a_time_that_is_not_over_nor_without_the_right(
    d: Desk, dana: SubjectId
) -> None:
    opened(dana, d.ines, AT)
    with pytest.raises(OwnAccess):
        certify(d, d.ines, {"s3": "kept"})
    with pytest.raises(PeriodUnfit):
        certify(d, d.otto, {"s3": "kept"}, at=UNTIL - timedelta(seconds=1))
    with pytest.raises(PeriodUnfit):
        certify(d, d.otto, {"s3": "kept"}, since=UNTIL - timedelta(days=93))
    for who in (d.ben, d.crm):
        with pytest.raises(Forbidden):
            certify(d, who, {"s3": "kept"})
        with pytest.raises(Forbidden):
            listed(d, who)
        with pytest.raises(Forbidden):
            readers.certifications(actor=who, language="en")
    with pytest.raises(PeriodTooLong):
        listed(d, since=UNTIL)
    certify(d, d.ines, {})  # a time in which nobody else looked
