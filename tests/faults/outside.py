"""The world outside: a mail server and a text gateway on the loopback, and a file that remembers what they took."""

import json
import os
import threading
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, Self

from tests.outbound.receivers import GatewayServer, MailServer

TOKEN = "a gateway token of this run"


class _Kept(list[Any]):
    """A receiver's list that writes each message down before the sender hears that it was taken."""

    def __init__(self, file: Path, turn: threading.Lock) -> None:
        super().__init__()
        self._file, self._turn = file, turn

    def append(self, item: Any) -> None:
        with self._turn, self._file.open("a", encoding="utf-8") as sink:
            sink.write(json.dumps(_line(item)) + "\n")
            sink.flush()
            os.fsync(sink.fileno())
        super().append(item)


def _line(item: Any) -> dict[str, str]:
    if isinstance(item[1], bytes):
        to, raw = item
        letter = message_from_bytes(raw, policy=policy.default)
        body = letter.get_body()
        text = "" if body is None else str(body.get_content())
        return {"channel": "email", "id": str(letter["Message-ID"])[1:37], "to": to, "text": text}
    asked = item[1]
    return {"channel": "sms", "id": asked["id"], "to": asked["to"], "text": asked["text"]}


class Outside:
    """Receivers for as long as the block runs. ``file`` holds one line of JSON for each message taken."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "received.jsonl"
        self.file.touch()
        turn = threading.Lock()
        self.mail, self.gateway = MailServer(), GatewayServer()
        self.mail.got = _Kept(self.file, turn)
        self.gateway.got = _Kept(self.file, turn)

    def __enter__(self) -> Self:
        self.mail.__enter__()
        self.gateway.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.gateway.__exit__()
        self.mail.__exit__()

    def settings(self) -> dict[str, str]:
        """What an installation sets to send here."""
        return {
            "smtp_host": "127.0.0.1",
            "smtp_port": str(self.mail.port),
            "smtp_starttls": "false",
            "sms_gateway_url": self.gateway.url,
            "sms_gateway_token": TOKEN,
        }


def received(file: Path) -> list[dict[str, str]]:
    """What the receivers took, in order; a line that is being written is left for the next look."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines(keepends=True) if line[-1] == "\n"]
