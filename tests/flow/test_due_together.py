"""What falls due together: each is weighed as the one before it left things."""

from datetime import timedelta
from typing import cast

import pytest
from tests.cast import Desk, soon
from tests.flow.join import WAIT, merging, state_of
from tests.flow.test_merge import _with_account
from tests.flow.walk import LATER, URL, agree, ask, history, holds, kinds, prove, stands

from changedesk import flow
from changedesk.base.actor import Channel
from changedesk.base.ids import SubjectId
from changedesk.kinds.account_status.refusals import UntilPast

DAY = timedelta(days=1)


def test_what_falls_due_with_the_merge_that_closes_it_stays_closed(d: Desk) -> None:
    mine, theirs = _with_account(d, "one", "A-1"), _with_account(d, "two", "B-2")
    joined = merging(d, theirs[0], mine[0])
    page = ask(d, theirs[0], URL, at=soon(LATER, 4), effective_at=LATER + DAY)
    plan = ask(d, theirs[1], {"plan.name": "unlimited"}, kind="plan", at=soon(LATER, 4), effective_at=LATER + DAY)
    if plan.state == "awaiting_verification":
        plan = prove(d, plan, soon(LATER, 5))
    plan = agree(d, plan, soon(LATER, 6))
    assert [state_of(d, one).state for one in (joined, page, plan)] == ["scheduled"] * 3
    flow.apply_due(d.client, at=soon(LATER) + WAIT)
    assert [state_of(d, one).state for one in (joined, page, plan)] == ["applied", "cancelled", "cancelled"]
    assert stands(d, theirs[0]).status == "merged"
    assert (holds(d, theirs[0], "contact.url"), holds(d, theirs[1], "plan.name")) == (None, None)
    assert "request.applied" not in kinds(d, theirs[1])


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
