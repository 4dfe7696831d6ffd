"""Sending to hooks: each at its own pace, in threads that nobody waits for.

What the log has gained and what is due is taken with a lease, made from the log as it is now, and queued for its hook:
a few lanes each, one unless the last try went well and was quick, and those together never more than half. So a
receiver that hangs keeps none of the others waiting, at its own client or at any other. What was taken well is written
down in the client's next turn, in the transaction that takes more.

A sender that dies between sending and saying so leaves a lease that ends: the event is sent again, under the same id.
"""

import secrets
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, Protocol
from uuid import UUID

import structlog

from changedesk.base.actor import automation
from changedesk.base.clock import now
from changedesk.base.ids import ClientId
from changedesk.outbound.hooks import follow
from changedesk.outbound.hooks.follow import LEASE
from changedesk.outbound.hooks.line import Line, NotTaken
from changedesk.outbound.hooks.settle import Ended, settle
from changedesk.rules import egress
from changedesk.rules import hooks as rules
from changedesk.rules.egress import Address
from changedesk.store import hooks
from changedesk.store.begin import begin
from changedesk.store.hooks import Delivery, Hook, Tried
from changedesk.store.tx import look

_TOO_LATE: Final = timedelta(seconds=50)
"""A try that has not begun by then is left to whoever claims it next."""
QUICK_SECONDS: Final = 1.0
LANES: Final = 64
LANES_OF_ONE: Final = 4
AT_ONCE: Final = 32
"""Of one hook, on their way or waiting for a lane."""
SETTLED_FROM: Final = AT_ONCE // 2
"""So many that have ended are settled before the next turn, which makes room for more."""
CONTENT_TYPE: Final = "application/cloudevents+json"
AGENT: Final = "Changedesk-Hooks/1"
_LUCK: Final = secrets.SystemRandom()
log = structlog.get_logger("changedesk.hooks")


class Tell(Protocol):
    """Makes the bodies of deliveries, as the log tells of their events now."""

    def __call__(self, client: ClientId, deliveries: Sequence[Delivery], *, values: bool) -> list[bytes]: ...


@dataclass(slots=True)
class _Queue:
    """What is on its way to one hook. ``hook``: as it was when something was claimed last."""

    client: ClientId
    hook: Hook
    address: Address | None = None
    """Where it leads; None: to where nothing is sent."""
    jobs: deque[tuple[Delivery, bytes, datetime]] = field(default_factory=deque)
    running: int = 0
    good: bool = False
    """The last try from here went well, and was quick."""
    brimmed: bool = False
    """There was more than there was room for."""

    @property
    def room(self) -> int:
        most = AT_ONCE if self.hook.failing_since is None else 1
        return max(0, most - len(self.jobs) - self.running)

    @property
    def lanes(self) -> int:
        return LANES_OF_ONE if self.good else 1


