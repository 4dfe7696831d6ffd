"""Files of requests at the command line: previewed, entered once, approved by a second person, with a report."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.cast import START
from tests.postgres import Database
from typer.testing import CliRunner

from changedesk import flow
from changedesk.base.actor import Role
from changedesk.base.clock import now
from changedesk.base.ids import ClientId
from changedesk.channels.bulk import RequestMap, read_request_map, request_batch, shipped_request_maps
from changedesk.channels.bulk.customers import FieldNotInCatalogue
from changedesk.channels.bulk.mapping import MapUnknown, MapWrong
from changedesk.channels.bulk.request_map import OperationMissing, parse_request_map
from changedesk.channels.bulk.rows import HeaderWrong
from changedesk.channels.terminal import app, installed
from changedesk.channels.terminal.batches import ENDED_EARLY
from changedesk.flow import admit, configure
from changedesk.kinds import Edit
from changedesk.rules import access
from changedesk.store import settings_read

MAP = """
source = "registry"
key = "id"
key_pattern = "org:(.+)"
reason = "correction_of_error"
initiated_by = "business"
reference = "asked in"
acknowledged = ["language_missing"]
ignore = ["remark"]
[fields]
aliases = "org.aliases"
types = "org.types"
founded = "org.established"
"""
HEAD = "id,asked in,aliases,types,founded,remark\n"
ROWS = (
    "org:a,D/1,add==Neu*de; New*en,add==Funder,,x\n"
    "org:b,D/2,delete==Old*en;add==Älter,,replace==1901,\n"
    "org:b,D/3,add==Again*en,,,\n"
    "org:c,D/4,add==X*en,,,\n"
    "nobody,D/5,add==X*en,,,\n"
    "org:a,D/6,bare,,,\n"
    "org:a,D/7,,,,only a remark\n"
    "org:a,D/8,,add==planet,,\n"
    "org:b,D/9,,,replace==1900,,too many\n"
    "org:a,,,add==facility,,\n"
)
SAID = [
    ("2", "to_approve", ""),
    ("3", "to_approve", ""),
    ("3", "warning", "language_missing"),
    ("4", "refused", "field-taken"),
    ("5", "refused", "customer-unknown"),
    ("6", "refused", "name-unreadable"),
    ("7", "refused", "operation-missing"),
    ("8", "refused", "nothing-asked"),
    ("9", "refused", "choice_unknown"),
    ("10", "refused", "row-misshapen"),
    ("11", "unchanged", ""),
]


class Office:
    """A client with two people who have keys, and organisations a and b."""

    def __init__(self, folder: Path) -> None:
        settings_read.forget()
        new = configure.NewClient("registry", "Registry", "registry.example/log", packs=("public_directory",))
        client = configure.create_client(new, actor=access.terminal(ClientId(0)), at=now())
        self.terminal, self.folder = access.terminal(client), folder
        self.keys = {name: self._key(name, role) for name, role in (("sofia", Role.AGENT), ("ines", Role.SUPERVISOR))}
        opening: Mapping[str, object] = {"org.aliases": "Old*en", "org.types": ["facility"], "org.established": "1900"}
        made = flow.create_customers(
            [
                flow.NewCustomer(
                    values={"account.number": name, **opening}, source=flow.SourceRow("registry", name, b"")
                )
                for name in ("aa", "bb")
            ],
            actor=self.terminal,
            at=START,
        )
        assert not made.refused
        (folder / "map.toml").write_text(MAP.replace("org:(.+)", "org:(..)"), encoding="utf-8")

    def _key(self, name: str, role: Role) -> str:
        number = configure.invite(
            f"{name}@desk.example", name.title(), frozenset({role}), team=name, actor=self.terminal, at=now()
        )
        return admit.staff_key(number, actor=self.terminal, at=now()).secret

    def file(self, rows: str = ROWS, head: str = HEAD) -> Path:
        path = self.folder / "asked.csv"
        named = rows.replace("org:a", "org:aa").replace("org:b", "org:bb").replace("org:c", "org:cc")
        path.write_text(head + named, encoding="utf-8")
        return path

    def run(self, who: str, *words: str, code: int = 0) -> Any:
        key = self.folder / f"{who}.key"
        key.write_text(self.keys.get(who, "nobody"), encoding="utf-8")
        needs = ["--key-file", str(key)] if words[1] in ("batch", "approve") else []
        answer = CliRunner().invoke(app, [*words, "--client", "registry", "--json", *needs])
        assert answer.exit_code == code, answer.output
        return json.loads(answer.stdout)

    def enter(self, file: Path, *more: str, code: int = 0) -> Any:
        return self.run(
            "sofia", "request", "batch", str(file), "--map", str(self.folder / "map.toml"), *more, code=code
        )

    def said(self) -> list[tuple[str, str, str]]:
        with (self.folder / "asked.csv.report.csv").open(encoding="utf-8") as report:
            return [(one["row"], one["outcome"], one["code"]) for one in csv.DictReader(report) if one["row"]]


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_a_file_is_previewed_entered_and_approved_by_a_second_person(office: Office) -> None:
    dry = office.enter(office.file(), "--dry-run")
    assert dry["batch"] is None
    assert (dry["totals"]["checked"], dry["totals"]["refused"], dry["totals"]["unchanged"]) == (2, 7, 1)
    assert dry["routes"] == [{"level": 0, "consent": "", "approvals": 1, "count": 2}]
    assert [(row, "to_approve" if word == "checked" else word, code) for row, word, code in office.said()] == SAID
    done = office.enter(office.file())
    assert office.said() == SAID
    wrong = office.run("sofia", "batch", "approve", done["batch"], "--digest", done["digest"], code=1)
    assert wrong["code"] == "forbidden"
    panel = office.run("", "batch", "show", done["batch"])
    assert (panel["digest"], panel["counts"]["awaiting_approval"]) == (done["digest"], 2)
    left = office.folder / "left.csv"
    approve = ("batch", "approve", done["batch"], "--digest", done["digest"], "--report", str(left))
    assert office.run("ines", *approve) == {"states": {"applied": 2}, "edited": [], "refused": {}}
    again = office.enter(office.file())
    assert (again["batch"], again["totals"]["applied"]) == (done["batch"], 2)
    assert len(office.run("", "batch", "list")) == 1
    assert left.exists()


def test_the_command_says_it_to_people_too(office: Office) -> None:
    key = office.folder / "sofia.key"
    key.write_text(office.keys["sofia"], encoding="utf-8")
    words = ["--map", str(office.folder / "map.toml"), "--client", "registry", "--key-file", str(key)]
    told = CliRunner().invoke(app, ["request", "batch", str(office.file()), *words]).stdout
    assert "to_approve" in told
    assert "customer-unknown" in told
    batch = office.run("", "batch", "list")[0]["id"]
    shown = CliRunner().invoke(app, ["batch", "show", batch, "--client", "registry"]).stdout
    assert "awaiting_approval" in shown
    assert "Sofia" in CliRunner().invoke(app, ["batch", "list", "--client", "registry"]).stdout
    assert "org-change-requests" in CliRunner().invoke(app, ["batch", "maps"]).stdout
    assert json.loads(CliRunner().invoke(app, ["batch", "maps", "--json"]).stdout)
    assert office.run("", "batch", "show", "no-id", code=1)["code"] == "not-found"


def test_a_file_that_ends_badly_leaves_its_batch_open(office: Office) -> None:
    file = office.file(ROWS.splitlines()[0] + "\n")
    file.write_bytes(file.read_bytes() + b"\0\n")
    done = office.enter(file, code=ENDED_EARLY)
    assert done["digest"] == ""
    assert office.run("ines", "batch", "approve", done["batch"], "--digest", "00" * 32, code=1)["code"] == "batch-open"


def test_nobody_enters_with_a_key_of_another_client(office: Office) -> None:
    new = configure.NewClient("other", "Other", "other.example/log", packs=("public_directory",))
    configure.create_client(new, actor=access.terminal(ClientId(0)), at=now())
    key = office.folder / "k"
    key.write_text(office.keys["sofia"], encoding="utf-8")
    words = ["request", "batch", str(office.file()), "--map", str(office.folder / "map.toml"), "--client", "other"]
    answer = CliRunner().invoke(app, [*words, "--json", "--key-file", str(key)])
    assert json.loads(answer.stdout)["code"] == "key-of-other-client"
    answer = CliRunner().invoke(app, [*words, "--json"], env={"CHANGEDESK_KEY": "none"})
    assert json.loads(answer.stdout)["code"] == "credential-refused"


def test_a_map_that_does_not_fit_is_refused_before_anything_is_entered(office: Office) -> None:
    here = installed.client("registry")
    actor = admit.key(f"Bearer {office.keys['sofia']}", at=now())

    def entered(text: str) -> None:
        request_batch(office.file(), parse_request_map(text, "m"), "m", actor=actor, catalogue=here.catalogue)

    with pytest.raises(FieldNotInCatalogue):
        entered(MAP.replace("org.types", "org.nothing"))
    with pytest.raises(HeaderWrong):
        entered(MAP.replace('key = "id"', 'key = "name"'))


@pytest.mark.parametrize(
    "text",
    [
        MAP.replace('correction_of_error"', ""),
        MAP.replace("business", "nobody"),
        'bare = "delete"' + MAP,
        MAP.replace("org:(.+)", "org:.+"),
        MAP.replace("org:(.+)", "org:("),
        MAP.replace("reason", "season"),
    ],
)
def test_a_map_says_where_it_is_wrong(text: str) -> None:
    with pytest.raises(MapWrong) as refused:
        parse_request_map(text, "m")
    assert str(refused.value.data["problem"]).startswith("m")


def test_maps_are_found_by_name_or_path(tmp_path: Path) -> None:
    for name in shipped_request_maps():
        assert read_request_map(name).about
    (tmp_path / "latin.toml").write_bytes("# ä".encode("cp1252"))
    with pytest.raises(MapWrong):
        read_request_map(str(tmp_path / "latin.toml"))
    for name in ("nothing", str(tmp_path / "none.toml"), str(tmp_path)):
        with pytest.raises(MapUnknown):
            read_request_map(name)


TEXT = (
    some.text("abcdefghé*/.:= ", min_size=1, max_size=12).map(str.strip).filter(lambda text: text and "==" not in text)
)
EDITS = some.lists(
    some.builds(
        Edit, some.sampled_from(("add", "delete", "replace")), some.lists(TEXT, min_size=1, max_size=4).map(tuple)
    ),
    min_size=1,
    max_size=3,
)


@given(EDITS)
def test_a_cell_says_what_it_was_written_for(edits: list[Edit]) -> None:
    cell = ";".join(f"{edit.operation}=={'; '.join(edit.values)}" for edit in edits)
    assert parse_request_map(MAP, "m").edits(cell, "x") == tuple(edits)


@given(some.text(max_size=60))
def test_any_cell_is_read_or_refused(cell: str) -> None:
    chosen = parse_request_map(MAP, "m")
    try:
        found = chosen.edits(cell.strip(), "x")
    except OperationMissing:
        return
    assert all(isinstance(edit, Edit) for edit in found)


def test_what_bare_values_mean_stands_in_the_map() -> None:
    chosen = parse_request_map('bare = "replace"\n' + MAP, "m")
    assert isinstance(chosen, RequestMap)
    assert chosen.edits("a; b", "x") == (Edit("replace", ("a", "b")),)
    assert chosen.edits("delete", "x") == (Edit("delete"),)
    with pytest.raises(OperationMissing):
        chosen.edits("a;add==b", "x")
