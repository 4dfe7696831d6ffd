"""Asking for an erasure: what it would take and what the law keeps, and the request itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from changedesk.base.actor import Actor, Channel
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import NotFound
from changedesk.flow import left_behind, weighing, whose
from changedesk.flow.asking import Gone, Receipt, Wish
from changedesk.flow.left_behind import AccountLeft
from changedesk.flow.submit import enter
from changedesk.kinds.erasure import CLASSES, EVERYTHING
from changedesk.rules import access
from changedesk.rules.forgetting import Decision
from changedesk.store import once, subjects
from changedesk.store.settings_read import configuration
from changedesk.store.tx import look


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasable:
    """What an erasure would do: by field what goes and what stays; what becomes of each account of the customer.

    Where an account ``stops`` it, asking for it is refused (AccountsLeft).
    """

    fields: tuple[Decision, ...]
    accounts: tuple[AccountLeft, ...]


def preview_erasure(
    subject: SubjectId, *, classes: Sequence[str] = (EVERYTHING,), actor: Actor, at: datetime
) -> Erasable:
    """Return what an erasure would take, what is kept by which rule until when, and what is left. Writes nothing.

    Raises NothingToErase, ErasureRetained when all of it is kept, Gone, NotFound.
    """
    access.require(actor, access.Verb.REQUEST_PREVIEW, subject=actor.subject)
    with look(actor.client) as seen:
        found = subjects.load(seen, [subject]).get(subject)
        if found is None or (actor.type in whose.THEMSELVES and actor.subject != subject):
            raise NotFound(subject=str(subject))
        if found.key is None:
            raise Gone
        config = configuration(actor.client)
        weighing.require(seen, config, found, classes, at=at)
        return Erasable(
            fields=tuple(weighing.decide(seen, config, found, classes, at=at)),
            accounts=tuple(left_behind.of(seen, config, found, classes, at=at)),
        )


def request_erasure(
    subject: SubjectId,
    *,
    classes: Sequence[str] = (EVERYTHING,),
    reason: str = "data_subject_request",
    channel: Channel,
    note: str = "",
    person: SubjectId | None = None,
    initiated_by: str = "customer",
    interaction: str | None = None,
    received_at: datetime | None = None,
    actor: Actor,
    at: datetime,
    key: once.Once | None = None,
) -> Receipt:
    """Ask for data to be erased: a request like any other, with the verification, approval and wait that policy asks.

    ``classes`` are the first words of categories (personal, contact, pref ...) or ``everything``. Raises StatusForbids
    under a legal hold, ErasureRetained with the day from which it is possible, AccountsLeft with the accounts that only
    this person holds, and whatever a request may meet.
    """
    access.require(actor, access.Verb.REQUEST_SUBMIT, subject=actor.subject)
    wish = Wish(
        subject=subject,
        kind="erasure",
        operation="erase",
        values={CLASSES: list(classes)},
        reason=reason,
        channel=channel,
        person=person,
        initiated_by=initiated_by,
        note=note,
        requested_by="customer" if actor.type in whose.THEMSELVES else actor.id,
        interaction=interaction,
        received_at=received_at,
        once=key,
    )
    return enter([wish], actor=actor, at=at).one()
