"""What a rule asks about, something says: a rule that waits for a word that nobody sets keeps no promise."""

import inspect
import re
from dataclasses import replace
from pathlib import Path

import pytest

from changedesk import packs
from changedesk.packs.parse import PackInvalid
from changedesk.packs.verify import check
from changedesk.rules.fields import Field, FieldType

SETS = [(), *((name,) for name in packs.available())]
WORKED_OUT = {
    "initiated_by",
    "subject_type",
    "status",
    "opts_out",
    "forced",
    "minor",
    "under_13",
    "one_factor",
    "no_factor",
}
"""Words that the flow sets itself."""


@pytest.mark.parametrize("names", SETS, ids=lambda names: "+".join(names) or "base")
def test_every_attribute_that_a_rule_reads_is_told_by_a_field_or_worked_out(names: tuple[str, ...]) -> None:
    pack = packs.load(names)
    told = {field.tells for field in pack.catalogue}
    categories = {field.category for field in pack.catalogue}
    for rule in pack.rules:
        for name in rule.scope.attributes:
            if name.startswith("ends."):
                assert name.removeprefix("ends.") in categories, rule.id
            elif name not in WORKED_OUT and rule.pack in (*names, "floor"):
                assert name in told, (rule.id, name)
        for category in rule.scope.changed_within:
            assert category.removeprefix("held.") in categories, (rule.id, category)


def test_the_law_of_the_base_has_its_sources_in_the_base() -> None:
    base = packs.load(())
    told = {field.tells for field in base.catalogue}
    asked = {name for rule in base.rules for name in rule.scope.attributes}
    assert asked <= WORKED_OUT | told


def test_every_word_that_a_field_tells_is_read_by_a_rule() -> None:
    for names in SETS:
        pack = packs.load(names)
        read = {name for every in SETS for rule in packs.load(every).rules for name in rule.scope.attributes}
        assert {field.tells for field in pack.catalogue} - {""} <= read


def made(**more: object) -> Field:
    plain = Field("custom.it", FieldType.DATE, "plan", "custom.it", dict.fromkeys(("en", "de", "ar"), "It"))
    return replace(plain, **more)  # type: ignore[arg-type]  # the test says which


@pytest.mark.parametrize(
    "wrong",
    [
        made(tells="nothing_that_is_declared"),
        made(tells_hours=72),
        made(tells="business", tells_hours=72, type=FieldType.BOOLEAN),
    ],
    ids=["unknown", "of nothing", "of no day"],
)
def test_a_field_that_tells_what_no_rule_may_read_is_refused(wrong: Field) -> None:
    base = packs.load(())
    check(replace(base, catalogue=packs.extend(base, {"custom.it": made(tells="business", tells_hours=72)})))
    with pytest.raises(PackInvalid):
        check(replace(base, catalogue=packs.extend(base, {"custom.it": wrong})))


def test_no_rule_waits_for_a_score() -> None:
    """Nothing is decided by a model: a rule that would only hold above some risk could never hold."""
    for file in Path(inspect.getfile(packs)).parent.rglob("rules*.toml"):
        assert "risk" not in re.findall(r"^(\w+) =", file.read_text("utf-8"), re.MULTILINE), file.name
