"""The report: what was measured on which machine, each as a ratio, and by how much a bar is missed."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.stage import SCALE

HERE = Path(__file__).parent
OUT = HERE / "out"
RESULTS = HERE / "RESULTS.md"
NOTES = HERE / "notes.md"


def keep(name: str, found: dict[str, Any]) -> None:
    """Write one measurement's raw numbers to bench/out."""
    OUT.mkdir(exist_ok=True)
    told = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "scale": SCALE,
        "machine": machine(),
        **found,
    }
    (OUT / f"{name}.json").write_text(json.dumps(told, indent=1, default=str), encoding="utf-8")


def machine() -> str:
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    load = os.getloadavg()[1]
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), {pages * page / 2**30:.0f} GB, Python "
        f"{platform.python_version()}, load {load:.1f} over the last five minutes"
    )


def write() -> None:
    """Make RESULTS.md of everything that stands in bench/out."""
    lines = [
        "# Measurements",
        "",
        "Made by `make bench` (`python -m bench [w1 w2 ... w10 size start]`). Every ratio is the median of",
        "interleaved rounds against the baseline that ran beside it: the desk's whole path (credentials,",
        "authorisation, policy, evidence, encryption, commitments, staging for the log, durable commit) against",
        "PostgreSQL alone writing or reading rows of the same shape and size. Raw numbers: `bench/out`, not kept.",
        "",
        "| Measured | Desk | Baseline | Ratio | Bar | |",
        "|---|---|---|---|---|---|",
    ]
    details: list[str] = []
    for file in sorted(OUT.glob("*.json")):
        found = json.loads(file.read_text(encoding="utf-8"))
        lines += [_row(row) for row in found["table"]]
        details.append(f"- `{file.stem}`: {found['measured_at']}, scale {found['scale']}, {found['machine']}")
        details += [f"  - {row['what']}: {_more(row['more'])}" for row in found["table"] if row.get("more")]
    lines += ["", "## Machine and medians", "", *details, ""]
    if NOTES.exists():
        lines.append(NOTES.read_text(encoding="utf-8"))
    RESULTS.write_text("\n".join(lines), encoding="utf-8")


def _row(row: dict[str, Any]) -> str:
    ratio, bar, lower = row["ratio"], row["bar"], row.get("lower", False)
    if ratio is None:
        verdict, shown = "not run", "-"
    else:
        met = ratio <= bar if lower else ratio >= bar
        short = (ratio / bar - 1 if lower else 1 - ratio / bar) * 100
        verdict, shown = ("met" if met else f"{short:.0f} % short"), f"{ratio:.2f}" if ratio < 100 else f"{ratio:.0f}"
    sign = "≤" if lower else "≥"
    return f"| {row['what']} | {row['desk']} | {row['baseline']} | {shown} | {sign} {bar} | {verdict} |"


def _more(more: dict[str, Any]) -> str:
    parts = []
    for name, value in more.items():
        if isinstance(value, dict):
            parts.append(f"{name}: " + ", ".join(f"{key} {number:.0f}" for key, number in value.items()))
        else:
            parts.append(f"{name} {value:.2f}" if value < 100 else f"{name} {value:.0f}")
    return "; ".join(parts)
