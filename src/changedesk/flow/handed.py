"""Reversals that a page handed over: the worker asks for them part by part, in the name of whoever wanted them."""

from datetime import datetime
from uuid import UUID

from changedesk.base.actor import Actor, Channel, automation
from changedesk.base.ids import ClientId
from changedesk.base.refusal import Forbidden, NotFound
from changedesk.flow import admit
from changedesk.flow.batch import REFUSED, TOGETHER, digest_of
from changedesk.flow.reversal import run_reversal, said
from changedesk.rules import access
from changedesk.store import batches, reversals
from changedesk.store.begin import begin
from changedesk.store.settings_read import client as client_of
from changedesk.store.tx import look


def reverse_on(client: ClientId, *, at: datetime) -> int:
    """Ask for the next part of the oldest reversal that waits; return how many reversals were moved: 0 or 1.

    With the rights that its person has by now: where they may no longer, the rest is refused, and says so. Ended from
    outside, the next turn goes on where it was. One worker at a time: the duty is claimed.
    """
    with look(client) as seen:
        found = reversals.handed(seen)
    if found is None:
        return 0
    id_, by = found
    try:
        actor = acting_for(client, by, access.Verb.CHANGE_REVERT)
    except (Forbidden, NotFound):
        _give_up(client, id_, at=at)
    else:
        run_reversal(id_, most=TOGETHER, actor=actor, at=at)
    return 1


def acting_for(client: ClientId, by: str, verb: access.Verb) -> Actor:
    """Return the person who handed something over, as they are by now. Raises Forbidden, NotFound."""
    sort, number = by[:1], by[1:]
    if sort != "s":
        raise Forbidden(verb=str(verb))
    actor = admit.staff(int(number), client_of(client).slug, channel=Channel.SYSTEM, entry_point="worker")
    access.require(actor, verb)
    return actor


def _give_up(client: ClientId, id_: UUID, *, at: datetime) -> None:
    with begin(automation(client, "clock")) as tx:
        done = {row.number for row in batches.rows(tx, id_)}
        left = [row for row in reversals.rows(tx, id_) if row.number not in done]
        batches.record(tx, id_, [said(row, REFUSED, [(Forbidden.code, "")]) for row in left])
        batches.finish(tx, id_, digest=digest_of(id_, batches.rows(tx, id_)), at=at)
