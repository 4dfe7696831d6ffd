"""A stand-in for a key service: Vault's Transit protocol on the loopback, as far as the product speaks it.

It really seals: AES-256-GCM with a key a version, and the associated data that it is given. Answers and refusals have
the form of Vault's HTTP API; no real server could be had where these tests were written.
"""

import json
import os
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Transit(ThreadingHTTPServer):
    """The service, with one key in versions."""

    daemon_threads = True

    def __init__(self, token: str) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.token = token
        self.versions = [AESGCM.generate_key(256)]
        self.oldest = 1
        """The oldest version that still decrypts, as min_decryption_version."""
        self.sealed = False
        self.spoil: dict[str, Any] = {}
        """What it says instead of what is so."""
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def rotate(self) -> None:
        self.versions.append(AESGCM.generate_key(256))

    def encrypt(self, body: dict[str, str]) -> dict[str, Any]:
        nonce = os.urandom(12)
        aad = b64decode(body["associated_data"])
        sealed = nonce + AESGCM(self.versions[-1]).encrypt(nonce, b64decode(body["plaintext"]), aad)
        return {"ciphertext": f"vault:v{len(self.versions)}:{b64encode(sealed).decode()}"}

    def decrypt(self, body: dict[str, str]) -> dict[str, Any]:
        _, version, text = body["ciphertext"].split(":")
        number, sealed = int(version[1:]), b64decode(text)
        if not self.oldest <= number <= len(self.versions):
            raise InvalidTag
        aad = b64decode(body["associated_data"])
        plain = AESGCM(self.versions[number - 1]).decrypt(sealed[:12], sealed[12:], aad)
        return {"plaintext": b64encode(plain).decode()}


class _Call(BaseHTTPRequestHandler):
    server: Transit
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: dict[str, str]) -> None:
        desk = self.server
        desk.asked.append(self.path)
        verb = self.path.removeprefix("/v1/transit/").removesuffix("/desk")
        if desk.sealed:
            self._say(503, {"errors": ["Vault is sealed"]})
        elif self.headers["X-Vault-Token"] != desk.token:
            self._say(403, {"errors": ["permission denied"]})
        elif not self.path.startswith("/v1/transit/") or not self.path.endswith("/desk"):
            self._say(404, {"errors": []})
        elif verb in desk.spoil:
            self._say(200, desk.spoil[verb])
        else:
            try:
                found = {"latest_version": len(desk.versions)} if verb == "keys" else getattr(desk, verb)(body)
            except InvalidTag:
                self._say(400, {"errors": ["cipher: message authentication failed"]})
            else:
                self._say(200, {"data": found})

    def _say(self, status: int, told: dict[str, Any]) -> None:
        raw = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Transit]:
    """A service that runs until the block ends."""
    server = Transit("s.only-for-tests")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
