"""Real receivers on the loopback: an SMTP server, and an HTTP gateway that can be made to misbehave."""

import json
import socket
import threading
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class _Inbox:
    def __init__(self, owner: "MailServer") -> None:
        self.owner = owner

    async def handle_RCPT(  # noqa: N802 - the name that the server calls
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.owner.refuses:
            return self.owner.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.owner.got.append((envelope.rcpt_tos[0], envelope.original_content or b""))
        if self.owner.dies_after_data and server.transport is not None:
            server.transport.close()
        return "250 OK"


class _Controller(Controller):
    """Takes a port that the system gives: no two test workers can want the same one."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # the library's own method


class MailServer:
    """What it was given stands in ``got`` as (recipient, bytes)."""

    def __init__(self, **options: Any) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.refuses: dict[str, str] = {}
        self.dies_after_data = False
        self._controller = _Controller(_Inbox(self), hostname="127.0.0.1", port=0, enable_SMTPUTF8=True, **options)

    def __enter__(self) -> Self:
        self._controller.start()
        self.port: int = self._controller.port
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(data, policy=policy.default) for _, data in self.got]


Answer = Callable[["_Handler"], None]


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        owner = self.server.owner
        with owner.turn:
            owner.got.append((dict(self.headers), body))
        owner.answers.get(body["to"], accept)(self)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    owner: "GatewayServer"

    def handle_error(self, *_: object) -> None:
        """A caller that hung up is what some tests are about."""


def accept(handler: _Handler) -> None:
    reply(handler, 200, b'{"id": "sm-1"}')


def reply(handler: _Handler, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def status(code: int, **headers: str) -> Answer:
    return lambda handler: reply(handler, code, b"no", **headers)


class GatewayServer:
    """``answers`` maps a recipient to how its message is answered; ``hang`` answers when ``freed``."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], dict[str, str]]] = []
        self.answers: dict[str, Answer] = {}
        self.turn = threading.Lock()
        self.freed = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/send"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.freed.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def hang(self, _handler: _Handler) -> None:
        self.freed.wait(30)

    def pour(self, handler: _Handler) -> None:
        """Accept, and then never stop talking."""
        handler.send_response(200)
        handler.end_headers()
        while not self.freed.is_set():
            handler.wfile.write(b"[" * 65536)


def silent_port() -> tuple[socket.socket, int]:
    """A port that takes connections and never says a word."""
    listener = socket.create_server(("127.0.0.1", 0))
    return listener, int(listener.getsockname()[1])


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
