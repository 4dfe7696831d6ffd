"""What falls due together: each is weighed as the one before it left things."""

from collections.abc import Sequence
from datetime import timedelta
from threading import Thread
from typing import Any, cast

import psycopg
import pytest
from tests.cast import START, Desk, soon
from tests.flow.join import WAIT, merging, state_of
from tests.flow.test_merge import _with_account
from tests.flow.walk import LATER, URL, agree, ask, history, holds, kinds, prove, stands, vouch
from tests.postgres import Database

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import RequestId, SubjectId
from changedesk.flow import configure, turns
from changedesk.kinds.account_status.refusals import UntilPast
from changedesk.ledger.seal import Corrupt
from changedesk.rules.access import terminal
from changedesk.store import requests

DAY = timedelta(days=1)


def test_what_falls_due_with_the_merge_that_closes_it_stays_closed(d: Desk) -> None:
    mine, theirs = _with_account(d, "one", "A-1"), _with_account(d, "two", "B-2")
    joined = merging(d, theirs[0], mine[0])
    page = ask(d, theirs[0], URL, at=soon(LATER, 4), effective_at=LATER + DAY)
    plan = ask(d, theirs[1], {"plan.name": "unlimited"}, kind="plan", at=soon(LATER, 4), effective_at=LATER + DAY)
    plan = agree(d, prove(d, plan, soon(LATER, 5)), soon(LATER, 6))
    # Of a right the law lets nothing stand in the way: that it was closed is all that stops it.
    right = flow.request_erasure(
        theirs[1], flow.How(reason="data_subject_request", channel=Channel.PHONE), actor=d.ben, at=soon(LATER, 7)
    )
    right = prove(d, right, soon(LATER, 8))
    flow.approve({right.ref: right.digest}, actor=d.ines, at=soon(LATER, 9)).one()
    asked = (joined, page, plan, right)
    assert [state_of(d, one).state for one in asked] == ["scheduled"] * 4
    flow.apply_due(d.client, at=LATER + 8 * DAY)
    assert [state_of(d, one).state for one in asked] == ["applied", "cancelled", "cancelled", "cancelled"]
    assert stands(d, theirs[0]).status == "merged"
    assert holds(d, theirs[0], "contact.url") is None
    assert set(stands(d, theirs[1]).values()) == {"account.number"}
    assert not {"change.applied", "erasure.requested"} & set(kinds(d, theirs[1]))


def test_what_falls_due_before_a_merge_is_seen_by_it(d: Desk, dana: SubjectId) -> None:
    twin = d.customer(contact__email="twin@old.example")
    vouch(d, dana, LATER)
    page = ask(d, dana, URL, at=soon(LATER), effective_at=LATER + DAY)
    joined = merging(d, twin, dana, soon(LATER, 4))
    assert [state_of(d, one).state for one in (page, joined)] == ["scheduled"] * 2
    flow.apply_due(d.client, at=LATER + 8 * DAY)
    assert [state_of(d, one).state for one in (page, joined)] == ["applied", "stale"]
    assert stands(d, dana).ver == 2
    assert stands(d, twin).status == "active"


@pytest.mark.parametrize("kind", ["account_status", "inactivation"])
def test_what_was_asked_for_until_a_day_does_not_begin_after_it(d: Desk, dana: SubjectId, kind: str) -> None:
    operation, until = {
        "account_status": ("suspend", "status.until"), "inactivation": ("inactivate", "inactivation.until"),
    }[kind]  # fmt: skip
    wish = flow.Wish(
        subject=dana, kind=kind, operation=operation, values={until: "2026-03-06"}, initiated_by="business",
        reason="regulatory", channel=Channel.PHONE,
    )  # fmt: skip
    asked = flow.submit([wish], actor=d.ben, at=LATER).one()
    assert asked.state == "awaiting_approval"
    late = flow.approve({asked.ref: asked.digest}, actor=d.ines, at=LATER + 3 * DAY).one()
    assert late.state == "stale"
    entry = history(d, dana)[-1]
    assert (entry.kind, until in cast("list[str]", entry.facts["moved"])) == ("request.stale", True)
    assert stands(d, dana).status == "active"
    with pytest.raises(UntilPast):
        flow.revise(late.ref, {until: "2026-03-06"}, operation=operation, seen_version=None, actor=d.ben,
                    at=LATER + 3 * DAY)  # fmt: skip
    again = flow.revise(late.ref, {until: "2026-03-12"}, operation=operation, seen_version=None, actor=d.ben,
                        at=LATER + 3 * DAY)  # fmt: skip
    done = flow.approve({again.ref: again.digest}, actor=d.ines, at=LATER + 4 * DAY).one()
    assert done.state == "applied"
    assert stands(d, dana).next_effective_at is not None


