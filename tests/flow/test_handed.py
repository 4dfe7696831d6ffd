"""Reversals that a page hands over: the worker asks for them part by part, and no longer than their person may."""

import pytest
from tests.cast import Desk, key, soon
from tests.flow.test_reversal import AGO, TIER, bad, by, rows_of, start
from tests.flow.walk import LATER

from changedesk import flow
from changedesk.base.actor import Actor, Role
from changedesk.base.clock import now
from changedesk.channels.clock import duties
from changedesk.flow import configure, handed
from changedesk.reading import reversals as reading
from changedesk.rules.access import terminal
from changedesk.store import batches, settings_read
from changedesk.store.batches import Batch
from changedesk.store.tx import look

__all__ = ["bad"]


@pytest.fixture
def lead(d: Desk) -> Actor:
    """A supervisor who is on the client's list."""
    configure.invite("lead@aurora.example", "Lead", [Role.SUPERVISOR], actor=terminal(d.client), at=LATER)
    settings_read.forget()
    found = settings_read.person_by_email("lead@aurora.example")
    assert found is not None
    return flow.admit.staff(found.id, "aurora", channel=d.ines.channel, entry_point="test")


def batch_of(d: Desk, id_: object) -> Batch:
    with look(d.client) as seen:
        found = batches.load(seen, id_)  # type: ignore[arg-type]  # a UUID, as start gives it
    assert found is not None
    return found


def test_what_is_handed_over_is_asked_for_part_by_part(
    d: Desk, bad: Actor, lead: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handed, "TOGETHER", 2)
    for number in range(5):
        by(d, bad, d.customer(), TIER, number + 1)
    made = start(d, actor=lead, handed=True)
    seen = []
    while flow.reverse_on(d.client, at=soon(AGO)):
        panel = reading.reversal(made.id, actor=lead)
        seen.append((sum(panel.counts.values()), panel.total, panel.digest is None))
    assert seen == [(2, 5, True), (4, 5, True), (5, 5, False)]
    assert {row.outcome for row in rows_of(d, batch_of(d, made.id))} == {"requested"}
    with look(d.client) as store:
        batch = batches.load(store, made.id)
    assert batch is not None
    assert batch.digest is not None
    done = flow.approve_batch(made.id, digest=batch.digest.hex(), actor=d.omar, at=soon(AGO, 2))
    assert sum(done.states.values()) == 5


def test_one_that_is_not_handed_over_is_left_to_its_caller(d: Desk, bad: Actor) -> None:
    by(d, bad, d.customer(), TIER, 1)
    made = start(d)
    (duty,) = [one for one in duties() if one.name == "reversals.run"]
    assert duty.run(d.client) == 0
    assert batch_of(d, made.id).digest is None


@pytest.mark.parametrize("why", ["no longer a supervisor", "no longer here", "not a person"])
def test_who_may_no_longer_has_the_rest_refused(d: Desk, bad: Actor, lead: Actor, why: str) -> None:
    by(d, bad, d.customer(), TIER, 1)
    actor = key(d.client, "changes:revert", number=1) if why == "not a person" else lead
    made = start(d, actor=actor, handed=True)
    if why != "not a person":
        roles, active = [Role.AGENT], why != "no longer here"
        configure.set_membership(int(lead.id[1:]), roles, active=active, actor=terminal(d.client), at=AGO)
    assert flow.reverse_on(d.client, at=now()) == 1
    (row,) = rows_of(d, batch_of(d, made.id))
    assert (row.outcome, row.reasons) == ("refused", (("forbidden", ""),))
    assert flow.reverse_on(d.client, at=now()) == 0
