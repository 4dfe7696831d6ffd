"""One ear at the database, many readers: each client's log is read once and handed to everybody who listens."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from changedesk.base.actor import Actor
from changedesk.base.ids import ClientId
from changedesk.reading import integrity, live
from changedesk.reading.live import Happened, Happening

BEHIND_MAX: Final = 1_000
"""Whoever missed more than this is told to look at the page anew instead of hearing each."""
WAITING_MAX: Final = 2_000
"""So many unread events make a reader slow. Above BEHIND_MAX, as the log may grow by that much at once."""
AGAIN_SECONDS: Final = 1.0
log = structlog.get_logger("changedesk.live")
InThread = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Event:
    """``index``: its place in the log; ``text``: as it goes over the wire; ``anew``: the reader goes on from here;
    ``beside``: it has no place in the log; ``glass``: it says that this person broke it.
    """

    index: int
    text: bytes
    anew: bool = False
    beside: bool = False
    glass: str | None = None


ALERT: Final = Event(-1, b"event: alert\ndata: {}\n\n", beside=True)
"""The log is damaged: see the page. Says nothing else."""


class Slow(Exception):  # noqa: N818 - what became of a reader, not a fault
    """This reader did not take what it was sent."""


class Reader:
    """One open stream. ``next`` is the first index that it has not been given."""

    def __init__(self, actor: Actor, start: int) -> None:
        self.actor = actor
        self.next = start
        self.slow = False
        self._waiting: asyncio.Queue[Event | None] = asyncio.Queue(WAITING_MAX + 1)

    def may_hear(self, event: Event) -> bool:
        """Say whether an event is for this reader: all are, but for broken glass."""
        return event.glass is None or live.may_hear_of_glass(self.actor, event.glass)

    def put(self, event: Event) -> None:
        """Hand over an event that is for this reader; one too many ends the stream."""
        if not self.may_hear(event):
            return
        if self._waiting.qsize() >= WAITING_MAX:
            self.slow = True
        elif not self.slow:
            self._waiting.put_nowait(event)

    def end(self) -> None:
        """Let the stream end after what waits."""
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(None)

    async def take(self, seconds: float) -> Event | None:
        """Return the next event that this reader has not had, None when it is to end.

        Raises TimeoutError when there was none for so long, Slow when too many wait.
        """
        async with asyncio.timeout(seconds):
            while True:
                if self.slow:
                    raise Slow
                event = await self._waiting.get()
                if event is None:
                    return None
                if event.beside:
                    return event
                if event.anew or event.index >= self.next:
                    self.next = event.index + 1
                    return event


class Room:
    """Everybody who listens at one client. ``next`` is the first index not yet handed out."""

    def __init__(self, client: ClientId, start: int, in_thread: InThread) -> None:
        self.client = client
        self.next = start
        self.readers: set[Reader] = set()
        self.grown = asyncio.Event()
        self.damaged: UUID | None = None
        self._in_thread = in_thread
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            await self.grown.wait()
            self.grown.clear()
            try:
                await self._catch_up()
            except Exception as error:  # noqa: BLE001 - the database may be away in many ways; the readers stay
                log.warning("log_unread", kind=type(error).__name__)
                await asyncio.sleep(AGAIN_SECONDS)
                self.grown.set()

    async def _catch_up(self) -> None:
        async for events, following in stretch(self.client, self.next, self._in_thread):
            self.next = following
            for event in events:
                for reader in self.readers:
                    reader.put(event)
        damaged = await self._in_thread(integrity.damage, self.client)
        if damaged is not None and damaged != self.damaged:
            for reader in self.readers:
                if integrity.may_read(reader.actor):
                    reader.put(ALERT)
        self.damaged = damaged


class House:
    """All rooms of this process, and the ear."""

    def __init__(self, in_thread: InThread) -> None:
        self.rooms: dict[ClientId, Room] = {}
        self._in_thread = in_thread
        self._task: asyncio.Task[None] | None = None

    async def listen(self) -> None:
        """Wake a room whenever its client's log grows; all of them when the ear was away."""
        async for client in live.grown():
            for room in self.rooms.values():
                if client is None or room.client == client:
                    room.grown.set()

    def open(self) -> None:
        """Start to listen."""
        self._task = asyncio.create_task(self.listen())

    def close(self) -> None:
        """End every stream and the ear."""
        for task in [self._task, *(room.task for room in self.rooms.values())]:
            if task is not None:
                task.cancel()
        for room in self.rooms.values():
            for reader in room.readers:
                reader.end()

    def streams_of(self, actor: Actor) -> int:
        """Return how many streams a person has open, at whichever client."""
        return sum(reader.actor.id == actor.id for room in self.rooms.values() for reader in room.readers)

    def enter(self, reader: Reader) -> None:
        """Hand this reader all that its client's log grows by from now on."""
        client = reader.actor.client
        if client not in self.rooms:
            # The log may have grown since the reader was let in: the room starts there, and looks once more.
            self.rooms[client] = Room(client, reader.next, self._in_thread)
        self.rooms[client].readers.add(reader)
        self.rooms[client].grown.set()

    def leave(self, reader: Reader) -> None:
        """Stop that; the last reader out closes the room."""
        room = self.rooms[reader.actor.client]
        room.readers.discard(reader)
        if not room.readers:
            room.task.cancel()
            del self.rooms[room.client]


async def stretch(client: ClientId, start: int, in_thread: InThread) -> AsyncIterator[tuple[list[Event], int]]:
    """Yield what happened from an index to the end of the log, and each time the index to go on from.

    More than BEHIND_MAX entries, or an index that this log does not have, come as one ``reset``.
    """
    size = await in_thread(live.size, client)
    if not 0 <= size - start <= BEHIND_MAX:
        yield [reset(size)], size
        start = size
    while True:
        found: Happened = await in_thread(_read, client, start)
        if found.next > start:
            yield [event(item) for item in found.items], found.next
        start = found.next
        if start >= found.size:
            return


def _read(client: ClientId, start: int) -> Happened:
    return live.happened(client, start=start)


def event(item: Happening) -> Event:
    """Return a happening as server-sent events (HTML, section 9.2): what moved in the queue, then what happened.

    The id comes with the last of the two, so that neither is lost when the stream breaks between them.
    """
    if item.glass is not None:
        told_ = b"id: %d\n" % item.index + _lines("glass", {"index": item.index})
        return Event(item.index, told_, glass=item.glass)
    text = b""
    if item.ref is not None:
        text += _lines("queue", {"index": item.index, "ref": item.ref, "tabs": item.tabs})
    told = {"index": item.index, "kind": item.kind, "subject": item.subject}
    text += b"id: %d\n" % item.index + _lines("change", told if item.ref is None else {**told, "ref": item.ref})
    return Event(item.index, text)


def reset(size: int) -> Event:
    """Return the event that says: look anew, and go on from here."""
    return Event(size - 1, b"id: %d\n" % (size - 1) + _lines("reset", {"index": size - 1}), anew=True)


def _lines(name: str, data: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(data))
