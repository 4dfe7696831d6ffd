"""A page that listens: one open stream, read as it comes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from django.conf import settings
from tests.channels.console.room import Room

PUBLIC = "http://localhost:8000"


@dataclass
class Heard:
    name: str
    data: Any
    id: int | None


@dataclass
class Stream:
    """What came so far stands in ``heard``, without the beats."""

    answer: httpx.Response
    heard: list[Heard] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    beats: int = 0

    def __post_init__(self) -> None:
        self._events = self._read()

    def _read(self) -> Iterator[Heard]:
        told: dict[str, str] = {}
        for line in self.answer.iter_lines():
            if line.startswith(":"):
                self.comments.append(line)
            elif line:
                name, _, value = line.partition(": ")
                told[name] = value
            elif "data" in told:
                yield Heard(told["event"], json.loads(told["data"]), int(told["id"]) if "id" in told else None)
                told = {}

    def next(self) -> Heard:
        """The next event but beats; the read's own time limit fails a test that waits for nothing."""
        for event in self._events:
            if event.name != "beat":
                self.heard.append(event)
                return event
            self.beats += 1
        raise EOFError

    def until(self, index: int) -> list[int]:
        """Read on to the change of this index; the indices of all changes heard."""
        while not self.heard or self.heard[-1].id is None or self.heard[-1].id < index:
            self.next()
        return [event.data["index"] for event in self.heard if event.name == "change"]

    def to_the_end(self) -> None:
        """Read until the server ends the stream."""
        for event in self._events:
            if event.name == "beat":
                self.beats += 1
            else:
                self.heard.append(event)


@dataclass
class Live:
    url: str
    room: Room

    def cookie(self, name: str) -> str:
        """The session of somebody who signed in with both factors and opened a page."""
        self.room.get(name, "queue")
        return str(self.room.as_(name).cookies[settings.SESSION_COOKIE_NAME].value)

    @contextmanager
    def listen(
        self, name: str, slug: str = "aurora", *, after: int | None = None, cookie: str = ""
    ) -> Iterator[Stream]:
        headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie or self.cookie(name)}", "Origin": PUBLIC}
        if after is not None:
            headers["Last-Event-ID"] = str(after)
        with httpx.stream("GET", f"{self.url}/events?client={slug}", headers=headers, timeout=20) as answer:
            assert answer.status_code == 200, answer.read()
            yield Stream(answer)

    def ask(self, method: str = "GET", path: str = "/events?client=aurora", **headers: str) -> httpx.Response:
        """One answer, read to its end: for refusals."""
        return httpx.request(method, self.url + path, headers={n.replace("_", "-"): v for n, v in headers.items()})
