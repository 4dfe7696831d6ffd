"""How a customer or an account stands: the states, the moves between them, and what each of them stops.

A state is one of six; overlays combine with it. Upgrade and downgrade change the tier, not the state. What is stopped
is read from the record itself, whoever wrote it there: there is no second list that could say something else.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from changedesk.base.json import State
from changedesk.rules.holds import OnHold
from changedesk.rules.rule import globs_meet


class Status(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DEACTIVATED = "deactivated"
    CLOSED = "closed"
    MERGED = "merged"


_S = Status
STATE: Final = "status.state"
UNTIL: Final = "status.until"
BLOCKS: Final = "status.blocks"
GRACE: Final = "status.grace_until"
GRACE_DAYS: Final = 30
"""How long a closed record can be reopened, when nothing else was agreed; FLOOR-CLOSE bounds the wait before it."""
GRACE_MOST: Final = 90


@dataclass(frozen=True, slots=True)
class Move:
    """One step of the state, by its name: from any of ``sources`` to ``target``."""

    name: str
    sources: frozenset[Status]
    target: Status


MOVES: Final[Mapping[str, Move]] = {
    move.name: move
    for move in (
        Move("activate", frozenset({_S.PENDING}), _S.ACTIVE),
        # Of what is suspended already, to say another end of it, or to block other things.
        Move("suspend", frozenset({_S.ACTIVE, _S.SUSPENDED}), _S.SUSPENDED),
        Move("reinstate", frozenset({_S.SUSPENDED}), _S.ACTIVE),
        Move("deactivate", frozenset({_S.ACTIVE, _S.SUSPENDED}), _S.DEACTIVATED),
        Move("reactivate", frozenset({_S.DEACTIVATED}), _S.ACTIVE),
        Move("close", frozenset({_S.PENDING, _S.ACTIVE, _S.SUSPENDED, _S.DEACTIVATED}), _S.CLOSED),
        Move("reopen", frozenset({_S.CLOSED}), _S.ACTIVE),
    )
}
"""Into and out of ``merged`` lead merging and unmerging alone."""


@dataclass(frozen=True, slots=True)
class Toggle:
    """Two operations that set and lift overlays, each a field of its own."""

    on: str
    off: str
    paths: tuple[str, ...]


TOGGLES: Final = (
    Toggle("lock", "unlock", ("status.change_locked", "status.transfer_locked")),
    Toggle("hold", "release", ("status.on_hold",)),
    Toggle("legal_hold", "legal_release", ("status.legal_hold",)),
    Toggle("restrict", "unrestrict", ("status.restricted",)),
)
OPERATIONS: Final = (*MOVES, *(word for toggle in TOGGLES for word in (toggle.on, toggle.off)))
OVERLAYS: Final[Mapping[str, str]] = {
    **{path.partition(".")[2]: path for toggle in TOGGLES for path in toggle.paths},
    "transfer_pending": "status.transfer_pending",
}
"""Each overlay, and the field that says whether it stands."""
RESTRICTED_BY_LAW: Final = "restriction.active"
INACTIVE: Final = "inactivation.active"


@dataclass(frozen=True, slots=True)
class Stops:
    """What a state or an overlay stops, in words of the change taxonomy (fields and deeds), and what lifts it.

    ``*`` is every change but one of the status itself and one that a person's right demands. ``reasons``: reason
    codes that pass all the same.
    """

    words: frozenset[str]
    lifted_by: str
    reasons: frozenset[str] = frozenset()


_RIGHTS: Final = frozenset({"data_subject_request"})
_ENDED: Final = frozenset({"*", "status.vip", "status.inactivate"})
_OUT: Final = frozenset({"access.owner_transfer", "service.port_out", "service.sim", "service.provider_switch"})
_LEAVES: Final = frozenset({"status.close", "status.deactivate", "status.merge"})

STOPPED_BY_STATE: Final[Mapping[Status, Stops]] = {
    _S.PENDING: Stops(_OUT, "activate"),
    # What is owed can still be paid, and who is to be reached corrected; nothing grows and nothing leaves.
    _S.SUSPENDED: Stops(_OUT | {"service.plan", "service.addons"}, "reinstate"),
    _S.DEACTIVATED: Stops(_ENDED, "reactivate", _RIGHTS),
    _S.CLOSED: Stops(_ENDED | {"status.merge"}, "reopen", _RIGHTS),
    # To merge it again is refused by the kind itself: its undoing ends fields of that category.
    _S.MERGED: Stops(_ENDED, "unmerge", _RIGHTS),
}
STOPPED_BY_OVERLAY: Final[Mapping[str, Stops]] = {
    "change_locked": Stops(frozenset({"*"}) | _LEAVES, "unlock"),
    "transfer_locked": Stops(_OUT | {"status.merge"}, "unlock"),
    "on_hold": Stops(frozenset({"*"}) | _LEAVES, "release"),
    "transfer_pending": Stops(_OUT | _LEAVES | {"access.*", "service.plan"}, "end_of_transfer"),
    "legal_hold": Stops(frozenset({"privacy.erase"}), "legal_release"),
    "restricted": Stops(frozenset({"*"}), "unrestrict"),
}
STOPPED_BY_RESTRICTION: Final = Stops(frozenset({"*"}), "lift_restriction", _RIGHTS | {"regulatory"})
"""GDPR 18(2): what is restricted is used for legal claims and the rights of others only."""
STOPPED_BY_INACTIVITY: Final = Stops(frozenset({"service.plan", "service.addons", "loyalty.*"}), "activate_profile")
STOPPED_BY_BLOCK: Final[Mapping[str, frozenset[str]]] = {
    "changes": frozenset({"*"}),
    "payments": frozenset({"payment.bank", "payment.payee", "payment.limit"}),
    "orders": frozenset({"service.plan", "service.addons", "service.device", "payment.card_reissue"}),
    "online": frozenset({"auth.*", "access.online_account"}),
}
"""What a suspension that blocks this stops in the record besides; calls and messages are blocked elsewhere."""
_NOT_OF_THE_RECORD: Final = ("status.", "privacy.")


class StatusForbids(OnHold):
    """The way this customer or account stands does not allow this change.

    ``data``: blocked_by (the state or overlay), blocks, lifted_by, ends (None: until it is lifted).
    """

    code = "status-forbids"
    hint = "Lift what is named here first, or wait until the time named here."


def status_of(state: State) -> Status:
    """Return how a record stands; what says nothing of it is active."""
    told = state.get(STATE)
    return _S.ACTIVE if told is None else Status(str(told))


def overlays_of(state: State) -> tuple[str, ...]:
    """Return the overlays that stand, in the order of the table."""
    return tuple(name for name, path in OVERLAYS.items() if state.get(path) is True)


def may_move(operation: str, was: Status) -> bool:
    """Say whether a step of the state can be taken from where a record stands."""
    return was in MOVES[operation].sources


def open_moves(was: Status) -> list[str]:
    """Return the steps that can be taken from a state, in the order of the table."""
    return [name for name, move in MOVES.items() if was in move.sources]


def operation_to(was: Status, becomes: Status) -> str:
    """Return the step that leads from one state to another; where none does, one that leads there from elsewhere.

    To be merged is ``merge``, and back to pending nothing leads: ``await``.
    """
    here = [name for name, move in MOVES.items() if was in move.sources and move.target is becomes]
    elsewhere = [name for name, move in MOVES.items() if move.target is becomes]
    return (here or elsewhere or ["merge" if becomes is _S.MERGED else "await"])[0]


def against(
    state: State,
    categories: Collection[str],
    operation: str,
    *,
    reason: str = "",
    opts_out: bool = False,
    zone: str = "UTC",
) -> StatusForbids | None:
    """Return the refusal of a change that the way a record stands forbids, or None.

    An opt-out of marketing passes always (GDPR 7(3), 21(3)); a person's right by its own categories (``privacy.*``),
    but for an erasure under a legal hold (GDPR 17(3)(e)).
    """
    if opts_out:
        return None
    words = {*categories, *(f"{word.split('.', 1)[0]}.{operation}" for word in categories)}
    for name, stops in _standing(state):
        stopped = sorted(glob for glob in stops.words if reason not in stops.reasons and _meets(glob, words))
        if stopped:
            until = state.get(UNTIL) if name == _S.SUSPENDED else None
            ends = None if until is None else end_of(date.fromisoformat(str(until)), zone)
            return StatusForbids(blocked_by=name, blocks=stopped, lifted_by=stops.lifted_by, ends=ends)
    return None


def blocked(state: State) -> dict[str, Stops]:
    """Return all that stands against changes of a record, by the name of the state or overlay."""
    return dict(_standing(state))


def stops_category(stops: Stops, category: str) -> bool:
    """Say whether changes of a category are stopped."""
    return any(_meets(glob, {category}) for glob in stops.words)


def _standing(state: State) -> Iterator[tuple[str, Stops]]:
    was = status_of(state)
    if was in STOPPED_BY_STATE:
        stops = STOPPED_BY_STATE[was]
        told = state.get(BLOCKS)
        if was is _S.SUSPENDED and isinstance(told, list):
            more = [STOPPED_BY_BLOCK.get(str(word), frozenset()) for word in told]
            stops = Stops(stops.words.union(*more), stops.lifted_by)
        yield was.value, stops
    for name in overlays_of(state):
        yield name, STOPPED_BY_OVERLAY[name]
    if state.get(RESTRICTED_BY_LAW) is True:
        yield "restriction", STOPPED_BY_RESTRICTION
    if state.get(INACTIVE) is True:
        yield "inactivation", STOPPED_BY_INACTIVITY


def _meets(glob: str, words: Collection[str]) -> bool:
    if glob == "*":
        return any(not word.startswith(_NOT_OF_THE_RECORD) for word in words)
    return any(globs_meet(glob, word) for word in words)


def end_of(day: date, zone: str) -> datetime:
    """Return the instant at which a day is over where the client keeps its hours (IANA name of the time zone).

    A midnight that the clocks skip is the instant of the skip; of one that comes twice, the first.
    """
    # In UTC: a local time that the clocks skip equals no other.
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone)).astimezone(UTC)


def today_in(at: datetime, zone: str) -> date:
    """Return the day of an instant where the client keeps its hours."""
    return at.astimezone(ZoneInfo(zone)).date()
