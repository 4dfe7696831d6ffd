"""The way to a receiver: to an address that was checked, for five seconds in all, with no redirect and little answer.

A name is resolved once; each address found is checked, and what is connected to is one of those that passed: between
check and connection nobody can make the name mean something else (DNS rebinding). TLS and ``Host`` speak of the name.

What is asked is written in one piece and the answer read by ``http.client``: a pool for any kind of exchange takes
more of the processor for a post than all the rest of a delivery.
"""

import http.client
import io
import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

import httpx

from changedesk.rules import egress
from changedesk.rules.egress import Address, Reach
from changedesk.store import network

SECONDS: Final = 5.0
ANSWER_BYTES_MAX: Final = 64 * 1024
_IDLE_SECONDS: Final = 20.0
_KEPT: Final = 64
Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host, in the order in which to try them. Raises OSError."""
Connect = Callable[[tuple[str, int], float], socket.socket]
"""Connects to an address and port within some seconds. Raises OSError."""


class NotTaken(Exception):  # noqa: N818 - an answer of the way, not a fault of the program
    """A receiver gave no answer. ``word`` is a code of ours, never text of the other side. ``sent``: it may have what
    it was sent all the same.
    """

    def __init__(self, word: str, *, sent: bool = False) -> None:
        self.word, self.sent = word, sent
        super().__init__(word)


class Line:
    """Connections to receivers, kept for the next event. Any number of threads may use it."""

    def __init__(
        self,
        *,
        reach: Reach = egress.PUBLIC,
        resolve: Resolve = network.resolved,
        connect: Connect = socket.create_connection,
        trust: ssl.SSLContext | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._reach, self._resolve, self._connect, self._seconds = reach, resolve, connect, seconds
        # No environment: a variable must not add to whom we trust.
        self._trust = trust or httpx.create_ssl_context(trust_env=False)
        self._kept = deque[tuple[_Place, _Way, float]]()
        self._turn = threading.Lock()

    def post(self, address: Address, headers: Sequence[tuple[str, str]], body: bytes) -> int:
        """Send a body; return the status of the answer. Raises NotTaken.

        Of the answer 64 KB are read, so that the connection may be used again, and dropped.
        """
        place, until = (address.scheme, address.host, address.port), time.monotonic() + self._seconds
        way, again = self._taken(place) or _Way(self._opened(address, until)), False
        try:
            sent = [("Host", address.place), ("Content-Length", str(len(body))), *headers]
            lines = [f"POST {address.target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent), "\r\n"]
            status, again = way.exchange("\r\n".join(lines).encode("ascii") + body, until)
        except TimeoutError:
            raise NotTaken("timeout", sent=True) from None
        except (OSError, http.client.HTTPException):
            raise NotTaken("broken-off", sent=True) from None
        finally:
            if again:
                self._keep(place, way)
            else:
                way.close()
        return status

    def _opened(self, address: Address, until: float) -> socket.socket:
        """Connect to the first checked address that answers, and let it prove its name. Raises NotTaken."""
        failure = NotTaken("address-refused")
        for one in self._checked(address.host, address.port):
            try:
                found = self._connect((one, address.port), _left(until))
            except TimeoutError:
                failure = NotTaken("timeout")
                continue
            except OSError:
                failure = NotTaken("unreachable")
                continue
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return self._proven(found, address.host, until) if address.scheme == "https" else found
        raise failure

    def _checked(self, host: str, port: int) -> list[str]:
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError):
            raise NotTaken("name-unknown") from None
        return [one for one in found if network.may_reach(one, self._reach)]

    def _proven(self, found: socket.socket, host: str, until: float) -> socket.socket:
        try:
            found.settimeout(_left(until))
            return self._trust.wrap_socket(found, server_hostname=host)
        except OSError as error:
            found.close()
            if isinstance(error, TimeoutError):
                raise NotTaken("timeout") from None
            raise NotTaken("certificate-refused" if isinstance(error, ssl.SSLError) else "unreachable") from None

    def _taken(self, place: "_Place") -> "_Way | None":
        """Take the connection that was used last, of those that the other side has not closed."""
        with self._turn:
            while self._kept and time.monotonic() > self._kept[0][2] + _IDLE_SECONDS:
                self._kept.popleft()[1].close()
            for one in reversed(self._kept):
                if one[0] == place:
                    self._kept.remove(one)
                    if one[1].quiet():
                        return one[1]
                    one[1].close()
                    break
        return None

    def _keep(self, place: "_Place", way: "_Way") -> None:
        with self._turn:
            self._kept.append((place, way, time.monotonic()))
            if len(self._kept) > _KEPT:
                self._kept.popleft()[1].close()

    def close(self) -> None:
        with self._turn:
            while self._kept:
                self._kept.popleft()[1].close()


_Place = tuple[str, str, int]


class _Way:
    """A connection."""

    def __init__(self, found: socket.socket) -> None:
        self._socket = found

    def exchange(self, asked: bytes, until: float) -> tuple[int, bool]:
        """Ask; return the status of the answer, and whether more may be asked. Raises OSError, HTTPException."""
        self._socket.settimeout(_left(until))
        self._socket.sendall(asked)
        ear: Any = _Ear(self._socket, until)
        answer: Any = http.client.HTTPResponse(ear, method="POST")
        answer.begin()
        while answer.status < HTTPStatus.OK and answer.status != HTTPStatus.SWITCHING_PROTOCOLS:
            # What comes before the answer says nothing of it (RFC 9110, 15.2). The library passes over 100 alone.
            answer.headers = None
            answer.begin()
        again = False
        # The status was said: what comes after it is of no account. ValueError: a piece of less than no length.
        with suppress(OSError, http.client.HTTPException, ValueError):
            answer.read(ANSWER_BYTES_MAX)
            again = answer.isclosed() and not answer.will_close and answer.status >= HTTPStatus.OK
        return answer.status, again

    def quiet(self) -> bool:
        """Say whether the other side has neither hung up nor said anything that was not asked."""
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return False  # it was read with the answer, and nobody has looked at it
        heard = select.poll()
        heard.register(self._socket, select.POLLIN)
        return not heard.poll(0)

    def close(self) -> None:
        self._socket.close()


class _Ear(io.RawIOBase):
    """Hears one answer. Every step keeps to the deadline: whoever drips is no slower than one that hangs."""

    def __init__(self, found: socket.socket, until: float) -> None:
        self._socket, self._until, self._room = found, until, 2 * ANSWER_BYTES_MAX

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return what an answer is read from: as a socket does."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        self._socket.settimeout(_left(self._until))
        heard = self._socket.recv_into(into)
        self._room -= heard
        if self._room < 0:
            raise OSError
        return heard


def _left(until: float) -> float:
    """Return how many seconds are left. Raises TimeoutError when there are none."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
