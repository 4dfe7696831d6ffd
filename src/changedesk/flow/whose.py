"""Whose a change is: the customer who is verified for it, agrees to it, and is told."""

from datetime import datetime
from typing import Final

from changedesk.base.actor import Actor, ActorType
from changedesk.base.ids import SubjectId
from changedesk.base.refusal import Forbidden, NotFound, Refusal
from changedesk.rules.fields import FieldType
from changedesk.store import links, subjects
from changedesk.store.settings_read import Configuration
from changedesk.store.subjects import Subject
from changedesk.store.tx import Look

THEMSELVES: Final = frozenset({ActorType.CUSTOMER, ActorType.REPRESENTATIVE})


class NoHolder(Refusal):
    """Nobody who holds this account can be asked for it.

    ``data``: account, person.
    """

    code = "no-holder"
    hint = "Name one of the customers who hold the account now."


def parties(
    look: Look, subject: Subject | None, named: SubjectId | None, *, actor: Actor, at: datetime
) -> tuple[Subject, Subject]:
    """Return the subject and the customer behind its change: the customer itself, or a present holder of the account.

    Customers ask for themselves only, and learn nothing of what is not theirs. Raises NotFound, NoHolder, Forbidden.
    """
    found = None if subject is None else _person(look, subject, named, actor=actor, at=at)
    if actor.type in THEMSELVES and (found is None or found.id != actor.subject):
        raise Forbidden(verb="request.submit")
    if subject is None or found is None:
        raise NotFound
    return subject, found


def _person(look: Look, subject: Subject, named: SubjectId | None, *, actor: Actor, at: datetime) -> Subject | None:
    if subject.type == "customer":
        return subject
    # A merged account is held where it leads: whoever holds that may have the merge undone.
    present = holders(look, links.survivor_of(look, subject.id) if subject.status == "merged" else subject.id, at=at)
    if actor.type in THEMSELVES and named is None:
        named = actor.subject
    if not present or (named is not None and named not in present):
        if actor.type in THEMSELVES:
            return None
        raise NoHolder(account=str(subject.id), person=None if named is None else str(named))
    wanted = named or present[0]
    return subjects.load(look, [wanted])[wanted]


def holders(look: Look, account: SubjectId, *, at: datetime) -> list[SubjectId]:
    """Return who holds an account at a moment, the first holder first."""
    return [
        item.customer
        for item in subjects.holders_of(look, [account])
        if item.since <= at and (item.until is None or item.until > at)
    ]


def language_of(config: Configuration, subject: Subject) -> str:
    """Return the language to write to a customer in: their own where it is known and offered, else the client's."""
    for field in config.catalogue:
        if field.type is FieldType.LANGUAGE and field.path in subject.state:
            wanted = str(subject.state[field.path].value).split("-", 1)[0]
            if wanted in config.settings.languages:
                return wanted
    return config.settings.default_language
