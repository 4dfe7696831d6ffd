"""What bulk requests made of the curators' files, as tables: findings, and the state against what was published."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from tests.stories.org_registry import (
    ASKABLE,
    ROOT,
    SHARED,
    Line,
    Published,
    Registry,
    name_of,
    request_files,
    spelt,
)

LAST: Final = (2, 3)
"""The release whose validation reports were published."""
CONCERNS: Final = ("language_missing", "acronym_signs", "trailing_slash")
NAMES: Final = frozenset({"org.display_name", "org.labels", "org.aliases", "org.acronyms"})
EQUAL: Final = "equal to what was published, and moved there by the requests"
ALREADY: Final = "equal to what was published, as it stood when the registry first published the organisation"
WHY: Final = {
    "customer-unknown": "the organisation was published later than it was asked about",
    "not-held": "refused: the value to be taken out is not there",
    "holds-another": "refused: add on a field that holds one value already",
    "one-value-only": "refused: two values for a field that takes one",
    "field-taken": "refused: an earlier line of the same file sets the field",
}


def explain(old: Published, org: str, path: str, asks: Sequence[Line], ours: object) -> str:
    """Why one field of one organisation is, or is not, what was published."""
    theirs = old.final(org, path)
    if spelt(ours) == spelt(theirs):
        return ALREADY if spelt(ours) == spelt(old.began[org][1].get(path, "")) else EQUAL
    refused = [line for line in asks if line.outcome == "refused"]
    if refused and refused[-1].reasons[0][1].endswith("_preferred"):
        return "refused: its line takes out a preferred number, of which the history tells nothing"
    if refused:
        return WHY.get(refused[-1].reasons[0][0], "refused: a value that the field does not take")
    if _bare(ours) == _bare(theirs):
        return "the same but for a language, a slash, capitals, or http and https"
    return _otherwise(path, {when for when, _ in old.later.get((org, path), [])}, {line.when for line in asks})


def _otherwise(path: str, published: set[tuple[int, ...]], asked: set[tuple[int, ...]]) -> str:
    if not published or max(published) < min(asked):
        return "asked for, and not published: the history holds no such update"
    if max(published) not in asked:
        return "published at another release than the last request, without a request in the files"
    if path in NAMES:
        return "names: the registry keeps one list with types, and a request for one type moved or dropped another's"
    return "published otherwise than it was asked for"


def _bare(value: object) -> frozenset[str]:
    plain = (re.sub(r"\*[a-z]{2,3}$", "", part.casefold()).rstrip("/") for part in spelt(value))
    return frozenset(re.sub(r"^https?://(www\.)?", "", part) for part in plain)


def compared(registry: Registry, old: Published, lines: Sequence[Line]) -> Counter[str]:
    """Every field of the history that a request asked for, by how it compares in the end."""
    asks: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        for path in line.paths & ASKABLE:
            if line.org in old.began:
                asks.setdefault((line.org, path), []).append(line)
    orgs = sorted({org for org, _ in asks if org in registry.ids})
    state = {
        org: values
        for start in range(0, len(orgs), 500)
        for org, values in registry.state(orgs[start : start + 500]).items()
    }
    empty: dict[str, object] = {}
    return Counter(
        explain(old, org, path, found, state.get(org, empty).get(path)) for (org, path), found in asks.items()
    )


def report(name: str) -> list[dict[str, str]]:
    with (SHARED / "validation-reports" / f"rc-v2.3__csvs__update_records_metadata__csv_{name}.csv").open(
        encoding="utf-8-sig", newline=""
    ) as file:
        return list(csv.DictReader(file))


def findings(lines: Sequence[Line]) -> tuple[list[tuple[str, int, int, str]], Counter[str]]:
    """The curators' findings by what ours say of the same lines; and what ours say besides."""
    mine = [line for line in lines if line.when == LAST]
    said = {code: {line.org for line in mine if code in {c for c, _ in line.reasons}} for code in CONCERNS}
    fields, urls, twice = report("validate_fields"), report("duplicate_urls"), report("in_release_duplicates")
    theirs: dict[str, set[str]] = {code: set() for code in CONCERNS}

    def both(rows: Iterable[dict[str, str]], column: str, code: str) -> tuple[int, int]:
        named = [name_of({"id": row[column]}) for row in rows]
        theirs[code] |= set(named)
        return len(named), sum(name in said[code] for name in named)

    tags = both([row for row in fields if "language tagging" in row["error_warning"]], "ror_id", "language_missing")
    signs = both([row for row in fields if "uppercase" in row["error_warning"]], "ror_id", "acronym_signs")
    slash = both(report("leading_trailing"), "record_id", "trailing_slash")
    own = sum(row["ror_id"] == row["data_dump_id"] for row in urls)
    unlike = "missed: lines of two customers are not compared"
    unasked = "missed: all say that GeoNames could not be asked"
    table = [
        (
            "name without its language",
            *tags,
            "`language_missing`; of names that the record holds already we say nothing",
        ),
        ("acronym with other signs than capitals", *signs, "`acronym_signs`"),
        ("address that ends in a slash, or blanks", *slash, "`trailing_slash`; blanks at the ends are no difference"),
        ("address on the host of the same organisation's old one", own, 0, "no defect: it replaces its own"),
        ("address on a host that another organisation has", len(urls) - own, 0, "missed: hosts are not compared"),
        ("two lines of the file alike, by name or host", len(twice), 0, unlike),
        ("place that differs from GeoNames", len(report("address_discrepancies")), 0, unasked),
    ]
    added: Counter[str] = Counter()
    for line in mine:
        codes = {code for code, _ in line.reasons} | ({"no-change"} if line.outcome == "unchanged" else set())
        added.update(code for code in codes if line.org not in theirs.get(code, ()))
    return table, added


def page(registry: Registry, old: Published, lines: Sequence[Line]) -> str:
    """docs/bulk.md."""
    outcomes = Counter(line.outcome for line in lines)
    refused = Counter(code for line in lines if line.outcome == "refused" for code in {c for c, _ in line.reasons})
    table, added = findings(lines)
    against = compared(registry, old, lines)
    asked = sum(against.values())
    named = {(line.org, path) for line in lines for path in line.paths}
    uncovered = sum(path in ASKABLE and (org, path) not in named for org, path in old.later)

    def rows(found: Counter[str]) -> str:
        return "\n".join(f"| {name} | {count} |" for name, count in found.most_common())

    equal = against[EQUAL] + against[ALREADY]
    return (
        (ROOT / "tests" / "stories" / "bulk.md.in")
        .read_text("utf-8")
        .format(
            rows=len(lines),
            files=len(request_files()),
            outcomes=rows(outcomes),
            refused=rows(refused),
            findings="\n".join(f"| {what} | {number} | {ours} | {why} |" for what, number, ours, why in table),
            added=rows(added),
            against=rows(against),
            asked=asked,
            equal=equal,
            uncovered=uncovered,
            share=f"{100 * equal / max(asked, 1):.1f}",
        )
    )
