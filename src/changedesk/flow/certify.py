"""Certifying access: somebody reviewed who looked at whom in a time, and says of each reader what came of it."""

from collections.abc import Mapping
from datetime import datetime

from changedesk.base.actor import Actor
from changedesk.base.refusal import Refusal
from changedesk.flow import audit_trail, named
from changedesk.flow.seeing import told_of
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules import access, readers
from changedesk.rules.access import Verb
from changedesk.store import once
from changedesk.store import readers as store
from changedesk.store.audit_search import own_record
from changedesk.store.begin import begin
from changedesk.store.settings_read import client


class PeriodUnfit(Refusal):
    """Access is certified for a time that is over, and of 92 days at most."""

    code = "period-unfit"
    hint = "Choose an earlier end, or certify month by month."


class OwnAccess(Refusal):
    """Nobody certifies their own access."""

    code = "own-access"
    hint = "Leave yourself out; somebody else certifies the same time for you."
    status = "forbidden"


class ReadersDiffer(Refusal):
    """Each reader of that time is kept or flagged, and nobody else.

    ``data``: missing, known: readers without a verdict, and all that there are but for you.
    """

    code = "readers-differ"
    hint = "Open the list of readers for this time again, and decide on each of them."


def certify_access(
    since: datetime,
    until: datetime,
    verdicts: Mapping[str, str],
    *,
    actor: Actor,
    at: datetime,
    key: once.Once | None = None,
) -> bool:
    """Put on record, in the client's log, that the access of all readers of a time was reviewed.

    ``verdicts``: kept or flagged, by the reader's id (s12, k3), for each who looked from ``since`` until before
    ``until``, but for the actor. Return whether the first call with this key had done it already. Raises Forbidden,
    PeriodUnfit, OwnAccess, ReadersDiffer, and what a key is refused for.
    """
    access.require(actor, Verb.ACCESS_CERTIFY)
    if not readers.fits(since, until, at):
        raise PeriodUnfit(path="until")
    if actor.id in verdicts:
        raise OwnAccess(path="readers")
    with begin(actor) as tx:
        if named.done_before(tx, key, actor, at=at):
            return True
        own, zone = own_record(tx.client), client(tx.client).time_zone
        found = {one.actor for one in store.looked(tx, own=own, since=since, until=until, zone=zone)} - {actor.id}
        if verdicts.keys() != found or not set(verdicts.values()) <= set(readers.VERDICTS):
            missing = [one for one in sorted(found) if verdicts.get(one) not in readers.VERDICTS]
            raise ReadersDiffer(path="readers", missing=missing, known=sorted(found))
        facts: dict[str, Json] = {
            **told_of(actor, None),
            "since": since.isoformat(),
            "until": until.isoformat(),
            "verdicts": {one: verdicts[one] for one in sorted(found)},
        }
        audit_trail.note(tx, EntryKind.ACCESS_CERTIFIED, facts, actor=actor, at=at)
    return False