def test_an_opt_out_that_meets_the_merge_of_its_record_is_not_written_into_it(
    d: Desk, dana: SubjectId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing stands in the way of an opt-out but this: its record became another's while it was being entered."""
    twin = d.customer(contact__email="twin@old.example", pref__marketing_email=True)
    joined = merging(d, twin, dana)
    due, real = soon(LATER) + WAIT, requests.take_fields
    clock = Thread(target=flow.apply_due, args=(d.client,), kwargs={"at": due})

    def take_fields(*given: Any) -> dict[RequestId, set[str]]:
        if clock.ident is None:  # the first time: what the merge itself asks anew takes its fields, too
            clock.start()
            clock.join()
        return real(*given)

    monkeypatch.setattr(requests, "take_fields", take_fields)
    out = ask(d, twin, {"pref.marketing_email": False}, kind="marketing_preferences", at=due)
    assert (state_of(d, joined).state, out.state) == ("applied", "stale")
    assert stands(d, twin).status == "merged"
    assert holds(d, twin, "pref.marketing_email") is True


def test_a_request_for_a_field_that_is_none_any_more_stops_no_other(d: Desk, dana: SubjectId) -> None:
    """A policy that takes out a pack takes its fields out, whatever waits for its day."""
    told = {"type": "text", "kind": "contact_details", "category": "contact.other", "label": {"en": "Club"}}
    configure.set_field("contact.club", told, actor=terminal(d.client), at=START)
    kim = d.customer(personal__name="Kim Brook")
    for who in (dana, kim):
        vouch(d, who, LATER)
    lost = ask(d, dana, {"contact.club": "blue"}, at=soon(LATER), effective_at=LATER + DAY)
    page = ask(d, kim, URL, at=soon(LATER), effective_at=LATER + DAY)
    configure.set_field("contact.club", None, actor=terminal(d.client), at=soon(LATER, 2))
    flow.challenge(
        dana, purpose="change", method="code_sms", path="contact.phone_mobile", ref=lost.ref, actor=d.ben,
        at=soon(LATER, 3),
    )  # fmt: skip
    assert flow.apply_due(d.client, at=LATER + DAY) == 2
    assert [state_of(d, one).state for one in (lost, page)] == ["stale", "applied"]
    assert holds(d, dana, "contact.club") is None
    stale = next(entry for entry in history(d, dana) if entry.kind == "request.stale")
    assert stale.facts["moved"] == ["contact.club"]


def test_a_damaged_record_keeps_no_other_from_its_day(d: Desk, dana: SubjectId, database: Database) -> None:
    """It is told of each time, until somebody has seen to it: nothing is left out in silence."""
    kim, day = d.customer(personal__name="Kim Brook"), LATER + DAY
    for who in (dana, kim):
        vouch(d, who, LATER)
        change = flow.FieldChange(path="contact.phone_home", new="+1 202 555 0199", valid_from=day)
        flow.record_changes([flow.RecordedChange(subject=who, changes=[change])], actor=d.crm, at=LATER).one()
    mine, theirs = (ask(d, who, URL, at=soon(LATER), effective_at=day) for who in (dana, kim))
    late = [ask(d, who, {"plan.name": "flat"}, kind="plan", at=soon(LATER)) for who in _accounts(d)]
    with psycopg.connect(database.admin_url) as admin:
        admin.execute("SET LOCAL session_replication_role = replica")
        damaged = "UPDATE desk.request SET proposal_ct = set_byte(proposal_ct, 40, get_byte(proposal_ct, 40) # 1)"
        admin.execute(f"{damaged} WHERE id = ANY(%s)".encode(), [[mine.request, late[0].request]])
        admin.execute(
            "UPDATE desk.subject SET state_ct = set_byte(state_ct, 40, get_byte(state_ct, 40) # 1) WHERE id = %s",
            [dana],
        )
    with pytest.raises(Corrupt):
        flow.make_effective(d.client, at=day)
    assert holds(d, kim, "contact.phone_home") == "+12025550199"
    for _ in range(2):
        with pytest.raises(Corrupt):
            flow.apply_due(d.client, at=day)
    assert state_of(d, theirs).state == "applied"
    with pytest.raises(Corrupt):
        flow.expire_due(d.client, at=LATER + 30 * DAY)
    assert state_of(d, late[1]).state == "expired"


def test_what_cannot_be_done_together_is_done_one_by_one() -> None:
    def act(some: Sequence[int]) -> int:
        return 1 // (2 - len(some))

    assert turns.together([1, 2], act) == 2


def _accounts(d: Desk) -> list[SubjectId]:
    return [_with_account(d, name, number)[1] for name, number in (("one", "A-1"), ("two", "B-2"))]
