"""What the terminal prints can be copied: a link, an id or a code is never cut or broken."""

from io import StringIO

import pytest
from rich.console import Console

from changedesk.channels.terminal import show

LINK = "https://desk.example/not-me/aurora/" + "0123456789abcdef" * 8
PROSE = "Ask the person who may release the hold, or wait until the time named here, which is said in full. " * 2
ROWS = [("notice [1]", LINK, PROSE), ("code", "123456", "short")]


def printed(monkeypatch: pytest.MonkeyPatch, width: int | None) -> list[str]:
    """What stands on the lines of a terminal of some columns, or in a pipe."""
    sink = StringIO()
    monkeypatch.setattr("sys.stdout", sink)
    console = Console(force_terminal=width is not None, highlight=False, file=sink, width=width)
    monkeypatch.setattr(show, "out", console)
    show.table(("event", "link", "what to do"), ROWS)
    return sink.getvalue().splitlines()


@pytest.mark.parametrize("width", [None, 80])
def test_a_row_is_one_line_in_a_pipe_and_where_its_pieces_do_not_fit(
    monkeypatch: pytest.MonkeyPatch, width: int | None
) -> None:
    lines = printed(monkeypatch, width)
    assert len(lines) == 3
    assert (LINK in lines[1], PROSE.strip() in lines[1], "notice [1]" in lines[1]) == (True, True, True)
    assert lines[2].split() == ["code", "123456", "short"]


def test_at_a_terminal_sentences_fold_and_values_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(monkeypatch, len(LINK) + 50)
    assert len(lines) > 3
    assert sum(LINK in line for line in lines) == 1
    assert {word for line in lines[1:-1] for word in line.split()} == {"notice", "[1]", LINK, *PROSE.split()}
