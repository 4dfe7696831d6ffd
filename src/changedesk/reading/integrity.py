"""How whole a client's log is: what audits found, what was signed, who signed it beside us, who was told."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias
from uuid import UUID

from changedesk.base.actor import Actor
from changedesk.base.ids import ClientId
from changedesk.base.refusal import Forbidden
from changedesk.ledger import note as notes
from changedesk.ledger.cosignature import signed_at
from changedesk.ledger.note import NoteRefused
from changedesk.reading.panels import ActorView
from changedesk.reading.people import People
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.store import alarms, audit, audits, log, log_keys, published, untold
from changedesk.store.audits import AuditRun
from changedesk.store.settings_read import all_clients
from changedesk.store.settings_read import client as client_of
from changedesk.store.tile_files import INSTALLATION
from changedesk.store.tx import look
from changedesk.store.untold import Untold

Run: TypeAlias = AuditRun
RUNS: Final = 10
CHECKPOINTS: Final = 10
_PLAIN_BYTES: Final = 64
"""A plain Ed25519 signature; those of witnesses carry a time before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """What a witness signed: its name, and when it says that it did (None where its signature carries no time)."""

    name: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointView:
    """A signed checkpoint: ``size`` entries, the tree's root in hex."""

    size: int
    root: str
    at: datetime
    witnesses: tuple[Witnessed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldView:
    """Who was told of the newest failure: ``state`` is pending, sent, shown, failed or unconfirmed."""

    who: ActorView
    state: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity:
    """The log of one client. ``last`` is the newest audit that came to its end; ``runs`` the last ones, newest first.

    ``anchored`` is how many entries the installation's own log holds a checkpoint of; ``untold`` are entries whose
    notices could not be made yet.
    """

    origin: str
    keys: tuple[str, ...]
    size: int
    last: AuditRun | None
    runs: tuple[AuditRun, ...]
    checkpoints: tuple[CheckpointView, ...]
    anchored: int
    told: tuple[ToldView, ...]
    untold: Untold | None

    @property
    def damaged(self) -> bool:
        """Whether the newest finished audit found something."""
        return self.last is not None and bool(self.last.findings)


def may_read(actor: Actor) -> bool:
    """Say whether this viewer may read how whole the log is: who reads the feed or the settings."""
    return access.may(actor, Verb.FEED_READ) or access.may(actor, Verb.CONFIGURE_READ)


def integrity(*, actor: Actor, language: str) -> Integrity:
    """Return how whole the log of the actor's client is. Raises Forbidden."""
    if not may_read(actor):
        raise Forbidden(verb=str(Verb.FEED_READ))
    origin = client_of(actor.client).origin
    with look(INSTALLATION) as installation:
        anchored = published.anchor_of(installation, log=int(actor.client), until=log.size(installation))
    with look(actor.client) as seen:
        signed = published.recent(seen, limit=CHECKPOINTS)
        lines = audit.cosignatures(seen, signed[-1].size - 1, signed[0].size) if signed else []
        told = alarms.newest(seen)
        last = audits.newest_finished(seen)
        people = People({f"s{one.person}" for one in told}, viewer=actor, language=language)
        return Integrity(
            origin=origin,
            keys=tuple(one.vkey for one in log_keys.verifiers(seen, origin)),
            size=log.size(seen),
            untold=untold.standing(seen),
            last=last,
            runs=tuple(audits.newest(seen, limit=RUNS)),
            checkpoints=tuple(
                CheckpointView(
                    size=one.size,
                    root=bytes(one.root).hex(),
                    at=one.begun_at,
                    witnesses=tuple(_witnessed(line.witness, line.line) for line in lines if line.size == one.size),
                )
                for one in signed
            ),
            anchored=0 if anchored is None else anchored[1],
            told=tuple(
                ToldView(who=people.show(f"s{one.person}"), state=one.state, at=one.done_at)
                for one in (told if last is not None and last.findings else [])
            ),
        )


def damage(client: ClientId) -> UUID | None:
    """Return the newest finished audit of a client where it found something, else None: for who may read that."""
    with look(client) as seen:
        last = audits.newest_finished(seen)
    return last.id if last is not None and last.findings else None


def damaged_anywhere() -> bool:
    """Say whether the log of any client is damaged. Names none: whoever may ask is told no more."""
    return any(damage(client.id) is not None for client in all_clients() if client.active)


def _witnessed(witness: str, lines: str) -> Witnessed:
    """Return who cosigned, and when by their own word (C2SP tlog-cosignature). What is damaged carries no time."""
    try:
        times = [signed_at(one) for one in notes.parse(f"x\n\n{lines}".encode()).signatures if _timed(one)]
        return Witnessed(name=witness, at=datetime.fromtimestamp(max(times), UTC) if any(times) else None)
    except (NoteRefused, ValueError, OverflowError, OSError):
        return Witnessed(name=witness, at=None)


def _timed(one: notes.Signature) -> bool:
    return len(one.signature) > _PLAIN_BYTES