class Sender:
    """Sends to the hooks of all clients, from this process."""

    def __init__(
        self,
        line: Line,
        tell: Tell,
        *,
        clock: Callable[[], datetime] = now,
        luck: Callable[[], float] = _LUCK.random,
    ) -> None:
        self._line, self._tell, self._clock, self._luck = line, tell, clock, luck
        self._threads = ThreadPoolExecutor(LANES, thread_name_prefix="hooks")
        self._some = threading.Condition()
        self._queues: dict[UUID, _Queue] = {}
        self._ended: defaultdict[ClientId, list[tuple[_Queue, Tried]]] = defaultdict(list)
        self._settling = threading.Lock()
        self._closed = False

    def run(self, client: ClientId) -> int:
        """Follow a client's log, and begin to send what is due and has room; return how much was done."""
        at = self._clock()
        with look(client) as seen:
            seen.ahead(last=True)
            found = hooks.standing(seen, now=at)
        self._leave(client, found.awake)
        awake = [hook for hook in found.awake if found.behind or hook.id in found.due]
        room = self._room(client, awake)
        fresh = {hook: size for hook, size in room.items() if hook not in found.due}
        later = {hook: size for hook, size in room.items() if hook in found.due}
        ended, entries, taken = self._take(client), 0, list[Delivery]()
        if ended or found.behind or later:
            with begin(automation(client, hooks.CONSUMER)) as tx:
                if ended:
                    settle(tx, ended, at=at)
                if found.behind:
                    entries, taken = follow.run(tx, fresh, at=at)
                if later:
                    taken += hooks.claim(tx, later, now=at, lease=LEASE)
        for values in (False, True):
            mine = {hook.id for hook in awake if hook.full_values is values}
            those = [one for one in taken if one.hook_id in mine]
            if those:
                self._enqueue(self._made(client, those, values=values), room, at)
        return entries + len(taken)

    def _made(self, client: ClientId, those: Sequence[Delivery], *, values: bool) -> list[tuple[Delivery, bytes]]:
        """Return deliveries with their bodies; one that cannot be made is tried again later, and stops no other."""
        try:
            return list(zip(those, self._tell(client, those, values=values), strict=True))
        except Exception:
            log.exception("hook_body_fault", events=len(those))
        if len(those) > 1:
            return [made for one in those for made in self._made(client, [one], values=values)]
        (one,) = those
        self._end(self._queues[one.hook_id], self._later(one, "sender-fault", None))
        return []

    def _leave(self, client: ClientId, awake: Sequence[Hook]) -> None:
        """Send nothing of what was taken for a hook that is on no more, leads elsewhere, or is told less or more."""
        said = {hook.id: (hook.url, hook.full_values) for hook in awake}
        with self._some:
            for id_, queue in list(self._queues.items()):
                if queue.client == client and said.get(id_) != (queue.hook.url, queue.hook.full_values):
                    queue.jobs.clear()
                    if not queue.running:
                        del self._queues[id_]

    def _room(self, client: ClientId, awake: Sequence[Hook]) -> dict[UUID, int]:
        """Return how many events to take for each hook: none where it, or half of the lanes by others, is taken."""
        room: dict[UUID, int] = {}
        with self._some:
            if self._closed:
                return {}
            for hook in awake:
                queue = self._queues.setdefault(hook.id, _Queue(client, hook))
                queue.hook, queue.address = hook, _address(hook)
                taken = [one for one in self._queues.values() if one.jobs or one.running]
                if not queue.good and sum(not one.good for one in taken) >= LANES // 2:
                    queue.brimmed = True
                elif queue.room:
                    room[hook.id] = queue.room
                else:
                    queue.brimmed = True
        return room

    def _enqueue(self, made: Iterable[tuple[Delivery, bytes]], room: dict[UUID, int], at: datetime) -> None:
        got: defaultdict[UUID, int] = defaultdict(int)
        with self._some:
            for delivery, body in made:
                self._queues[delivery.hook_id].jobs.append((delivery, body, at))
                got[delivery.hook_id] += 1
            for hook, count in got.items():
                queue = self._queues[hook]
                queue.brimmed = count >= room[hook]
                self._spread(queue)

    def _spread(self, queue: _Queue) -> None:
        if not self._closed:
            for _ in range(min(queue.lanes - queue.running, len(queue.jobs))):
                queue.running += 1
                self._threads.submit(self._lane, queue)

    def _lane(self, queue: _Queue) -> None:
        """Send what waits for a hook, one after the other, until nothing does."""
        while True:
            with self._some:
                if self._closed or not queue.jobs or queue.running > queue.lanes:
                    queue.running -= 1
                    self._some.notify_all()
                    return
                delivery, body, at = queue.jobs.popleft()
                # As it was when the body was made: what was made in clear goes to no address that came since.
                hook, address = queue.hook, queue.address
            if self._clock() < at + _TOO_LATE:
                began = time.monotonic()
                tried = self._try(hook, address, delivery, body)
                self._end(queue, tried, quick=time.monotonic() - began < QUICK_SECONDS)

    def _end(self, queue: _Queue, tried: Tried, *, quick: bool = True) -> None:
        """Keep what became of a try until the client's next turn; one that failed, or many, are settled now."""
        with self._some:
            queue.good = tried.state == "sent" and quick
            self._ended[queue.client].append((queue, tried))
            soon = not queue.good or len(self._ended[queue.client]) >= SETTLED_FROM
            self._spread(queue)
        if soon:
            self._settle(queue.client)

    def _try(self, hook: Hook, address: Address | None, delivery: Delivery, body: bytes) -> Tried:
        if address is None:
            return self._later(delivery, "address-refused", None)
        at, code, sent = self._clock(), None, True
        live = [one.text for one in hook.secrets if one.until is None or at < one.until]
        stamp, event = int(at.timestamp()), str(delivery.event_id)
        headers = (
            ("Content-Type", CONTENT_TYPE), ("User-Agent", AGENT), ("webhook-id", event),
            ("webhook-timestamp", str(stamp)), ("webhook-signature", rules.sign(live, event, stamp, body)),
        )  # fmt: skip
        try:
            code = self._line.post(address, headers, body)
            word = _word(code)
        except NotTaken as error:
            word, sent = error.word, error.sent
        except Exception:
            # Whatever it is, it must not keep the other events of the hook.
            log.exception("hook_sender_fault", hook=str(hook.id))
            word = "sender-fault"
        if not word:
            tried = Tried(delivery=delivery, state="sent", next_at=None, code=code, error="")
        else:
            tried = self._later(delivery, word, code)
        return replace(tried, place=hook.place if sent else "", clear=hook.full_values)

    def _later(self, delivery: Delivery, word: str, code: int | None) -> Tried:
        wait = rules.wait(delivery.tries, self._luck())
        return Tried(
            delivery=delivery, state="given_up" if wait is None else "waiting",
            next_at=None if wait is None else self._clock() + wait, code=code, error=word, gone=code == HTTPStatus.GONE,
        )  # fmt: skip

    def _take(self, client: ClientId) -> list[Ended]:
        with self._some:
            return [Ended(queue.hook, tried, more=queue.brimmed) for queue, tried in self._ended.pop(client, ())]

    def _settle(self, client: ClientId) -> None:
        """Write down all that has ended, unless another thread is at it: what it leaves is for the next turn."""
        while self._ended.get(client) and self._settling.acquire(blocking=False):
            try:
                with begin(automation(client, hooks.CONSUMER)) as tx:
                    settle(tx, self._take(client), at=self._clock())
            except Exception:
                # The leases end, and all of it is tried again.
                log.exception("hooks_not_settled")
            finally:
                self._settling.release()

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is on its way from here, and settle it; False when it takes longer."""
        with self._some:
            over = self._some.wait_for(lambda: not any(one.running for one in self._queues.values()), seconds)
        for client in list(self._ended):
            self._settle(client)
        return over

    def close(self) -> None:
        """Begin nothing any more; what is on its way is ended. The rest is sent by whoever claims it next."""
        with self._some:
            self._closed = True
        self._threads.shutdown()
        self.wait(0)
        self._line.close()


def _address(hook: Hook) -> Address | None:
    try:
        return egress.read(hook.url, hooks.reach())
    except egress.AddressUnfit:
        return None


def _word(code: int) -> str:
    """Return what was wrong with an answer, nothing where it was good."""
    if HTTPStatus.OK <= code < HTTPStatus.MULTIPLE_CHOICES:
        return ""
    if code == HTTPStatus.GONE:
        return "gone"
    return "redirected" if code < HTTPStatus.BAD_REQUEST else "refused"
