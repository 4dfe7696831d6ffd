import hashlib
import shutil
from datetime import datetime
from importlib.resources import files
from pathlib import Path

import pytest

from changedesk import packs
from changedesk.packs import PackInvalid, load
from changedesk.rules.fields import Field, FieldType


def test_every_pack_and_every_pair_is_sound() -> None:
    assert packs.check_all() == []
    assert {"banking", "telecom", "utilities"} <= set(packs.available())


def test_no_field_of_the_base_is_ever_taken_away_or_renamed() -> None:
    """Histories refer to paths. The list holds those of each release; new ones are added to it."""
    known = (Path(__file__).parent / "base_paths.txt").read_text().split()
    assert set(known) <= set(load([]).catalogue.fields)
    assert len(known) == len(set(known))


def test_slots_are_fields_of_their_own_with_their_number() -> None:
    base = load([]).catalogue
    paths = [field.path for field in base.of_kind("access_grant")]
    assert paths[:6] == [f"access.1.{name}" for name in ("person", "role", "scope", "until", "mandate")] + [
        "access.2.person"
    ]
    assert len(paths) == 25
    assert base["access.5.person"].label == {
        "en": "Authorised person 5",
        "de": "Berechtigte Person 5",
        "ar": "الشخص المفوَّض 5",
    }
    assert {field.category for field in base.of_kind("device")} == {"auth.device", "auth.sim"}


def test_packs_choose_the_options_of_a_base_field_together(shop: Path) -> None:
    (shop / "other").mkdir()
    (shop / "other" / "pack.toml").write_text('name = "other"\nlabel = { en = "Other" }\n')
    (shop / "other" / "fields.toml").write_text(CHOICE.replace("tiny", "huge"))
    (shop / "shop" / "fields.toml").write_text(CHOICE)
    where = [shop / "base", shop / "other", shop / "shop"]
    assert next(iter(packs.assemble(where[:1], floor=shop).catalogue["plan.cycle"].options)) == "monthly"
    assert sorted(packs.assemble(where, floor=shop).catalogue["plan.cycle"].options) == ["huge", "tiny"]


def test_packs_add_to_the_base_whatever_their_order() -> None:
    both = load(["telecom", "banking"])
    assert both is load(["banking", "telecom", "base"])
    assert both.names == ("banking", "telecom")
    assert both.industries == {"banking", "securities", "telecom"}
    assert both.catalogue["service.contract"].type is FieldType.ENUM
    assert both.catalogue["account.opened_on"].subject == "account"
    assert "opts_out" in both.attributes
    assert both.rule("US-FCC-64.2010f").citation == "47 CFR 64.2010(f)"
    assert "service.contract" not in load(["banking"]).catalogue


def test_a_statement_is_fixed_by_its_hash() -> None:
    found = load([]).statement("marketing")
    assert found.version == 1
    assert found.sha256["de"] == hashlib.sha256(found.wording["de"].encode()).hexdigest()
    with pytest.raises(ValueError, match="empty"):
        load([]).statement("nothing")


def test_every_rule_says_by_what_authority_and_how_sure() -> None:
    for rule in load(["telecom", "banking"]).rules:
        assert rule.citation, rule.id
        assert rule.confidence[0] in "RSM", rule.id
        assert rule.checked_on, rule.id
        assert rule.obligations, rule.id


def test_a_client_adds_its_own_fields_behind_the_packs_and_never_over_them() -> None:
    own = Field("custom.shoe_size", FieldType.TEXT, "personal_details", "custom.shoe_size", {"en": "Shoe size"})
    assert "custom.shoe_size" in packs.extend(load([]), {own.path: own})
    taken = Field("contact.email", FieldType.TEXT, "contact_details", "contact.email", {"en": "x"})
    with pytest.raises(PackInvalid, match="have this field already"):
        packs.extend(load([]), {taken.path: taken})


