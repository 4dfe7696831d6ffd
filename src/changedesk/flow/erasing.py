"""Asking for an erasure: what it would take and what the law keeps, and the request itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from changedesk.base.actor import Actor
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import NotFound
from changedesk.flow import family, left_behind, whose
from changedesk.flow.asking import Gone, Receipt
from changedesk.flow.family import Weighed
from changedesk.flow.left_behind import AccountLeft
from changedesk.flow.submit import enter
from changedesk.flow.wish import How, Wish
from changedesk.kinds.erasure import CLASSES, EVERYTHING
from changedesk.rules import access
from changedesk.rules.forgetting import Decision
from changedesk.store import links, subjects
from changedesk.store.settings_read import configuration
from changedesk.store.tx import Look, look


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasable:
    """What an erasure would do: by field what goes and what stays; what becomes of each account of the customer.

    ``subject``: the record that answers, where another one was merged into it. ``merged``: the records that were merged
    into that one go with it, each by its own fields. Where an account ``stops`` it, asking is refused (AccountsLeft).
    """

    subject: SubjectId
    fields: tuple[Decision, ...]
    merged: tuple[Weighed, ...]
    accounts: tuple[AccountLeft, ...]


def preview_erasure(
    subject: SubjectId, *, classes: Sequence[str] = (EVERYTHING,), actor: Actor, at: datetime
) -> Erasable:
    """Return what an erasure would take, what is kept by which rule until when, and what is left. Writes nothing.

    Of a merged record its survivor answers, as for reads. Raises NothingToErase, ErasureRetained when all of it is
    kept, MergedHeld, Gone, NotFound.
    """
    access.require(actor, access.Verb.REQUEST_PREVIEW, subject=actor.subject)
    with look(actor.client) as seen:
        into = _led(seen, subject, actor)
        found = subjects.load(seen, [into]).get(into)
        if found is None or (actor.type in whose.THEMSELVES and actor.subject != subject):
            raise NotFound(subject=str(subject))
        if found.key is None:
            raise Gone
        config = configuration(actor.client)
        family.require(seen, config, found, classes, at=at)
        first, *merged = family.weigh(seen, config, found, classes, at=at)
        return Erasable(
            subject=found.id,
            fields=first.decisions,
            merged=tuple(merged),
            accounts=tuple(left_behind.of(seen, config, found, classes, at=at)),
        )


def _led(seen: Look, subject: SubjectId, actor: Actor) -> SubjectId:
    """Return where a record leads. Customers are not led on (``reading.sight``)."""
    return subject if actor.type in whose.THEMSELVES else links.survivor_of(seen, subject)


def request_erasure(
    subject: SubjectId,
    how: How,
    *,
    classes: Sequence[str] = (EVERYTHING,),
    actor: Actor,
    at: datetime,
) -> Receipt:
    """Ask for data to be erased: a request like any other, with the verification, approval and wait that policy asks.

    ``classes`` are the first words of categories (personal, contact, pref ...) or ``everything``. What was merged into
    the record goes with it; where it was merged itself, the request is its survivor's. Raises StatusForbids under a
    legal hold, MergedHeld, ErasureRetained with the day from which it is possible, AccountsLeft with the accounts that
    only this person holds, and whatever a request may meet.
    """
    access.require(actor, access.Verb.REQUEST_SUBMIT, subject=actor.subject)
    with look(actor.client) as seen:
        subject = _led(seen, subject, actor)
    asked = Wish.of(how, subject, "erasure", {CLASSES: list(classes)}, actor=actor)
    return enter([replace(asked, operation="erase")], actor=actor, at=at).one()
