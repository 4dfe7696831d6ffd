"""Nobody is served before everything is checked."""

from pathlib import Path
from threading import Event, Thread

import pytest

from changedesk.config import gate


def test_whoever_loads_beside_the_checks_waits_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(gate.VARIABLE, str(tmp_path / "gate"))
    through = Event()

    def load() -> None:
        gate.wait()
        through.set()

    with gate.closed(tmp_path / "gate"):
        loading = Thread(target=load)
        loading.start()
        assert not through.is_set()
    loading.join()
    assert through.is_set()


def test_a_check_that_fails_leaves_no_gate_shut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError), gate.closed(tmp_path / "gate"):
        raise RuntimeError
    monkeypatch.setenv(gate.VARIABLE, str(tmp_path / "gate"))
    gate.wait()


def test_where_there_is_no_gate_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(gate.VARIABLE, raising=False)
    gate.wait()
