"""Reads take turns; whoever writes waits for nobody, and no slow read keeps others."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from changedesk.base import turns
from changedesk.config.web import by_turns

LONG = 30.0


class Slow:
    """An application that answers when it is let go; it says how many are in it."""

    def __init__(self) -> None:
        self.inside = threading.Semaphore(0)
        self.go = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        del start_response
        self.inside.release()
        if environ.get("leaves"):
            turns.leave()
        assert self.go.wait(LONG)
        return [b"done"]

    def ask(self, method: str, **more: object) -> threading.Thread:
        application = by_turns(self)
        thread = threading.Thread(target=lambda: application({"REQUEST_METHOD": method, **more}, lambda *_: None))
        thread.start()
        return thread


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", LONG)


@pytest.mark.usefixtures("patient")
def test_a_read_waits_for_the_one_before_it_and_a_write_does_not() -> None:
    slow = Slow()
    first = slow.ask("GET")
    assert slow.inside.acquire(timeout=LONG)
    others = [slow.ask("GET"), slow.ask("POST")]
    assert slow.inside.acquire(timeout=LONG)
    assert not slow.inside.acquire(timeout=0.05)
    slow.go.set()
    for thread in (first, *others):
        thread.join(LONG)
    assert slow.inside.acquire(blocking=False)
    assert not turns._mine.held


@pytest.mark.usefixtures("patient")
def test_who_waits_for_others_lets_go_of_the_turn() -> None:
    slow = Slow()
    threads = [slow.ask("GET", leaves=True), slow.ask("GET")]
    assert slow.inside.acquire(timeout=LONG)
    assert slow.inside.acquire(timeout=LONG)
    slow.go.set()
    for thread in threads:
        thread.join(LONG)
    with turns.turn():
        assert turns._mine.held


def test_whoever_has_waited_for_long_goes_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.01)
    slow = Slow()
    threads = [slow.ask("GET"), slow.ask("GET")]
    assert slow.inside.acquire(timeout=LONG)
    assert slow.inside.acquire(timeout=LONG)
    slow.go.set()
    for thread in threads:
        thread.join(LONG)
    with turns.turn():
        assert turns._mine.held
