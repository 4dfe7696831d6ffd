"""Every row of the rule base is kept by rules of the packs, or the page says why not."""

import re
from pathlib import Path

import pytest

from changedesk import packs

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
RULE_ANYWHERE = re.compile(r"[A-Z]+(?:-[A-Za-z0-9.]+)+")
RULE = re.compile(r"[A-Z]+(-[A-Za-z0-9.]+)+")
BY_ID = {rule.id: rule for names in [(), *((name,) for name in packs.available())] for rule in packs.load(names).rules}


def rows() -> list[tuple[str, str]]:
    """Each row of the page and what keeps it."""
    written = PAGE.read_text("utf-8").split("## Beside the rows")[0]
    lines = [line.strip("|").split("|") for line in written.splitlines() if line.startswith("| ")]
    return [(row.strip(), kept.strip()) for row, _, kept in lines if row.strip() != "Row"]


@pytest.mark.parametrize(("row", "kept"), rows(), ids=[row for row, _ in rows()])
def test_a_row_is_kept_by_rules_that_are_there_or_says_why_not(row: str, kept: str) -> None:
    if kept.startswith(("Not a rule of one change: ", "In code and not as data")):
        assert len(kept) > 60, row
        return
    for name in kept.split(", "):
        assert RULE.fullmatch(name), (row, name)
        assert name in BY_ID, (row, name)
        assert BY_ID[name].citation


def test_the_page_lists_each_row_once_and_every_section() -> None:
    names = [row for row, _ in rows()]
    assert len(names) == len(set(names)) == 106
    sections = re.findall(r"^## (3\.\d)", PAGE.read_text("utf-8"), re.MULTILINE)
    assert sections == ["3.1", "3.2", "3.3", "3.4", "3.5", "3.6"]


def test_every_rule_of_every_pack_stands_on_the_page() -> None:
    page = PAGE.read_text("utf-8")
    told = set(RULE_ANYWHERE.findall(page))
    assert set(BY_ID) <= told
    beside = [line.strip("| ").split(" | ")[0] for line in page.split("## Beside the rows")[1].splitlines()]
    assert "FLOOR-FORCED" in beside


def test_what_only_looks_like_law_does_not_count_as_law() -> None:
    """Rules that are not yet effective, or vacated, are never said to be in force."""
    for name, rule in BY_ID.items():
        if name.startswith(("US-FCC-64.2010h", "US-FCC-52.37-REST")):
            assert (rule.status.value, rule.default_on) == ("not_yet_effective", True), name
    assert BY_ID["US-FTC-425"].status.value == "vacated"
    assert not BY_ID["US-TCPA-a10-ALL"].default_on
