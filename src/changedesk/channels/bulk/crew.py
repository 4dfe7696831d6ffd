"""Who records what a file asks: this process alone, or several beside it, each the records that are its own.

What is of one record follows each other, so all records that share a holder are one family, and a family is always of
one process. What waits is taken family by family: with several changes of a record at hand, its state is opened and
sealed once for all of them.
"""

import gc
import os
import signal
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from multiprocessing.connection import Connection, wait
from socket import SHUT_WR, socket, socketpair
from typing import Final, Protocol
from zlib import crc32

import msgspec
from django.conf import settings

from changedesk.base import clock
from changedesk.base.refusal import Refusal
from changedesk.channels.bulk.report import Became

TOGETHER: Final = 1_000
"""Changes, or customers, of one transaction."""
WORTH_PROCESSES: Final = 2_000
"""So many make a file worth the second that a process takes to start."""
_LOOK_EVERY: Final = 50
"""How many are read between two looks whether somebody waits for more."""
HELD_BYTES_MOST: Final = 128 * 1024 * 1024
"""What is read ahead of the recording, packed."""
_START: Final = "import django; django.setup(); from changedesk.channels.bulk.crew import work; work()"
_pack: Final = msgspec.msgpack.Encoder().encode
_answer: Final = msgspec.msgpack.Decoder(list[Became] | str)


class ProcessEnded(Refusal):
    """One of the processes of this import ended before its rows were in.

    ``data``: reason (the code of what it was refused, if it said so).
    """

    code = "process-ended"
    hint = "Import the same file again: what went in stays as it is, and the rest follows."
    status = "unavailable"


class Recorder(Protocol):
    """Takes in what was read."""

    def record(self, packed: bytes) -> Sequence[Became]:
        """Take in a batch, in its order: what was let wait, as msgpack; return what became of each."""


class Families:
    """Records that must be taken in one after the other, joined two by two; one that was never joined is its own."""

    def __init__(self) -> None:
        self._into: dict[str, str] = {}

    def join(self, one: str, other: str) -> None:
        self._into[self.of(other)] = self.of(one)

    def of(self, name: str) -> str:
        """Return a name that the whole family has in common."""
        while (further := self._into.get(name, name)) != name:
            self._into[name] = further = self._into.get(further, further)  # half the way for whoever comes next
            name = further
        return name


class Waiting:
    """What was read and is not taken in yet, by the family of records that it belongs to."""

    def __init__(self, shares: int) -> None:
        self._shares: list[OrderedDict[str, list[bytes]]] = [OrderedDict() for _ in range(shares)]
        self.held = 0
        """Bytes of all that waits."""

    @property
    def shares(self) -> int:
        return len(self._shares)

    def add(self, family: str, asked: object) -> None:
        """Let something wait behind what is of its family."""
        packed = _pack(asked)
        self.held += len(packed)
        self._shares[crc32(family.encode()) % len(self._shares)].setdefault(family, []).append(packed)

    def take(self, share: int) -> bytes:
        """Return what is to be recorded next of a share, packed: of the families that wait longest, all that waits."""
        families, taken = self._shares[share], list[bytes]()
        while families and len(taken) < TOGETHER:
            name, groups = families.popitem(last=False)
            room = TOGETHER - len(taken)
            taken += groups[:room]
            if len(groups) > room:
                families[name] = groups[room:]
                families.move_to_end(name, last=False)
        self.held -= sum(map(len, taken))
        return _pack([msgspec.Raw(packed) for packed in taken])

    def has(self, share: int) -> bool:
        return bool(self._shares[share])


class Crew(Protocol):
    """Whoever records."""

    @property
    def busy(self) -> bool:
        """Say whether something was given out that is not answered yet."""

    def turn(self, waiting: Waiting, *, last: bool) -> Sequence[Became]:
        """Give out what waits, and return what has been answered; ``last``: not before there is an answer."""


class Alone:
    """This process records, when nothing is left to read or no more can be held."""

    busy = False

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def turn(self, waiting: Waiting, *, last: bool) -> Sequence[Became]:
        """As Crew says."""
        share = next((share for share in range(waiting.shares) if waiting.has(share)), None)
        return self._recorder.record(waiting.take(share)) if last and share is not None else ()


