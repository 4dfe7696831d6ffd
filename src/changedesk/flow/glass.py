"""Broken glass: one person sees more for a while, everybody else is told, and another person reviews it."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from changedesk.base.actor import Actor
from changedesk.base.ids import OUTSIDE
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow import audit_trail, named
from changedesk.flow.seeing import told_of
from changedesk.ledger.entry import EntryKind
from changedesk.rules import access, seeing
from changedesk.rules.access import Verb
from changedesk.store import alarms, once, seen
from changedesk.store.begin import begin
from changedesk.store.seen import Glass
from changedesk.store.settings_read import configuration, members_in

_WAITING_MOST: Final = 1000


class GlassUnclear(Refusal):
    """Breaking the glass takes a level of 2 or 3, no more minutes than the policy allows, a reason and a reference.

    ``data``: path, the part that is missing or wrong; most, the minutes that the client's policy allows.
    """

    code = "glass-unclear"
    hint = "Correct the part named here and ask again."


class GlassOverdue(Refusal):
    """A wider sight of yours has waited for its review for longer than 24 hours."""

    code = "glass-overdue"
    hint = "Ask a supervisor or the data protection officer to review it, then ask again."
    status = "conflict"


class OwnGlass(Refusal):
    """Nobody reviews their own wider sight."""

    code = "own-glass"
    hint = "Ask somebody else who may review it."
    status = "forbidden"


class GlassReviewed(Refusal):
    """This has been reviewed already."""

    code = "glass-reviewed"
    hint = "Open the list again to see what was said."
    status = "conflict"


def break_glass(
    *, level: int, minutes: int, reason: str, reference: str, actor: Actor, at: datetime, key: once.Once | None = None
) -> Glass:
    """Let somebody see all customers of the client as if they were verified at a level, for a while.

    It shows and does nothing else: verbs ask for the same proof as before. It ends by itself, after an hour or what
    the client's policy allows (``rules.limits``), and another person
    reviews it within ``rules.seeing.REVIEW_WITHIN``; who may is told at once. A call with a key that was used gets what
    it got then. Raises Forbidden, GlassUnclear, GlassOverdue, and what a key is refused for.
    """
    access.require(actor, Verb.ACCESS_BREAK_GLASS)
    made = _glass(level, minutes, reason, reference, actor, at)
    with begin(actor) as tx:
        claimed = named.claim_one(tx, key, actor)
        if claimed is not None and claimed.reply is not None:
            return seen.hold_glass(tx, UUID(claimed.reply["id"])) or made
        late = [one for one in seen.unreviewed(tx, limit=_WAITING_MOST) if seeing.overdue(one.started_at, at)]
        if any(one.actor == actor.id for one in late):
            raise GlassOverdue
        seen.break_glass(tx, made)
        facts = told_of(actor, made) | {"level": level, "until": made.until.isoformat(), "reason": reason}
        audit_trail.note(tx, EntryKind.GLASS_BROKEN, facts, actor=actor, at=at)
        alarms.sound(tx, members_in(actor.client, seeing.REVIEWERS), glass=made.id, at=at)
        if claimed is not None:
            once.record(tx, actor.id, [(claimed, {"id": str(made.id)})], at=at)
    return made


def _glass(level: int, minutes: int, reason: str, reference: str, actor: Actor, at: datetime) -> Glass:
    most = configuration(actor.client).settings.limits.glass_minutes
    wrong = {
        "level": level not in seeing.GLASS_LEVELS,
        "minutes": not 0 < minutes <= most,
        "reason": reason not in seeing.GLASS_REASONS,
        "reference": OUTSIDE.fullmatch(reference) is None,
    }
    if any(wrong.values()):
        raise GlassUnclear(path=next(name for name, bad in wrong.items() if bad), most=most)
    return Glass(
        id=uuid4(), actor=actor.id, level=level, reason=reason, reference=reference, started_at=at,
        until=at + timedelta(minutes=minutes),
    )  # fmt: skip


def review_break_glass(
    id: UUID, *, verdict: str, actor: Actor, at: datetime, key: once.Once | None = None,  # noqa: A002 - as everywhere
) -> bool:  # fmt: skip
    """Say whether somebody else's wider sight was justified.

    Return whether the first call with this key had done it already. Raises Forbidden, NotFound, GlassUnclear, OwnGlass,
    GlassReviewed, and what a key is refused for.
    """
    access.require(actor, Verb.ACCESS_REVIEW)
    if verdict not in seeing.VERDICTS:
        raise GlassUnclear(path="verdict")
    with begin(actor) as tx:
        if named.done_before(tx, key, actor, at=at):
            return True
        found = seen.hold_glass(tx, id)
        if found is None:
            raise NotFound
        if found.actor == actor.id:
            raise OwnGlass
        if found.reviewed_at is not None:
            raise GlassReviewed
        seen.review(tx, id, by=actor.id, verdict=verdict, at=at)
        told = {**told_of(actor, None), "break_glass": str(id), "broken_by": found.actor, "verdict": verdict}
        audit_trail.note(tx, EntryKind.GLASS_REVIEWED, told, actor=actor, at=at)
    return False
