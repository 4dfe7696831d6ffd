import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from changedesk.config import logs


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    sink = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    monkeypatch.setattr("sys.stderr", sink)
    logs.configure("info")
    yield sink
    root.handlers[:] = before
    root.setLevel(level)


@pytest.mark.parametrize(
    "said",
    [
        {"email": "canary"},
        {"detail": "wrote to anna.canary@example.org"},
        {"detail": "rang +49 170 1234567 twice"},
        {"password": "canary"},
        {"query": "name=canary"},
        {"detail": {"to": "anna.canary@example.org"}},
    ],
)
def test_a_personal_value_does_not_reach_the_log(written: io.StringIO, said: dict[str, object]) -> None:
    structlog.get_logger("any").info("happened", **said)
    assert "happened" in written.getvalue()
    assert "canary" not in written.getvalue()
    assert "1234567" not in written.getvalue()


def broken() -> None:
    try:
        int("canary one")
    except ValueError as error:
        raise KeyError("canary two") from error


def test_an_exception_is_told_by_its_place_and_not_by_its_text(written: io.StringIO) -> None:
    try:
        broken()
    except KeyError:
        structlog.get_logger("any").exception("broke")
        logging.getLogger("library").exception("broke too")
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["broke", "broke too"]
    assert "canary" not in written.getvalue()
    for line in lines:
        assert line["exception"][0] == "builtins.KeyError"
        assert "builtins.ValueError" in line["exception"]


def test_ids_and_counts_stay_readable(written: io.StringIO) -> None:
    structlog.get_logger("any").info("done", client_id=12345678, ms=1.5, route="api:changes")
    line = json.loads(written.getvalue())
    assert (line["client_id"], line["ms"], line["route"]) == (12345678, 1.5, "api:changes")
