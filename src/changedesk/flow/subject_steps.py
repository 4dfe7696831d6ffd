"""One step of a data-subject request: found by its name, locked, moved, and told in the person's history."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from changedesk.base.actor import Actor
from changedesk.base.ids import parse_reference
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow import named, whose
from changedesk.flow.asking import Gone
from changedesk.flow.indexing import terms_for
from changedesk.ledger.entry import EntryKind
from changedesk.ledger.value import Json
from changedesk.rules import access
from changedesk.rules.values import screen_text
from changedesk.store import history, once, subject_requests, subjects
from changedesk.store.begin import begin
from changedesk.store.subject_requests import SubjectRequest
from changedesk.store.subjects import Subject
from changedesk.store.tx import Tx

OPEN: Final = frozenset({"open", "appealed"})


class IdentityUnverified(Refusal):
    """It is not yet known that the person who asks is the one whose data it is.

    ``data``: level, needed.
    """

    code = "identity-unverified"
    hint = "Verify the caller with one of the ways offered, then try again; if nothing works, refuse it and say so."


class NoteMissing(Refusal):
    """This step needs a note: what was found, and why it comes to this."""

    code = "note-missing"
    hint = "Write in a sentence what the decision rests on; it is kept sealed with the request."


@dataclass(frozen=True, slots=True)
class Handled:
    """A data-subject request after a step. ``due_at``: by when it is answered, by ``due_rule``."""

    ref: str
    state: str
    version: int
    due_at: datetime
    due_rule: str
    replayed: bool = False

    @classmethod
    def of(cls, one: SubjectRequest) -> "Handled":
        return cls(one.ref, one.state, one.version, one.due_at, one.due_rule)

    def reply(self) -> dict[str, Json]:
        """Return what a retry is answered with."""
        return {"ref": self.ref, "state": self.state, "version": self.version, "due_at": self.due_at.isoformat(),
                "due_rule": self.due_rule}  # fmt: skip

    @classmethod
    def replay(cls, reply: Mapping[str, Any]) -> "Handled":
        return cls(**{**reply, "due_at": datetime.fromisoformat(reply["due_at"])}, replayed=True)


@dataclass(frozen=True, slots=True)
class Step:
    """What a step comes to: the request as it is then, what the history says, and what was written."""

    after: SubjectRequest
    kind: EntryKind
    facts: Mapping[str, Json]
    note: tuple[str, str] | None = None
    """The step's name and what was written at it."""


Act = Callable[[Tx, SubjectRequest, Subject], Step]


def step(
    ref: str, act: Act, *, actor: Actor, at: datetime, key: once.Once | None, verb: access.Verb | None = None
) -> Handled:
    """Take one request one step on, in one transaction, once per key."""
    access.require(actor, verb or access.Verb.PRIVACY_HANDLE, subject=actor.subject)
    with begin(actor) as tx:
        claimed = named.claim_one(tx, key, actor)
        if claimed is not None and claimed.reply is not None:
            return Handled.replay(claimed.reply)
        one, subject = held(tx, ref, actor=actor)
        came = act(tx, one, subject)
        subject_requests.move(tx, came.after)
        if came.note is not None and came.note[1].strip():
            name, text = came.note
            if subject.key is None:
                raise Gone
            subject_requests.write(tx, one, subject, name, screen_text(text).text, by=actor.id, at=at)
        observe(tx, came.after, subject, came.kind, came.facts, actor=actor, at=at)
        done = Handled.of(replace(came.after, version=one.version + 1))
        if claimed is not None:
            once.record(tx, actor.id, [(claimed, done.reply())], at=at)
        return done


def held(tx: Tx, ref: str, *, actor: Actor) -> tuple[SubjectRequest, Subject]:
    """Return a request of this name, locked, with whose it is. Another person's looks like none. Raises NotFound."""
    canonical = parse_reference(ref)
    found = None if canonical is None else subject_requests.hold(tx, canonical)
    if found is None or (actor.type in whose.THEMSELVES and actor.subject != found.subject_id):
        raise NotFound
    return found, subjects.load(tx, [found.subject_id])[found.subject_id]


def require_open(one: SubjectRequest) -> None:
    """Return while the request waits for its answer. Raises TooLate."""
    if one.state not in OPEN:
        raise named.TooLate(state=one.state)


def observe(
    tx: Tx,
    one: SubjectRequest,
    subject: Subject,
    kind: EntryKind,
    facts: Mapping[str, Json],
    *,
    actor: Actor,
    at: datetime,
) -> None:
    """Write a step into the person's history: references, codes and moments, nothing of what was written."""
    about: dict[str, Json] = {"subject_request": one.ref, "right": one.right.value, "until": one.due_at.isoformat()}
    draft = history.Draft(subject, kind, actor, at, facts={**about, **facts}, channel=one.channel)
    history.append(tx, [draft], terms=terms_for(tx.client))
