"""The way to a receiver: to an address that was checked, for five seconds in all, with no redirect and little answer.

A name is resolved once; each address found is checked, and what is connected to is one of those that passed: between
check and connection nobody can make the name mean something else (DNS rebinding). TLS and ``Host`` speak of the name.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import Any, Final

import httpcore
import httpx

from changedesk.rules import egress
from changedesk.rules.egress import Address

SECONDS: Final = 5.0
ANSWER_BYTES_MAX: Final = 64 * 1024
_IDLE_SECONDS: Final = 20.0
_KEPT: Final = 64
Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host, in the order in which to try them. Raises OSError."""


class NotTaken(Exception):  # noqa: N818 - an answer of the way, not a fault of the program
    """A receiver gave no answer. ``word`` is a code of ours, never text of the other side."""

    def __init__(self, word: str) -> None:
        self.word = word
        super().__init__(word)


class _Unfit(httpcore.ConnectError):
    """No address of the name may be connected to, the name is unknown, or nobody vouches for the other side."""

    def __init__(self, word: str) -> None:
        self.word = word
        super().__init__(word)


def resolved(host: str, port: int) -> list[str]:
    """Ask the system for a host's addresses. It keeps to its own time, which no deadline of ours shortens."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class Line:
    """Connections to receivers, kept for the next event. Any number of threads may use it."""

    def __init__(
        self,
        *,
        inside: bool = False,
        resolve: Resolve = resolved,
        trust: ssl.SSLContext | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._seconds = seconds
        self._turn = _Turn()
        self._pool = httpcore.ConnectionPool(
            # No environment: a variable must not add to whom we trust.
            ssl_context=trust or httpx.create_ssl_context(trust_env=False),
            max_connections=None,
            max_keepalive_connections=_KEPT,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=_Backend(self._turn, inside=inside, resolve=resolve),
        )

    def post(self, address: Address, headers: Sequence[tuple[str, str]], body: bytes) -> int:
        """Send a body; return the status of the answer. Raises NotTaken.

        Of the answer 64 KB are read, so that the connection may be used again, and dropped.
        """
        url = httpcore.URL(
            scheme=address.scheme, host=address.host, port=address.port, target=address.target
        )  # fmt: skip
        sent = [("Host", address.place), ("Content-Length", str(len(body))), *headers]
        self._turn.until = time.monotonic() + self._seconds
        try:
            with self._pool.stream("POST", url, headers=sent, content=body) as answer:
                self._drain(answer.iter_stream())
                return answer.status
        except _Unfit as unfit:
            raise NotTaken(unfit.word) from None
        except httpcore.TimeoutException:
            raise NotTaken("timeout") from None
        except httpcore.ConnectError:
            raise NotTaken("unreachable") from None
        except (httpcore.NetworkError, httpcore.ProtocolError):
            raise NotTaken("broken-off") from None

    def _drain(self, parts: Iterable[bytes]) -> None:
        read = 0
        try:
            for part in parts:
                read += len(part)
                if read > ANSWER_BYTES_MAX:
                    return
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
            return  # the status was said: what comes after it is of no account

    def close(self) -> None:
        self._pool.close()


class _Turn(threading.local):
    """Until when this thread's exchange may last, in monotonic seconds."""

    until = 0.0

    def left(self) -> float:
        """Return how many seconds are left. Raises ReadTimeout when there are none."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left


class _Backend(httpcore.NetworkBackend):
    """Opens connections, to addresses that passed."""

    def __init__(self, turn: _Turn, *, inside: bool, resolve: Resolve) -> None:
        self._turn = turn
        self._inside = inside
        self._resolve = resolve
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first checked address that answers."""
        del timeout, socket_options
        failure: Exception = _Unfit("address-refused")
        for address in self._checked(host, port):
            try:
                inner = self._plain.connect_tcp(address, port, self._turn.left(), local_address)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            return _Stream(inner, self._turn)
        raise failure

    def _checked(self, host: str, port: int) -> list[str]:
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError):
            raise _Unfit("name-unknown") from None
        return [one for one in found if self._inside or not egress.refused(ip_address(one))]


class _Stream(httpcore.NetworkStream):
    """A connection of which every step keeps to the deadline: whoever drips is no slower than one that hangs."""

    def __init__(self, inner: httpcore.NetworkStream, turn: _Turn) -> None:
        self._inner = inner
        self._turn = turn

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        return self._inner.read(max_bytes, self._turn.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        self._inner.write(buffer, self._turn.left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        del timeout
        try:
            inner = self._inner.start_tls(ssl_context, server_hostname, self._turn.left())
        except httpcore.ConnectError as error:
            raise _Unfit("certificate-refused") if isinstance(error.__context__, ssl.SSLError) else error from None
        return _Stream(inner, self._turn)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
