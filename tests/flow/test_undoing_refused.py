"""What cannot be undone, at scale or back to a version, is said of each change; the rest is undone."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.cast import Desk, soon, staff
from tests.flow.join import merged_now
from tests.flow.test_forget import begun
from tests.flow.test_forgetting_steps import own_field
from tests.flow.test_reversal import AGO, FAX, TIER, bad, by, plan, rows_of, run
from tests.flow.walk import LATER, URL, ask, holds, record, request_of, stands, vouch

from changedesk import flow
from changedesk.base.actor import Actor, Channel, Role
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import NotFound
from changedesk.flow import configure
from changedesk.flow.revert import NotRevertible
from changedesk.rules.conflict import FieldTaken
from changedesk.store.once import OtherBody

__all__ = ["bad"]


@pytest.fixture(autouse=True)
def journal(settings: Any, tmp_path: Path) -> None:
    settings.CHANGEDESK_ERASURE_JOURNAL = tmp_path / "erasures.jsonl"


def take_back(d: Desk, path: str) -> None:
    configure.set_field(path, None, actor=staff(d.client, 7, Role.ADMINISTRATOR), at=LATER)


def why_not(d: Desk, subject: SubjectId, version: int) -> object:
    with pytest.raises(NotRevertible) as refused:
        flow.plan_restore(subject, version, actor=d.ines, at=AGO + timedelta(days=9))
    return refused.value.data["why"]


def test_of_who_was_erased_nothing_is_undone(d: Desk, dana: SubjectId, bad: Actor) -> None:
    by(d, bad, dana, URL, 1)
    begun(d, dana, soon(LATER, 9))
    at = AGO + timedelta(days=9)
    assert [one.finding for one in plan(d, at=at).changes] == ["erased"]
    assert why_not(d, dana, 1) == "erased"


def test_a_merge_is_not_gone_back_over(d: Desk, dana: SubjectId) -> None:
    twin = d.customer(contact__email="twin@old.example")
    merged_now(d, twin, dana)
    assert why_not(d, twin, 1) == "not_by_request"


def test_a_field_that_the_client_took_back_is_left_as_it_stands(d: Desk, dana: SubjectId, bad: Actor) -> None:
    own_field(d, "hobby.likes", "hobby.likes")
    by(d, bad, dana, {"hobby.likes": "chess"}, 1)
    by(d, bad, dana, TIER, 2)
    take_back(d, "hobby.likes")
    assert [one.finding for one in plan(d).changes] == ["not_revertible", "revertible"]
    back = flow.plan_restore(dana, 1, actor=d.ines, at=AGO)
    assert {kind: [one.path for one in fields] for kind, fields in back.kinds.items()} == {"loyalty": ["loyalty.tier"]}
    left, row = sorted(rows_of(d, run(d)), key=lambda one: one.ref)
    assert (left.outcome, left.reasons) == ("refused", (("not-revertible", ""),))
    assert request_of(d, row.ref).fields == ("loyalty.tier",)


def test_an_older_change_whose_outcome_stands_already_asks_for_nothing(d: Desk, dana: SubjectId, bad: Actor) -> None:
    """Set by the actor, set by another, taken away by the actor: what the first did is undone as it is."""
    by(d, bad, dana, TIER, 1)
    by(d, d.crm, dana, {"loyalty.tier": "platinum"}, 2)
    by(d, bad, dana, {"loyalty.tier": None}, 3)
    left, row = sorted(rows_of(d, run(d)), key=lambda one: one.ref)
    assert (left.outcome, left.reasons) == ("unchanged", ())
    assert request_of(d, row.ref).proposal.values == {"loyalty.tier": "platinum"}  # type: ignore[union-attr]


def test_a_row_that_is_refused_says_why_and_stops_no_other(d: Desk, dana: SubjectId, bad: Actor) -> None:
    eve = d.customer(contact__email="eve@old.example")
    for subject in (dana, eve):
        by(d, bad, subject, FAX, 1)
    taken = ask(d, dana, {"contact.fax": "+1 202 555 0188"}, at=AGO)
    assert taken.state not in ("applied", "cancelled")
    found = {row.outcome: row for row in rows_of(d, run(d))}
    assert found["refused"].reasons == ((FieldTaken.code, "contact.fax"),)
    assert request_of(d, found["requested"].ref).subject_id == eve


def test_a_key_of_a_restore_is_of_its_version(d: Desk, dana: SubjectId) -> None:
    record(d, dana, URL, at=LATER)
    record(d, dana, {"contact.url": "https://b.example/"}, at=soon(LATER))
    vouch(d, dana, AGO, agent=d.ines)

    def restored(version: int) -> None:
        key = flow.Once("back", str(version).encode())
        how = flow.How(reason="correction_of_error", channel=Channel.PHONE, once=key)
        flow.restore(dana, version, how, choices={}, actor=d.ines, at=soon(AGO))

    restored(2)
    with pytest.raises(OtherBody):
        restored(1)
    assert holds(d, dana, "contact.url") == URL["contact.url"]
    assert stands(d, dana).ver == 4


def test_what_undoing_an_import_would_meet_is_what_its_reversal_would(d: Desk, dana: SubjectId) -> None:
    run_id = flow.note_import("a-map", b"f" * 32, actor=d.crm, at=LATER)
    record(d, dana, URL, at=soon(LATER))
    flow.finish_import(run_id, {"rows": 1}, actor=d.crm, at=soon(LATER, 2))
    whose, since, until = flow.of_import(run_id, actor=d.ines, at=AGO)
    planned = flow.plan_import(run_id, actor=d.ines, at=AGO)
    assert planned == flow.plan_reversal(whose, since=since, until=until, actor=d.ines, at=AGO)
    assert (planned.rows, [one.finding for one in planned.changes]) == (1, ["revertible"])
    with pytest.raises(NotFound):
        flow.plan_import(uuid4(), actor=d.ines, at=AGO)
