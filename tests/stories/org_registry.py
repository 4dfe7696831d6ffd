"""A registry's desk: organisations as they were published, and the requests of its curators, file by file."""

import csv
import gzip
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.cast import START, Desk, desk, soon

from changedesk import flow
from changedesk.base.ids import SubjectId
from changedesk.channels import bulk
from changedesk.reading import forms
from changedesk.store import batches, subjects
from changedesk.store.tx import look

ROOT = Path(__file__).parents[2]
SHARED = Path(__file__).parents[3] / "shared" / "data" / "org-change-requests"
MAP = "org-change-requests"
SOURCE = "org-registry"
FIELDS: Final[Mapping[str, str]] = {
    "names.ror_display": "org.display_name",
    "names.label": "org.labels",
    "names.alias": "org.aliases",
    "names.acronym": "org.acronyms",
    "types": "org.types",
    "status": "org.status",
    "established": "org.established",
    "links.website": "org.website",
    "links.wikipedia": "org.wikipedia",
    "domains": "org.domains",
    "ext.fundref": "org.fundref",
    "ext.isni": "org.isni",
    "ext.wikidata": "org.wikidata",
    "ext.grid": "org.grid",
    "location": "org.place",
    "rel.parent": "org.parents",
    "rel.predecessor": "org.predecessors",
    "rel.successor": "org.successors",
}
"""The history's word for a field to ours."""
ASKABLE: Final = frozenset(FIELDS.values()) - {"org.place", "org.parents", "org.predecessors", "org.successors"}
"""What the request files have columns for, in the words that the history has too."""


def release(name: str) -> tuple[int, ...]:
    """A release as something that sorts: rc-v1.53 before v2.1."""
    return tuple(int(part) for part in name.removeprefix("rc-").removeprefix("v").split("."))


@dataclass
class Published:
    """What the registry published: by organisation how it began, and by organisation and field how that went on."""

    began: dict[str, tuple[tuple[int, ...], dict[str, str]]] = field(default_factory=dict)
    later: dict[tuple[str, str], list[tuple[tuple[int, ...], str]]] = field(default_factory=lambda: defaultdict(list))

    def final(self, org: str, path: str) -> str:
        updates = self.later.get((org, path))
        return updates[-1][1] if updates else self.began[org][1].get(path, "")


def published() -> Published:
    found = Published()
    with gzip.open(SHARED / "field_history.csv.gz", "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            when, org, path = release(row["release"]), row["org_id"], FIELDS[row["field"]]
            if row["op"] == "update":
                found.later[org, path].append((when, row["new_value"]))
            else:
                found.began.setdefault(org, (when, {}))[1][path] = row["new_value"]
    return found


def request_files() -> list[tuple[tuple[int, ...], Path]]:
    return sorted((release(file.name.split("__")[0]), file) for file in (SHARED / "requests").glob("*.csv"))


def rows_of(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as text:
        yield from csv.DictReader(text)


def name_of(row: Mapping[str, str]) -> str:
    found = re.fullmatch(r"https://ror\.org/(0[a-z0-9]{8})", row["id"].strip())
    return found[1] if found else ""


class Registry:
    """A desk that keeps the registry: Sofia enters the files, Ines approves them."""

    def __init__(self) -> None:
        self.d: Desk = desk("registry", packs=("public_directory",))
        self.catalogue = forms.ground(actor=self.d.ines).catalogue
        self.ids: dict[str, SubjectId] = {}
        self.at = START

    def open(self, values: Mapping[str, Mapping[str, str]]) -> None:
        """Let organisations come into being as they were published, or by their name alone."""
        names = [name for name in values if name not in self.ids]
        for start in range(0, len(names), 500):
            some = names[start : start + 500]
            made = flow.create_customers([self._new(name, values[name]) for name in some], actor=self.d.crm, at=self.at)
            assert not made.refused, {some[place]: item.data for place, item in made.refused.items()}
            self.ids.update(zip(some, (one.subject for one in made.done), strict=True))

    def _new(self, name: str, values: Mapping[str, str]) -> flow.NewCustomer:
        given: dict[str, object] = {"account.number": name}
        for path, value in values.items():
            # One organisation has two websites, and the field takes one.
            told = value.split(" ; ")[0] if path == "org.website" else value.replace(" ; ", "\n")
            given[path] = value.split("|") if path == "org.types" else told
        return flow.NewCustomer(values=given, source=flow.SourceRow(SOURCE, name, b"opening"), lenient=True)

    def enter(self, file: Path, report: Path, *, dry_run: bool = False) -> bulk.RequestReport:
        self.at = soon(self.at)
        return bulk.request_batch(
            file, bulk.read_request_map(MAP), MAP, actor=self.d.sofia, catalogue=self.catalogue, now=lambda: self.at,
            dry_run=dry_run, report_to=report,
        )  # fmt: skip

    def approve(self, entered: bulk.RequestReport) -> flow.Approved:
        assert entered.batch is not None
        self.at = soon(self.at)
        return flow.approve_batch(entered.batch, digest=entered.digest, actor=self.d.ines, at=self.at)

    def rows(self, entered: bulk.RequestReport) -> Sequence[batches.Row]:
        assert entered.batch is not None
        with look(self.d.client) as seen:
            return batches.rows(seen, entered.batch)

    def state(self, names: Sequence[str]) -> dict[str, Mapping[str, object]]:
        with look(self.d.client) as seen:
            found = subjects.load(seen, [self.ids[name] for name in names])
        return {name: found[self.ids[name]].values() for name in names}


def spelt(value: object) -> frozenset[str]:
    """A value as the set of what it holds: the order of lines is not what was published."""
    parts = value if isinstance(value, list) else str(value or "").replace(" ; ", "\n").replace("|", "\n").split("\n")
    return frozenset(" ".join(str(part).split()) for part in parts if str(part).strip())


@dataclass(frozen=True)
class Line:
    """One line of a file, and what became of it."""

    when: tuple[int, ...]
    org: str
    paths: frozenset[str]
    outcome: str
    """applied, unchanged, refused, or where the request stands."""
    reasons: tuple[tuple[str, str], ...]


def run(registry: Registry, old: Published, files: Sequence[tuple[tuple[int, ...], Path]], folder: Path) -> list[Line]:
    """Enter and approve files in the order of releases; organisations come in when they were published."""
    columns = bulk.read_request_map(MAP).fields
    found: list[Line] = []
    for when, file in files:
        named = {name for row in rows_of(file) if (name := name_of(row))}
        registry.open({org: values for org, (began, values) in old.began.items() if began <= when and org in named})
        registry.open({name: {} for name in sorted(named - old.began.keys())})
        entered = registry.enter(file, folder / f"{file.name}.report.csv")
        registry.approve(entered)
        asked = dict(enumerate(rows_of(file), start=2))
        for row in registry.rows(entered):
            line = asked[row.number]
            paths = frozenset(columns[name] for name, cell in line.items() if name in columns and (cell or "").strip())
            outcome = row.state or row.outcome
            found.append(Line(when, name_of(line), paths, outcome, tuple(row.reasons)))
    return found
