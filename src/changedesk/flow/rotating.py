"""Renewing keys while the desk works: the master, a client's keys, and the key that signs its log.

Every process may believe for a few seconds (``store.keys.KNOWN_SECONDS``) that the phases are as they were. So each
step that others must know of waits until all do: SETTLED has passed, and no older transaction runs.

- kek: a new epoch wraps what is new; data keys are wrapped again, batch by batch; when none is left, the old one is
  destroyed.
- blind: the new epoch is announced (terms that are lost go from both), then in use (terms are written under both), then
  every record's terms are written under it; only then is the old one left, its terms swept, and it is destroyed.
  All epochs are asked all the time, so a look-up finds throughout.
- meta: a new epoch for what is new. The history is never written again, so the old one stays.
- log: two keys sign until the older is left; what it signed is verified with it for ever.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from changedesk.base.actor import Actor, automation
from changedesk.base.ids import ClientId
from changedesk.base.refusal import NotFound, Refusal
from changedesk.flow.indexing import terms_for
from changedesk.rules import access
from changedesk.rules.access import Verb
from changedesk.store import keys, log_keys, masters, rotation
from changedesk.store.begin import begin
from changedesk.store.masters import escrow
from changedesk.store.rotation import ANNOUNCED, BLIND, DONE, IN_USE, KEK, LEAVING, META, MOVING, START, Rotation
from changedesk.store.settings_read import all_clients
from changedesk.store.tx import Tx, look

SETTLED: Final = timedelta(seconds=20)
AT_ONCE: Final = 500
LOG: Final = "log"
INSTALLATION: Final = ClientId(0)
Tell = Callable[[float, str], None]


class KeysRenewing(Refusal):
    """A key of this sort is being renewed already.

    ``data``: purpose.
    """

    code = "keys-renewing"
    hint = "Wait until it is done: the page System, Keys and 'changedesk keys status' say how far it is."
    status = "conflict"


class MasterInUse(Refusal):
    """This version of the master key is still needed.

    ``data``: version, keys.
    """

    code = "master-in-use"
    hint = "Run 'changedesk keys rotate master' first. The newest version is never removed."
    status = "conflict"


def renew_keys(purposes: Sequence[str], *, actor: Actor, at: datetime) -> None:
    """Begin to renew some of the client's keys: kek, blind, meta or log. The worker goes on (``renew_on``).

    Raises Forbidden, KeysRenewing, NotFound for a purpose that there is not, MasterUnavailable; then none is begun.
    """
    access.require(actor, Verb.CONFIGURE_KEYS)
    with begin(actor) as tx:
        for purpose in purposes:
            if purpose not in _STARTS:
                raise NotFound(purpose=purpose)
            if not _STARTS[purpose](tx, actor, at):
                raise KeysRenewing(purpose=purpose)


def leave_log_key(*, actor: Actor) -> int:
    """End the time in which two keys sign the client's log: the newer one signs alone. Return how many were left."""
    access.require(actor, Verb.CONFIGURE_KEYS)
    with begin(actor) as tx:
        return log_keys.leave_older(tx)


def _next(tx: Tx, purpose: str) -> tuple[int, list[int]]:
    """Return the next epoch of a purpose, and those in use."""
    known = [one for one in rotation.epochs(tx) if one.purpose == purpose]
    return known[-1].epoch + 1, [one.epoch for one in known if one.phase == IN_USE]


def _start_kek(tx: Tx, actor: Actor, at: datetime) -> bool:
    epoch, used = _next(tx, KEK)
    old = rotation.old_keys(tx, epoch)
    if not rotation.begin(tx, KEK, epoch, MOVING, todo=old, old=old, by=actor.id, at=at):
        return False
    keys.create(tx, {KEK: epoch})
    for older in used:
        rotation.go_on(tx, KEK, older, LEAVING)
    return True


def _start_blind(tx: Tx, actor: Actor, at: datetime) -> bool:
    epoch, _ = _next(tx, BLIND)
    old, todo = rotation.old_terms(tx, epoch), rotation.subjects(tx)
    if not rotation.begin(tx, BLIND, epoch, ANNOUNCED, todo=todo, old=old, by=actor.id, at=at):
        return False
    keys.create(tx, {BLIND: epoch}, phase=ANNOUNCED)
    return True


