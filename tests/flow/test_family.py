"""Whoever is erased is erased with all that was merged into their record, and nothing brings it back."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from tests.cast import Desk, desk, soon
from tests.flow.join import merged_now
from tests.flow.test_forget import _legal, asked, begun
from tests.flow.test_left_behind import holder
from tests.flow.test_retention import due, years
from tests.flow.walk import LATER, history, kinds, record, request_of, stands, vouch
from tests.postgres import Database

from changedesk import flow
from changedesk.base.ids import SubjectId
from changedesk.flow import family
from changedesk.flow.family import MergedHeld
from changedesk.flow.merging import MergeErased
from changedesk.flow.weighing import ErasureRetained
from changedesk.reading import erasures
from changedesk.rules.forgetting import Verdict
from changedesk.store import erasure_journal, forget, links
from changedesk.store.begin import begin
from changedesk.store.settings_read import configuration
from changedesk.store.tx import look

MUCH_LATER = LATER + timedelta(days=9)


@pytest.fixture(autouse=True)
def journal(settings: Any, tmp_path: Path) -> None:
    settings.CHANGEDESK_ERASURE_JOURNAL = tmp_path / "erasures.jsonl"


def again(d: Desk, number: int, **more: object) -> SubjectId:
    """The same person, taken in once more."""
    given = {"contact__email": f"dana{number}@old.example", "contact__phone_mobile": f"+1 202 555 01{50 + number}"}
    return d.customer(**{**given, **more})  # type: ignore[arg-type]


def grown(d: Desk, dana: SubjectId) -> tuple[SubjectId, SubjectId, flow.Receipt]:
    """Two more records of Dana: the second merged into the first, and the first into hers."""
    one, two = again(d, 1), again(d, 2)
    merged_now(d, two, one)
    done = merged_now(d, one, dana, LATER + timedelta(days=3))
    return one, two, done


def keys_of(d: Desk, *records: SubjectId) -> list[bool]:
    return [stands(d, one).key is not None for one in records]


def test_the_whole_family_is_erased_whichever_record_is_named(d: Desk, dana: SubjectId) -> None:
    one, two, done = grown(d, dana)
    preview = flow.preview_erasure(two, actor=d.ben, at=MUCH_LATER)
    assert preview.subject == dana
    assert [each.subject.id for each in preview.merged] == [one, two]
    assert all("contact.email" in {of.path for of in each.decisions} for each in preview.merged)
    vouch(d, dana, MUCH_LATER)
    made = flow.request_erasure(
        two, flow.How(reason="data_subject_request", channel=d.ben.channel), actor=d.ben, at=soon(MUCH_LATER, 0.2)
    )
    assert (made.subject, made.state) == (dana, "awaiting_approval")
    flow.approve({made.ref: made.digest}, actor=d.ines, at=soon(MUCH_LATER))
    due = soon(MUCH_LATER) + timedelta(days=7)
    assert flow.apply_due(d.client, at=due) == 1
    assert keys_of(d, dana, one, two) == [False] * 3  # from here on nothing of any of them is read
    assert flow.forget_on(d.client, at=due + timedelta(days=1)) == 3
    for each in (dana, one, two):
        assert kinds(d, each)[-1] == "erasure.confirmed"
        assert all(entry.assertions is None for entry in history(d, each))
    assert {line.subject for line in erasure_journal.records()} == {dana, one, two}
    (shown,) = erasures.of_subject(dana, actor=d.ines)
    assert {each.subject for each in shown.merged} == {one, two}
    assert all(each.whole and each.state == "done" and each.erased for each in shown.merged)
    beside = erasures.certificate(shown.merged[0].id, actor=d.ines)
    assert (beside.cause, beside.along, beside.ref) == ("merged", shown.id, made.ref)
    assert set(history(d, dana)[-1].facts["merged"]) == {str(one), str(two)}  # type: ignore[arg-type]
    assert done.change is not None
    for verb in (flow.plan_unmerge, _unmerge):
        with pytest.raises(MergeErased) as refused:
            verb(done.change, actor=d.ines, at=due + timedelta(days=2))
        assert "nothing is left that could be parted" in refused.value.sentence


def _unmerge(change: Any, **given: Any) -> flow.Receipt:
    return flow.unmerge(change, flow.How(reason="correction_of_error", channel=given["actor"].channel), **given)


class Killed(Exception):  # noqa: N818 - what happened
    """The process ends here."""


STEPS = (
    "store.erasure_journal.add", "store.forget.journaled", "store.forget.wipe", "store.forget.finish",
    "store.history.append",
)  # fmt: skip


def test_killed_at_any_step_the_family_is_erased_in_the_end(
    d: Desk, dana: SubjectId, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = again(d, 1)
    merged_now(d, one, dana)
    at = begun(d, dana, MUCH_LATER) + timedelta(days=1)

    def killed(step: str, *, after: bool = False, call: int = 1) -> None:
        with monkeypatch.context() as patch:
            _dies(patch, f"changedesk.{step}", call, after=after)
            with pytest.raises(Killed):
                flow.forget_on(d.client, at=at)
        assert keys_of(d, dana, one) == [False] * 2

    for step in STEPS:
        killed(step)
        killed(step, after=True)
    killed("store.history.append", call=2)  # one of the two is done
    for step in STEPS[2:]:
        killed(step)
    assert flow.forget_on(d.client, at=at) == 1
    with look(d.client) as seen:
        jobs = [*forget.of_subject(seen, dana), *forget.of_subject(seen, one)]
    assert [job.state for job in jobs] == ["done"] * 2
    assert [kinds(d, each).count("erasure.confirmed") for each in (dana, one)] == [1, 1]
    assert len(erasure_journal.records()) == 2


def _dies(patch: pytest.MonkeyPatch, place: str, call: int, *, after: bool) -> None:
    """The process ends with this call of a function, before it or with its work done and not committed."""
    module, name = place.rsplit(".", 1)
    real: Callable[..., Any] = getattr(__import__(module, fromlist=[name]), name)
    left_to_go = call

    def dying(*given: Any, **more: Any) -> Any:
        nonlocal left_to_go
        left_to_go -= 1
        if left_to_go == 0 and not after:
            raise Killed
        done = real(*given, **more)
        if left_to_go == 0:
            raise Killed
        return done

    patch.setattr(place, dying)


def test_a_hold_on_a_merged_record_stops_the_erasure_and_is_named(d: Desk, dana: SubjectId) -> None:
    one = again(d, 1)
    assert _legal(d, one, "legal_hold", LATER).state == "applied"
    waiting = asked(d, dana, LATER)
    flow.approve({waiting.ref: waiting.digest}, actor=d.ines, at=soon(LATER))
    merged_now(d, one, dana, soon(LATER, 60))
    # The hold came with the merge, after the erasure was asked for.
    flow.apply_due(d.client, at=soon(LATER) + timedelta(days=7))
    assert request_of(d, waiting.ref).state == "on_hold"
    assert keys_of(d, dana, one) == [True] * 2
    with pytest.raises(MergedHeld) as refused:
        flow.preview_erasure(dana, actor=d.ben, at=MUCH_LATER)
    assert (refused.value.data["record"], refused.value.data["blocked_by"]) == (str(one), "legal_hold")


def test_a_merged_account_counts_for_what_is_left_behind(d: Desk) -> None:
    dana, first, second = holder(d, ["A-1", "A-2"])
    _legal(d, second, "legal_hold", LATER)
    merged_now(d, second, first, soon(LATER, 20), person=dana)
    found = flow.preview_erasure(dana, actor=d.ben, at=MUCH_LATER).accounts
    assert [(each.account, each.becomes.value, each.next) for each in found] == [(first, "held", ("legal_release",))]


def test_what_the_law_keeps_of_a_merged_record_is_kept_until_its_survivors_time_is_over(database: Database) -> None:
    d = desk("bank", packs=("banking",), jurisdictions=("EU",))
    dana, one = d.customer(), again(d, 1, pref__marketing_email=True)
    merged_now(d, one, dana, choices={"pref.marketing_email": "survivor"})
    with pytest.raises(ErasureRetained):
        flow.preview_erasure(dana, classes=["contact"], actor=d.ben, at=MUCH_LATER)
    # All of the survivor's own is kept; that of the merged record is not.
    due = begun(d, dana, MUCH_LATER, classes=["everything"])
    assert flow.forget_on(d.client, at=due + timedelta(days=1)) == 2
    assert keys_of(d, dana, one) == [True] * 2
    held = stands(d, one).values()
    assert (held["contact.email"], held["restriction.active"]) == ("dana1@old.example", True)
    assert "pref.marketing_email" not in held
    (shown,) = erasures.of_subject(dana, actor=d.ines)
    assert [(each.path, each.rule) for each in shown.merged[0].kept if each.path == "contact.email"] == [
        ("contact.email", "EU-UK-AML")
    ]
    record(d, dana, {"status.state": "closed"}, at=due + timedelta(days=2))
    with look(d.client) as seen:
        config = configuration(d.client)
        weighed = family.weigh(seen, config, stands(d, dana), ["contact"], at=due + timedelta(days=3))
    days = {of.until for each in weighed for of in each.decisions if of.verdict is Verdict.KEEP}
    assert len(weighed) == 2
    assert days == {(due + timedelta(days=2)).date().replace(year=due.year + 5)}
    late: datetime = due.replace(year=due.year + 9, hour=12)
    while flow.retire_due(d.client, at=late):
        pass
    flow.forget_on(d.client, at=late)
    assert keys_of(d, dana, one) == [False] * 2


def test_an_erasure_waits_for_one_that_time_has_begun_of_a_merged_record(d: Desk, dana: SubjectId) -> None:
    one = again(d, 1)
    merged_now(d, one, dana)
    made = asked(d, dana, MUCH_LATER)
    flow.approve({made.ref: made.digest}, actor=d.ines, at=soon(MUCH_LATER))
    at = soon(MUCH_LATER) + timedelta(days=7)
    with begin(d.crm) as tx:
        forget.start(tx, _by_time(one, at))
    flow.apply_due(d.client, at=at)
    assert request_of(d, made.ref).state == "scheduled"
    flow.forget_on(d.client, at=at)
    flow.apply_due(d.client, at=at)
    assert request_of(d, made.ref).state == "applied"


def _by_time(subject: SubjectId, at: datetime, **more: Any) -> forget.Job:
    given: dict[str, Any] = {
        "id": uuid4(), "request_id": None, "cause": "retention", "whole": False, "decisions": [], "recipients": (),
        "state": "requested", "last_word": None, "requested_by": "a.retention", "requested_at": at, **more,
    }  # fmt: skip
    return forget.Job(subject_id=subject, **given)


def test_nothing_comes_along_that_was_not_merged(d: Desk, dana: SubjectId) -> None:
    """The application's own role, past all of its code."""
    other = again(d, 1)
    begun(d, dana, MUCH_LATER)
    with look(d.client) as seen:
        (job,) = forget.of_subject(seen, dana)
        assert links.family(seen, dana) == []
    stray = _by_time(other, MUCH_LATER, cause="merged", request_id=job.request_id, along=job.id)
    with pytest.raises(psycopg.Error) as refused, begin(d.crm) as tx:
        forget.start(tx, stray)
    assert refused.value.sqlstate == "CD021"


@pytest.mark.parametrize("held_first", [False, True])
def test_a_hold_on_one_record_keeps_time_from_taking_the_others(d: Desk, dana: SubjectId, *, held_first: bool) -> None:
    one = again(d, 1)
    _legal(d, dana if held_first else one, "legal_hold", LATER)
    merged_now(d, one, dana, soon(LATER, 20))
    record(d, dana, {"status.state": "closed"}, at=MUCH_LATER)
    assert due(d, years(MUCH_LATER, 9)) == []
