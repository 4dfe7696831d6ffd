"""Hooks of a client, and their deliveries: queued with the place in the log, claimed with a lease, ended together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from changedesk.base.ids import SubjectId
from changedesk.ledger.value import decode_json, encode_json
from changedesk.rules.egress import Reach
from changedesk.store import alarms
from changedesk.store.handed import open_own, seal_own
from changedesk.store.tx import Look, Tx

CONSUMER: Final = "hooks"
TEST: Final = "hook.test"
"""The type of an event that tells nothing: it tries the way."""
FIRST: Final = UUID(int=2**128 - 1)
NONE: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Secret:
    """What a hook's deliveries are signed with. ``until``: when one that was replaced signs no more."""

    text: str = field(repr=False)
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a hook is to become, as one person wrote it, until another approves it. ``id`` names just this."""

    id: UUID
    url: str = field(repr=False)
    place: str
    events: tuple[str, ...]
    kinds: tuple[str, ...]
    full_values: bool
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """One hook. ``place``: host and port of its address; ``events`` and ``kinds``: what it is told, all where empty."""

    id: UUID
    url: str = field(repr=False)
    secrets: tuple[Secret, ...] = field(repr=False)
    place: str
    events: tuple[str, ...]
    kinds: tuple[str, ...]
    full_values: bool
    state: str
    """draft (it was never approved), on, paused, disabled, removed."""
    why: str
    """Why it is disabled: gone, or failing."""
    created_by: str
    created_at: datetime
    since: datetime
    """It is told of what was recorded from then on."""
    failing_since: datetime | None = None
    draft: Draft | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one hook. ``idx``: its place in the log, None for a test. ``state``: waiting, sent,
    given_up. ``code``: what the receiver answered last, ``error``: a word for what went wrong.
    """

    id: UUID
    hook_id: UUID
    idx: int | None
    event_id: UUID
    type: str
    state: str
    tries: int
    fence: int
    next_at: datetime
    code: int | None
    error: str
    created_at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What became of one try. ``gone``: the receiver wants no more. ``place``: the host that it was sent to, "" where
    nothing left the house; ``clear``: values went there in clear.
    """

    delivery: Delivery
    state: str
    next_at: datetime | None
    code: int | None
    error: str
    gone: bool = False
    place: str = ""
    clear: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far hooks have come. ``behind``: the log has more than was queued; ``awake``: the hooks that are on;
    ``due``: those of them for which something is queued and due.
    """

    behind: bool
    awake: tuple[Hook, ...]
    due: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Counts:
    waiting: int = 0
    given_up: int = 0


_SEALED: Final = ("url", "secrets", "draft")
_PLAIN: Final = tuple(set(Hook.__dataclass_fields__) - {*_SEALED, "events", "kinds"})


def reach() -> Reach:
    """Return how far the installation lets hooks lead."""
    return Reach(
        inside=settings.CHANGEDESK_HOOKS_INSIDE, ranges=tuple(settings.CHANGEDESK_HOOKS_RANGES),
        own=frozenset(settings.ALLOWED_HOSTS),
    )  # fmt: skip


def lock(tx: Tx) -> None:
    """Let nobody else add a hook until this transaction ends."""
    tx.run("hooks.lock")


def add(tx: Tx, hook: Hook) -> None:
    tx.post("hooks.open_place", consumer=CONSUMER)
    tx.run(
        "hooks.add", id=hook.id, sealed=_sealed(tx, hook), place=hook.place, events=hook.events, kinds=hook.kinds,
        full_values=hook.full_values, state=hook.state, draft=_draft_sealed(tx, hook), by=hook.created_by,
        at=hook.created_at,
    )  # fmt: skip


def of_client(look: Look) -> list[Hook]:
    """Return the client's hooks, oldest first."""
    return [_opened(look, row) for row in look.rows("hooks.all")]


def one(look: Look, id_: UUID) -> Hook | None:
    row = look.row("hooks.one", id=id_)
    return None if row is None else _opened(look, row)


def hold(tx: Tx, id_: UUID) -> Hook | None:
    """Return a hook, locked."""
    row = tx.row("hooks.hold", id=id_)
    return None if row is None else _opened(tx, row)