def _start_meta(tx: Tx, actor: Actor, at: datetime) -> bool:
    del actor, at
    epoch, used = _next(tx, META)
    made = keys.create(tx, {META: epoch})
    for older in used:
        rotation.go_on(tx, META, older, LEAVING)
    return made == 1


def _start_log(tx: Tx, actor: Actor, at: datetime) -> bool:
    del actor, at
    return log_keys.renew(tx) is not None


_STARTS: Final = {KEK: _start_kek, BLIND: _start_blind, META: _start_meta, LOG: _start_log}


def renew_on(client: ClientId, *, at: datetime) -> int:
    """Take every renewal of a client a step further; return how much was written. A duty of the worker.

    Killed anywhere, it goes on where it was: each step is one transaction, and says how far it came.
    """
    with look(client) as seen:
        waiting = rotation.running(seen)
    done = 0
    for one in waiting:
        with begin(automation(client, "keys")) as tx:
            if not rotation.claim(tx):
                continue
            now = next((held for held in rotation.running(tx) if held.purpose == one.purpose), None)
            if now is not None:
                done += _STEPS[now.purpose, now.step](tx, now, at)
    return done


def _settled(tx: Tx, now: Rotation, at: datetime) -> bool:
    return at >= now.step_at + SETTLED and rotation.quiet(tx)


def _to(tx: Tx, now: Rotation, step: str, at: datetime) -> None:
    rotation.advance(tx, replace(now, step=step, step_at=at, after_id=START))


def _end(tx: Tx, now: Rotation, at: datetime) -> int:
    gone = rotation.destroy(tx, now.purpose, now.epoch)
    rotation.advance(tx, replace(now, step=DONE, step_at=at, old=0, finished_at=at))
    return gone


def _move_keys(tx: Tx, now: Rotation, at: datetime) -> int:
    """Wrap a batch again. What was passed over, or wrapped meanwhile by one who did not know, is found by counting."""
    after, moved = rotation.wrap_again(tx, now.epoch, after=now.after_id, limit=AT_ONCE)
    now = replace(now, done=now.done + moved, old=max(now.old - moved, 0), after_id=after or START)
    if after is None:
        now = replace(now, old=rotation.old_keys(tx, now.epoch))
    if after is None and now.old == 0:
        _to(tx, now, LEAVING, at)
    else:
        rotation.advance(tx, now)
    return moved


def _leave_kek(tx: Tx, now: Rotation, at: datetime) -> int:
    if not _settled(tx, now, at):
        return 0
    old = rotation.old_keys(tx, now.epoch)
    if old:
        _to(tx, replace(now, old=old, todo=now.todo), MOVING, at)
        return old
    return _end(tx, now, at)


def _use(tx: Tx, now: Rotation, at: datetime) -> int:
    if not _settled(tx, now, at):
        return 0
    rotation.go_on(tx, BLIND, now.epoch, IN_USE)
    _to(tx, now, IN_USE, at)
    return 1


def _start_moving(tx: Tx, now: Rotation, at: datetime) -> int:
    if not _settled(tx, now, at):
        return 0
    _to(tx, now, MOVING, at)
    return 1


def _move_terms(tx: Tx, now: Rotation, at: datetime) -> int:
    after, moved = rotation.write_terms(tx, now.epoch, terms_for(tx.client), after=now.after_id, limit=AT_ONCE)
    now = replace(now, done=now.done + moved)
    if after is not None:
        rotation.advance(tx, replace(now, after_id=after))
        return moved
    for older in [one.epoch for one in rotation.epochs(tx) if one.purpose == BLIND and one.phase == IN_USE][:-1]:
        rotation.go_on(tx, BLIND, older, LEAVING)
    _to(tx, now, LEAVING, at)
    return moved + 1


def _leave_blind(tx: Tx, now: Rotation, at: datetime) -> int:
    if not _settled(tx, now, at):
        return 0
    gone = rotation.sweep(tx, now.epoch, limit=AT_ONCE * 10)
    if gone:
        rotation.advance(tx, replace(now, old=max(now.old - gone, 0)))
        return gone
    return _end(tx, now, at)


