"""A real receiver of hooks on the loopback, which can be made to misbehave."""

import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Sent:
    """One event as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        owner = self.server.owner
        with owner.some:
            owner.got.append(Sent(self.path, dict(self.headers), body))
            owner.some.notify_all()
        owner.ways[owner.way](self)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    owner: "Receiver"

    def handle_error(self, *_: object) -> None:
        """A sender that hung up is what some tests are about."""


class Receiver:
    """What it was sent stands in ``got``. ``way``: how it answers; ``status``: with what, where it answers plainly;
    ``said``: the very bytes, where it answers in the raw. ``freed``: lets go of one that is held.
    """

    def __init__(self) -> None:
        self.got: list[Sent] = []
        self.some = threading.Condition()
        self.over = threading.Event()
        self.status = 200
        self.said = b""
        self.freed = threading.Semaphore(0)
        self.at_once = self.most_at_once = 0
        self.way = "plain"
        self.ways: dict[str, Callable[[_Handler], None]] = {
            "plain": self._plain, "redirect": self._redirect, "huge": self._huge, "hang_up": self._hang_up,
            "nonsense": self._nonsense, "drip": self._drip, "endless_head": self._endless_head,
            "raw": self._raw, "held": self._held,
        }  # fmt: skip
        self.server = _Server(("127.0.0.1", 0), _Handler)
        self.server.owner = self
        self.port = int(self.server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}/in"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.freed.release(1000)
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()

    def tls(self, context: ssl.SSLContext) -> None:
        """Answer by TLS from now on."""
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True, do_handshake_on_connect=False
        )  # fmt: skip

    def wait_for(self, count: int, seconds: float) -> bool:
        """Wait until so many events came in; False when it takes longer."""
        with self.some:
            return self.some.wait_for(lambda: len(self.got) >= count, seconds)

    def _plain(self, handler: _Handler) -> None:
        handler.send_response(self.status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def _raw(self, handler: _Handler) -> None:
        handler.wfile.write(self.said)

    def _held(self, handler: _Handler) -> None:
        with self.some:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.freed.acquire()
        with self.some:
            self.at_once -= 1
        self._plain(handler)

    def _redirect(self, handler: _Handler) -> None:
        handler.send_response(302)
        handler.send_header("Location", self.url)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def _huge(self, handler: _Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**12))
        handler.end_headers()
        while not self.over.is_set():
            handler.wfile.write(b"[" * 65536)

    def _hang_up(self, handler: _Handler) -> None:
        handler.close_connection = True

    def _nonsense(self, handler: _Handler) -> None:
        handler.wfile.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        handler.close_connection = True

    def _drip(self, handler: _Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        while not self.over.wait(0.05):
            handler.wfile.write(b"x")

    def _endless_head(self, handler: _Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.over.is_set():
            handler.wfile.write(b"X-More: " + b"x" * 60_000 + b"\r\n")