def change(tx: Tx, hook: Hook, *, at: datetime) -> None:
    """Keep a hook as it is now. Of a removed one nothing is sent any more, and its address is forgotten."""
    removed = hook.state == "removed"
    tx.run(
        "hooks.change", id=hook.id, sealed=None if removed else _sealed(tx, hook), place=hook.place,
        events=hook.events, kinds=hook.kinds, full_values=hook.full_values, state=hook.state, why=hook.why,
        failing_since=hook.failing_since, since=hook.since, draft=None if removed else _draft_sealed(tx, hook),
    )  # fmt: skip
    if removed:
        tx.run("hooks.give_up", id=hook.id, at=at)


def standing(look: Look, *, now: datetime) -> Standing:
    """Return how far the consumer is, and the hooks that are sent what comes."""
    (row,), hooks = look.together(("hooks.standing", {"consumer": CONSUMER}), ("hooks.awake", {"now": now}))
    return Standing(
        behind=row.place is not None and row.place < (row.size or 0),
        awake=tuple(_opened(look, one_) for one_ in hooks),
        due=frozenset(one_.id for one_ in hooks if one_.due),
    )


def queue(
    tx: Tx, start: int, until: int, room: Mapping[UUID, int], *, at: datetime, lease: timedelta
) -> list[Delivery]:
    """Make the deliveries of a stretch of the log; take, and return, as many for each hook as there is room."""
    rows = tx.rows(
        "hooks.queue", start=start, until=until, hook=list(room), room=list(room.values()), at=at,
        lease_until=at + lease,
    )  # fmt: skip
    return [_delivery(row) for row in rows]


def queue_test(tx: Tx, hook: UUID, *, id_: UUID, event: UUID, at: datetime) -> None:
    tx.grew = True
    tx.run("hooks.test", id=id_, hook=hook, event=event, type=TEST, at=at)


def claim(tx: Tx, room: Mapping[UUID, int], *, now: datetime, lease: timedelta) -> list[Delivery]:
    """Take what is due, at most as many for each hook as there is room."""
    rows = tx.rows("hooks.claim", hook=list(room), room=list(room.values()), now=now, lease_until=now + lease)
    return [_delivery(row) for row in rows]


def finish(tx: Tx, tried: Sequence[Tried], *, at: datetime) -> None:
    """Keep what became of tries that are this sender's still, and how their hooks fare."""
    well: dict[UUID, bool] = {}
    for one_ in tried:
        well[one_.delivery.hook_id] = well.get(one_.delivery.hook_id, False) or one_.state == "sent"
    tx.post("hooks.fared", hook=list(well), well=list(well.values()), at=at)
    tx.post(
        "hooks.finish",
        id=[one_.delivery.id for one_ in tried],
        fence=[one_.delivery.fence for one_ in tried],
        state=[one_.state for one_ in tried],
        next_at=[one_.next_at for one_ in tried],
        code=[one_.code for one_ in tried],
        error=[one_.error for one_ in tried],
        at=at,
    )


def note_told(tx: Tx, tried: Sequence[Tried], *, own: SubjectId, at: datetime) -> None:
    """Keep of whom what left the house, and where to. ``own``: the desk's own record, which is nobody's."""
    left = [one_ for one_ in tried if one_.place and one_.delivery.idx is not None]
    if left:
        tx.post(
            "hooks.told",
            hook=[one_.delivery.hook_id for one_ in left],
            place=[one_.place for one_ in left],
            clear=[one_.clear for one_ in left],
            idx=[one_.delivery.idx for one_ in left],
            taken=[one_.state == "sent" for one_ in left],
            own=own,
            at=at,
        )


def told_of(look: Look, subject: SubjectId) -> list[Any]:
    """Return what was sent of a record, by hook and place: hook_id, place, clear, fields, first_at, last_at, times."""
    return look.rows("hooks.told_of", subject=subject)


def disable(tx: Tx, hook: UUID, *, gone: bool, failing_before: datetime) -> tuple[str, str] | None:
    """Disable a hook that is gone, or has failed since before a moment; return its place and why, None if neither."""
    row = tx.row("hooks.disable", id=hook, gone=gone, before=failing_before)
    return None if row is None else (row.place, row.why)


def alarm(tx: Tx, hook: UUID, people: Sequence[int], *, anyway: bool, before: datetime, at: datetime) -> bool:
    """Tell people that a hook does not take what it is sent, unless they were told since ``before``."""
    told = tx.run("hooks.alarmed", id=hook, anyway=anyway, before=before, at=at) == 1
    if told:
        alarms.sound(tx, people, hook=hook, at=at)
    return told