_STEPS: Final = {
    (KEK, MOVING): _move_keys,
    (KEK, LEAVING): _leave_kek,
    (BLIND, ANNOUNCED): _use,
    (BLIND, IN_USE): _start_moving,
    (BLIND, MOVING): _move_terms,
    (BLIND, LEAVING): _leave_blind,
}


@dataclass(frozen=True, slots=True)
class MasterState:
    """Which version of the master wraps now, how many keys each wraps, of all clients, and which the file knows."""

    version: str
    wrapped: dict[str, int]
    known: tuple[str, ...]

    @property
    def old(self) -> int:
        """How many keys an older version wraps."""
        return sum(count for version, count in self.wrapped.items() if version != self.version)

    @property
    def unneeded(self) -> list[str]:
        """The versions in the master file that wrap nothing any more."""
        return [name for name in self.known if name not in self.wrapped and name != self.version]


def _everybody() -> Iterator[ClientId]:
    # Those switched off too: their keys wait for the day when they are switched on again.
    yield INSTALLATION
    yield from sorted(one.id for one in all_clients())


def master_state(*, actor: Actor) -> MasterState:
    """Return how the master stands. Raises Forbidden, MasterUnavailable."""
    access.require(actor, Verb.CONFIGURE_NEW_CLIENT)
    found: dict[str, int] = {}
    for client in _everybody():
        with look(client) as seen:
            for one in rotation.epochs(seen):
                if one.phase != "destroyed":
                    found[one.master] = found.get(one.master, 0) + 1
    return MasterState(masters.version(), found, tuple(masters.in_file()))


def prepare_master(*, actor: Actor) -> MasterState:
    """Make a new version in the master file that wraps nothing yet, so that it can be copied to other machines first.

    One that waits already, or a key service, is left as it is. Raises Forbidden, MasterUnavailable.
    """
    was = master_state(actor=actor)
    if not was.old:
        masters.add_version()
    return master_state(actor=actor)


def renew_master(*, actor: Actor, fresh: bool = True, tell: Tell = lambda _share, _note: None) -> MasterState:
    """Wrap every client's keys under the newest version of the master; all that is wrapped opens throughout.

    ``fresh``: make a new version in the master file first, where the newest one wraps everything already. A key service
    makes its versions itself. Stopped anywhere, it goes on where it was. Raises Forbidden, MasterUnavailable.
    """
    if fresh:
        prepare_master(actor=actor)
    access.require(actor, Verb.CONFIGURE_NEW_CLIENT)
    newest = masters.version()
    waiting = list(_everybody())
    for place, client in enumerate(waiting):
        with begin(automation(client, "keys")) as tx:
            rotation.wrap_client_keys(tx, newest)
        tell((place + 1) / len(waiting), newest)
    return master_state(actor=actor)


def drop_master(number: int, *, actor: Actor) -> None:
    """Remove an old version from the master file. Raises Forbidden, NotFound, and MasterInUse while it is needed."""
    state = master_state(actor=actor)
    name = f"file:{number}"
    if name in state.wrapped or name == state.version:
        raise MasterInUse(version=name, keys=state.wrapped.get(name, 0))
    if not masters.drop_version(number):
        raise NotFound(version=name)


def export_escrow(passphrases: tuple[str, str], *, actor: Actor) -> tuple[str, str]:
    """Return the master file in two halves, each sealed under its keeper's passphrase.

    Raises Forbidden, MasterUnavailable, EscrowRefused for a short passphrase.
    """
    access.require(actor, Verb.CONFIGURE_NEW_CLIENT)
    return escrow.halves(masters.file_path(), passphrases)


def import_escrow(halves: Sequence[str], passphrases: Sequence[str], *, actor: Actor) -> list[int]:
    """Write the master file anew from its two halves, where none stands; return its versions.

    Raises Forbidden, EscrowRefused.
    """
    access.require(actor, Verb.CONFIGURE_NEW_CLIENT)
    return escrow.restore(masters.file_path(), halves, passphrases)
