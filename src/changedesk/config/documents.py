"""Pages made from the code: ``python -m changedesk.config.documents`` writes docs/refusals.md, docs/entries.md and
the end of docs/rules.md.
"""

import importlib
import os
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import django

import changedesk
from changedesk import packs
from changedesk.base.refusal import Refusal
from changedesk.ledger.entry import EntryKind

ROOT = Path(__file__).parents[3]


def refusals() -> list[type[Refusal]]:
    """Return every kind of refusal that there is, by code."""
    for module in pkgutil.walk_packages(changedesk.__path__, "changedesk."):
        if not module.name.startswith("changedesk.config") and ".migrations" not in module.name:
            importlib.import_module(module.name)
    # A class without a code of its own is a family, not a refusal.
    found = {kind for kind in _below(Refusal) if kind.__module__.startswith("changedesk.") and "code" in vars(kind)}
    return sorted(found, key=lambda kind: (kind.code, kind.__module__, kind.__name__))


def _below(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def sentence(kind: type[Refusal]) -> str:
    """Return the sentence that people read."""
    return (kind.__doc__ or "").split("\n\n", 1)[0].replace("\n", " ").strip()


def refusals_page() -> str:
    """Return docs/refusals.md."""
    lines = [
        "# Refusals",
        "",
        'Every "no" that the desk can give: the code that programs match, the sentence that people read, what to do',
        "next. Made by `python -m changedesk.config.documents`.",
        "",
        "| Code | Counts as | Sentence | What to do |",
        "|---|---|---|---|",
    ]
    rows = [f"| `{kind.code}` | {kind.status} | {_cell(sentence(kind))} | {_cell(kind.hint)} |" for kind in refusals()]
    return "\n".join([*lines, *dict.fromkeys(rows), ""])


def entries_page() -> str:
    """Return docs/entries.md."""
    lines = [
        "# Entries",
        "",
        "What the history says. A change moves its customer's or account's version; an observation leaves it alone.",
        "Made by `python -m changedesk.config.documents`.",
        "",
        "| Entry | Sort |",
        "|---|---|",
    ]
    rows = [f"| `{kind.value}` | {'change' if kind.bumps else 'observation'} |" for kind in EntryKind]
    return "\n".join([*lines, *rows, ""])


_BESIDE: Final = "## Beside the rows\n"


def rules_page() -> str:
    """Return docs/rules.md: what is written of the rows, and the rules of the packs that keep none of them."""
    written = (ROOT / "docs" / "rules.md").read_text("utf-8").split(_BESIDE, 1)[0]
    told = set(re.findall(r"[A-Z]+(?:-[A-Za-z0-9.]+)+", written))
    every = {
        rule.id: rule for names in [(), *((name,) for name in packs.available())] for rule in packs.load(names).rules
    }
    rows = [f"| {rule.id} | {rule.pack} | {_cell(rule.citation)} |" for rule in every.values() if rule.id not in told]
    lines = [
        "",
        "What further law, and the house, ask. Made by `python -m changedesk.config.documents`.",
        "",
        "| Rule | Pack | Source |",
        "|---|---|---|",
    ]
    return written + _BESIDE + "\n".join([*lines, *rows, ""])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def pages() -> dict[Path, str]:
    """Return the pages by path."""
    return {
        ROOT / "docs" / "refusals.md": refusals_page(),
        ROOT / "docs" / "entries.md": entries_page(),
        ROOT / "docs" / "rules.md": rules_page(),
    }


def main() -> int:
    """Write the pages."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "changedesk.config.settings")
    django.setup()
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