class Processes:
    """A process for each share. It is given one batch at a time: only whoever waits for one is sent it."""

    def __init__(self, lines: Sequence[Connection]) -> None:
        self._share = {line: share for share, line in enumerate(lines)}
        # Each says that it has started as it says that a batch is done.
        self._asked = set(lines)

    @property
    def busy(self) -> bool:
        """As Crew says."""
        return bool(self._asked)

    def turn(self, waiting: Waiting, *, last: bool) -> Sequence[Became]:
        """As Crew says. Raises ProcessEnded."""
        told: list[Became] = []
        try:
            for line in wait(list(self._asked), None if last and self._asked else 0):
                assert isinstance(line, Connection)  # noqa: S101 - they are what was asked for
                answer = _answer.decode(line.recv_bytes())
                if isinstance(answer, str):
                    raise ProcessEnded(reason=answer)
                told += answer
                self._asked.remove(line)
            for line, share in self._share.items():
                if line not in self._asked and waiting.has(share):
                    line.send_bytes(waiting.take(share))
                    self._asked.add(line)
        except (EOFError, OSError):
            raise ProcessEnded(reason="") from None
        return told


@contextmanager
def hired(start: Callable[[Callable[[], datetime]], Recorder], jobs: int) -> Iterator[Processes]:
    """Start processes that record for the block; they have ended with it, after the batch that each is at.

    ``start`` makes the recorder of each, given its clock; it goes over by pickle.
    """
    pairs = [socketpair() for _ in range(jobs)]
    lines = [Connection(ours.detach()) for ours, _ in pairs]
    given = [theirs.fileno() for _, theirs in pairs]
    words = [sys.executable, "-c", _START, *map(str, given)]
    around = {**os.environ, "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE}
    try:
        process = subprocess.Popen(words, pass_fds=given, stdin=subprocess.DEVNULL, env=around)  # noqa: S603 - our own
    finally:
        for _, theirs in pairs:
            theirs.close()
    try:
        for line in lines:
            with suppress(OSError):  # whoever ended by now is met at the first turn
                line.send(start)
        yield Processes(lines)
    finally:
        for line in lines:
            _let_go(line)
        process.wait()


def _let_go(line: Connection) -> None:
    """Tell a process that nothing more comes, and wait until it has ended, also where it outlived the one before it."""
    with line, socket(fileno=os.dup(line.fileno())) as ours, suppress(OSError):  # whoever ended by now
        ours.shutdown(SHUT_WR)
        while ours.recv(65536):
            pass


def spread(
    asked: Iterable[tuple[str, object]],
    start: Callable[[Callable[[], datetime]], Recorder],
    tell: Callable[[Sequence[Became]], None],
    *,
    jobs: int,
    now: Callable[[], datetime],
) -> None:
    """Let what a file asks, each with its family, be taken in while it is read; ``tell`` hears what became of it.

    What is read by the time somebody is free goes together. A short file is not spread. Raises ProcessEnded.
    """
    waiting, alone = Waiting(jobs), Alone(start(now))
    crew: Crew = alone
    with ExitStack() as stack:
        for count, (family, one) in enumerate(asked, 1):
            waiting.add(family, one)
            full = waiting.held > HELD_BYTES_MOST
            if crew is alone and jobs > 1 and (full or count >= WORTH_PROCESSES):
                crew = stack.enter_context(hired(start, jobs))
            if full or count % _LOOK_EVERY == 0:
                tell(crew.turn(waiting, last=full))
        while waiting.held or crew.busy:
            tell(crew.turn(waiting, last=True))


def work() -> None:
    """Record what comes in on the lines whose numbers are the words of the command, a process for each.

    The program is loaded once, which takes longer than most files do: the others are copies, made before there is a
    connection or a thread.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asked for the import ends it
    gc.freeze()
    numbers = [int(word) for word in sys.argv[1:]]
    mine, copies = numbers[0], list[int]()
    for number in numbers[1:]:
        copy = os.fork()
        if copy == 0:
            mine, copies = number, []
            break
        copies.append(copy)
    for other in numbers:
        if other != mine:  # or nobody would notice that whoever it belongs to has ended
            os.close(other)
    try:
        _serve(mine)
    finally:
        for copy in copies:
            os.waitpid(copy, 0)


def _serve(number: int) -> None:
    with Connection(number) as line:
        try:
            recorder = line.recv()(clock.now)
            line.send_bytes(_pack([]))
            while True:
                line.send_bytes(_pack(_recorded(recorder, line.recv_bytes())))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return  # there is nothing more to do, or nobody to do it for


def _recorded(recorder: Recorder, packed: bytes) -> Sequence[Became] | str:
    try:
        return recorder.record(packed)
    except Refusal as refusal:
        return refusal.code