def test_an_unknown_pack_is_named_with_those_there_are() -> None:
    with pytest.raises(PackInvalid, match=r"astrology: there is no such pack; there are .*banking.*telecom"):
        load(["astrology"])


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A copy of the base and the floor, and an empty pack beside them, to spoil."""
    shutil.copytree(str(files("changedesk.packs")), tmp_path / "packs")
    (tmp_path / "packs" / "shop").mkdir()
    (tmp_path / "packs" / "shop" / "pack.toml").write_text('name = "shop"\nlabel = { en = "Shop" }\n')
    return tmp_path / "packs"


def spoilt(shop: Path, file: str, text: str) -> str:
    target = shop / "shop" / file
    target.write_text((target.read_text() if file == "pack.toml" else "") + text)
    with pytest.raises(PackInvalid) as wrong:
        packs.assemble([shop / "base", shop / "shop"], floor=shop)
    return str(wrong.value)


def test_an_untouched_copy_is_sound(shop: Path) -> None:
    assert packs.assemble([shop / "base", shop / "shop"], floor=shop).names == ("shop",)


RULE = '[[rule]]\nid = "R"\nversion = 1\ncitation = "c"\n'
FIELD = '[[field]]\npath = "shop.size"\ntype = "text"\nkind = "k"\ncategory = "shop.size"\n'
CHOICE = '[[choice]]\npath = "plan.cycle"\n[choice.options]\ntiny = { en = "T", de = "T", ar = "T" }\n'
LABEL = 'label = { en = "a", de = "b", ar = "c" }\n'


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("rules.toml", "[[rule", "shop/rules.toml: "),
        ("rules.toml", "[[rules]]\nid = 1", "shop/rules.toml.rules: there is no such key"),
        ("rules.toml", "rule = [1]", "shop/rules.toml: 1.id: is missing"),
        ("rules.toml", '[[rule]]\nid = "R"', "R.version: is missing"),
        ("rules.toml", RULE + "colour = 1", "R.colour: there is no such key"),
        ("rules.toml", RULE + 'pack = "x"', "R.pack: there is no such key"),
        ("rules.toml", RULE + 'status = "maybe"', "R.status: 'maybe' is not a valid Status"),
        ("rules.toml", RULE + "effective_from = 2026-01-01T00:00:00Z", "R.effective_from: "),
        ("rules.toml", RULE + "default_on = 1", "R.default_on: 1 is not bool"),
        ("rules.toml", RULE + "scope = 3", "R.scope: a table is wanted here"),
        ("rules.toml", RULE + 'scope = { where = "x" }', "R.scope.where: there is no such key"),
        ("rules.toml", RULE + 'scope = { kinds = "x" }', "R.scope.kinds: 'x' is not"),
        ("rules.toml", RULE + "scope = { changed_within = { a = true } }", "R.scope.changed_within.a: True is not int"),
        ("rules.toml", RULE + "oblige = [1]", "R.oblige[0]: one obligation by its name"),
        ("rules.toml", RULE + "oblige = [{ dance = {} }]", "R.oblige[0].dance: not an obligation"),
        ("rules.toml", RULE + "oblige = [{ verify = { level = 9 } }]", "R.oblige[0].verify: level is 9"),
        ("rules.toml", RULE + "oblige = [{ hold = 1 }]", "R.oblige[0].hold: a table is wanted"),
        ("rules.toml", RULE + "oblige = [{ hold = { blocks = [] } }]", "R.oblige[0].hold: its length is wanted once"),
        (
            "rules.toml",
            RULE + 'oblige = [{ hold = { blocks = [], hours = "a" } }]',
            "R.oblige[0].hold.hours: 'a' is not int",
        ),
        (
            "rules.toml",
            RULE + 'oblige = [{ consent = { statement = "tea" } }]',
            "rule R.consent: 'tea' is not one of",
        ),
        ("rules.toml", RULE + 'oblige = [{ retain = { retention_class = "x" } }]', "rule R.retain: 'x'"),
        (
            "rules.toml",
            RULE + 'oblige = [{ respond = { duty = "d", amount = 1, unit = "days", calendar = "moon" } }]',
            "rule R.respond.calendar: 'moon'",
        ),
        ("rules.toml", RULE + 'oblige = [{ verify = { forbid = ["song"] } }]', "rule R.verify.forbid: 'song'"),
        ("rules.toml", RULE + 'scope = { operations = ["mend"] }', "rule R.scope.operations: 'mend'"),
        ("rules.toml", RULE + 'scope = { channels = ["pigeon"] }', "rule R.scope.channels: 'pigeon'"),
        ("rules.toml", RULE + 'scope = { actors = ["ghost"] }', "rule R.scope.actors: 'ghost'"),
        ("rules.toml", RULE + 'scope = { attributes = { tall = "true" } }', "rule R.scope.attributes: 'tall'"),
        ("rules.toml", RULE + 'scope = { except_reasons = ["whim"] }', "rule R.scope.except_reasons: 'whim'"),
        ("rules.toml", RULE + 'scope = { categories = ["Con*"] }', "rule R.scope.categories: 'Con*'"),
        ("rules.toml", RULE + 'scope = { jurisdictions = ["Mars"] }', "rule R.scope.jurisdictions: 'Mars'"),
        ("rules.toml", RULE + RULE, "R: stands twice"),
        ("fields.toml", FIELD, "shop.size.label: is missing"),
        ("fields.toml", FIELD + 'label = { en = "a", de = "b" }', "field shop.size: has no text in ar"),
        ("fields.toml", (FIELD + LABEL).replace('"shop.size"', '"Shop"', 1), "field Shop: a path is"),
        ("fields.toml", FIELD + LABEL + 'subject = "dog"', "field shop.size.subject: 'dog'"),
        ("fields.toml", (FIELD + LABEL).replace('category = "shop.size"', 'category = "shop.*"'), "is not a category"),
        ("fields.toml", (FIELD + LABEL).replace('"text"', '"enum"'), "an enum needs options"),
        ("fields.toml", FIELD + LABEL + 'options = { a = { en = "A" } }', "shop.size.options.a: has no text in de"),
        ("fields.toml", CHOICE.replace("cycle", "colour"), "plan.colour: there is no field with options"),
        ("fields.toml", CHOICE.replace("plan.cycle", "contact.email"), "contact.email: there is no field with options"),
        ("fields.toml", CHOICE.replace("ar = ", "fr = "), "plan.cycle.options.tiny: has no text in ar"),
        ("fields.toml", FIELD + LABEL + 'slots = "x"', "shop.size.slots: 'x' is not int"),
        ("rules.toml", RULE + "scope = { attributes = [1] }", "R.scope.attributes: [1] is not"),
        ("fields.toml", FIELD + LABEL + "length_max = 1.5", "shop.size.length_max: 1.5 is not int"),
        ("pack.toml", "colour = 1\n", "shop/pack.toml.colour: there is no such key"),
        ("pack.toml", '[[reason]]\ncode = "x"\nlabel = { en = "X" }', "reason x: has no text in de"),
        ("pack.toml", '[[statement]]\nid = "s"\nversion = 1\nwording = { de = "S" }', "statement s: has no text in en"),
        (
            "retention.toml",
            '[[class]]\nname = "c"\nyears_min = 3\nyears_max = 2',
            "at least 3 years and",
        ),
    ],
)
def test_what_is_wrong_is_named_by_file_and_key(shop: Path, file: str, text: str, says: str) -> None:
    assert says in spoilt(shop, file, text)


def test_a_list_may_go_on_in_further_files_in_the_order_of_their_names(shop: Path) -> None:
    for name, path in (("fields_more.toml", "shop.width"), ("fields.toml", "shop.size"), ("rules_b.toml", "")):
        text = FIELD.replace("shop.size", path) + LABEL if path else RULE
        (shop / "shop" / name).write_text(text)
    found = packs.assemble([shop / "base", shop / "shop"], floor=shop)
    assert [path for path in found.catalogue.fields if path.startswith("shop.")] == ["shop.size", "shop.width"]
    assert "R" in {rule.id for rule in found.rules if rule.pack == "shop"}
    assert "R: stands twice" in spoilt(shop, "rules_c.toml", RULE)


def test_a_message_never_tells_where_the_software_stands(shop: Path) -> None:
    assert str(shop) not in spoilt(shop, "rules.toml", "[[rule")


def test_a_pack_chooses_which_standing_counts(shop: Path) -> None:
    rules = RULE + 'status = "guidance"\noblige = [{ human_review = {} }]\n'
    (shop / "shop" / "rules.toml").write_text(rules)
    where = [shop / "base", shop / "shop"]
    assert "R" in {rule.id for rule in packs.assemble(where, floor=shop).rules}
    header = 'name = "shop"\nlabel = { en = "Shop" }\nstatuses = ["in_force"]\n'
    (shop / "shop" / "pack.toml").write_text(header)
    assert "R" not in {rule.id for rule in packs.assemble(where, floor=shop).rules}


def test_a_spoilt_pack_is_reported_by_the_check(monkeypatch: pytest.MonkeyPatch, shop: Path) -> None:
    (shop / "shop" / "rules.toml").write_text(RULE + "colour = 1")
    monkeypatch.setattr(packs, "_root", lambda: shop)
    packs._load.cache_clear()
    try:
        found = packs.check_all()
    finally:
        monkeypatch.undo()
        packs._load.cache_clear()
    assert found
    assert all("shop/rules.toml: R.colour" in sentence for sentence in found)


def test_dates_of_rules_are_dates() -> None:
    assert not isinstance(load(["telecom"]).rule("IN-TRAI-9A").effective_from, datetime)
