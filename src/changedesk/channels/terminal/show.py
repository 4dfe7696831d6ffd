"""What the terminal prints: tables for people, JSON for programs. Masked values stay masked in both."""

import dataclasses
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import msgspec
import typer
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from changedesk.base.refusal import Refusal
from changedesk.channels.opened import recording

out: Final = Console(highlight=False, soft_wrap=True)
err: Final = Console(stderr=True, highlight=False, soft_wrap=True)
_WIDEST: Final = 1 << 20
_SENTENCE: Final = 5
"""Words from which on a text folds."""


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, set | frozenset) else str(value)


def as_json(value: Any) -> None:
    """Print one JSON document: instants in RFC 3339, ids as text."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=_plain) + "\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; texts are printed as they are, never read as markup.

    A row is one line where this is not a terminal. At one, sentences fold where it ends; but what people copy (a link,
    an id, a code: whatever has no blank in it) is one piece everywhere, and a row whose pieces do not fit is one line.
    """
    cells = [[_text(cell) for cell in row] for row in rows]
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        texts = [row[place] for row in cells]
        widest = max((cell_len(word) for text in (column, *texts) for word in text.split()), default=0)
        pieces = all(len(text.split()) < _SENTENCE for text in texts)
        shown.add_column(column, overflow="fold", no_wrap=pieces, min_width=widest)
    for row in cells:
        shown.add_row(*(text.replace("[", r"\[") for text in row))
    size = Measurement.get(out, out.options.update(width=_WIDEST), shown)
    width = out.width if out.is_terminal and size.minimum <= out.width else size.maximum
    Console(highlight=False, width=width).print(shown)


def facts(pairs: Mapping[str, object]) -> None:
    """Print names and values, one a line."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        out.print(f"{name:<{width}}  {_text(value)}", markup=False)


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone().isoformat(sep=" ", timespec="seconds")
    return "" if value is None else str(value)


@contextmanager
def refusals(*, json_wanted: bool) -> Iterator[None]:
    """Say a refusal in its sentence, or as a JSON problem, and end with code 1."""
    try:
        with recording():
            yield
    except Refusal as refusal:
        if json_wanted:
            as_json({"code": refusal.code, "title": refusal.sentence, "hint": refusal.hint, "data": refusal.data})
        else:
            err.print(f"{refusal.sentence} {refusal.hint}".strip(), markup=False)
            for name, value in refusal.data.items():
                err.print(f"  {name}: {_text(value)}", markup=False)
        raise typer.Exit(1) from None


@contextmanager
def progress(title: str, *, hidden: bool) -> Iterator[Any]:
    """Show how far something long is; the block gets ``tell(share, text)``. Drawn on stderr, so pipes stay clean."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[note]}"),
        TimeElapsedColumn(),
        console=err,
        disable=hidden or not err.is_terminal,
    )
    with bar:
        task = bar.add_task(title, total=1.0, note="")

        def tell(share: float, note: str) -> None:
            bar.update(task, completed=share, note=note)

        yield tell