def deliveries(
    look: Look, hook: UUID, *, state: str = "", before: datetime, last: UUID = FIRST, limit: int
) -> list[Delivery]:
    """Return a hook's deliveries of before a moment, newest first, and those of it that come behind ``last``."""
    rows = look.rows("hooks.deliveries", hook=hook, state=state, before=before, last=last, limit=limit)
    return [_delivery(row) for row in rows]


def place_of(look: Look, hook: UUID, delivery: UUID) -> datetime | None:
    """Return when a delivery of a hook was queued."""
    row = look.row("hooks.place_of", hook=hook, id=delivery)
    return None if row is None else row.created_at


def again(tx: Tx, hook: UUID, delivery: UUID, *, at: datetime) -> Any | None:
    """Let a delivery be sent once more, whatever became of it: its (idx, event_id, type), None when there is none."""
    tx.grew = True
    return tx.row("hooks.again", hook=hook, id=delivery, at=at)


def again_range(
    tx: Tx,
    hook: UUID,
    *,
    since: datetime,
    after: UUID,
    until: datetime,
    failed: bool,
    limit: int,
    at: datetime,
) -> list[UUID]:
    """Let deliveries of a time, behind one of them, be sent once more; return them, the oldest first.

    ``failed``: those alone of which the last try failed. Those that wait for their first try are left as they are.
    """
    tx.grew = True
    rows = tx.rows(
        "hooks.again_range", hook=hook, since=since, after=after, until=until, failed=failed, limit=limit, at=at
    )
    return [row.id for row in sorted(rows, key=lambda row: (row.created_at, row.id))]


def counts(look: Look) -> Mapping[UUID, Counts]:
    """Return by hook what waits and what was given up; of one without either, nothing."""
    return {row.hook_id: Counts(row.waiting, row.given_up) for row in look.rows("hooks.counts")}


def sweep(tx: Tx, *, before: datetime, limit: int) -> int:
    """Take away deliveries of before a moment, whatever became of them; return how many."""
    return tx.run("hooks.sweep", before=before, limit=limit)


def _sealed(tx: Tx, hook: Hook) -> bytes:
    secrets = [[one_.text, None if one_.until is None else one_.until.isoformat()] for one_ in hook.secrets]
    return seal_own(tx, encode_json({"url": hook.url, "secrets": secrets}), _aad(tx, hook.id))


def _opened(look: Look, row: Any) -> Hook:
    told: Any = decode_json(open_own(look, row.sealed, _aad(look, row.id)))
    return Hook(
        **{name: getattr(row, name) for name in _PLAIN},
        events=tuple(row.events),
        kinds=tuple(row.kinds),
        url=told["url"],
        secrets=tuple(_secrets(told["secrets"])),
        draft=None if row.draft is None else _draft_opened(look, row.id, row.draft),
    )


def _draft_sealed(tx: Tx, hook: Hook) -> bytes | None:
    if hook.draft is None:
        return None
    told = {**asdict(hook.draft), "id": str(hook.draft.id), "at": hook.draft.at.isoformat()}
    told |= {"events": list(hook.draft.events), "kinds": list(hook.draft.kinds)}
    return seal_own(tx, encode_json(told), _aad(tx, hook.id) + b"draft")


def _draft_opened(look: Look, hook: UUID, sealed: bytes) -> Draft:
    told: Any = decode_json(open_own(look, sealed, _aad(look, hook) + b"draft"))
    lists = {name: tuple(told[name]) for name in ("events", "kinds")}
    return Draft(**{**told, **lists, "id": UUID(told["id"]), "at": datetime.fromisoformat(told["at"])})


def _secrets(told: Iterable[tuple[str, str | None]]) -> Iterable[Secret]:
    for text, until in told:
        yield Secret(text, None if until is None else datetime.fromisoformat(until))


def _delivery(row: Any) -> Delivery:
    return Delivery(**{name: getattr(row, name) for name in Delivery.__dataclass_fields__})


def _aad(look: Look, hook: UUID) -> bytes:
    return b"acl/v1/hook" + int(look.client).to_bytes(8, "big") + hook.bytes
