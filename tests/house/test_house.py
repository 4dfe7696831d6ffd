"""The house keeps its own rules: plain checks over the source and the schema that anyone can read."""

import ast
import re
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from tests.postgres import Database

from changedesk import kinds
from changedesk.config import documents
from changedesk.ledger.entry import EntryKind
from changedesk.rules.lifecycle import CUSTOMER_WORDS, ENDINGS, STEPS, RequestState
from changedesk.store.queries import ARRAYS, SQL

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "changedesk"
SOURCES = {path: path.read_text("utf-8") for path in SOURCE.rglob("*.py") if "migrations" not in path.parts}
DDL = {path.name: path.read_text("utf-8") for path in (SOURCE / "store" / "ddl").glob("*.sql")}
NAMED = re.compile(r'"((?:' + "|".join({name.split(".")[0] for name in SQL}) + r')\.[a-z_]+)"')


def test_every_query_has_exactly_one_caller() -> None:
    callers = Counter(
        name
        for path, text in SOURCES.items()
        if path.parent == SOURCE / "store"
        for name in NAMED.findall(text)
        if name in SQL
    )
    assert {name: callers[name] for name in SQL if callers[name] != 1} == {}


def test_no_query_is_called_that_is_not_there() -> None:
    called = {name for path, text in SOURCES.items() if path.parent == SOURCE / "store" for name in NAMED.findall(text)}
    assert {name for name in called if name not in SQL} == set()


def test_every_query_fits_the_schema(database: Database) -> None:
    """Parameters are NULL: the server infers their types from where they stand, as it does in use."""
    with psycopg.connect(database.url) as connection:
        connection.execute("SELECT set_config('changedesk.client', '1', true)")
        for name, text in SQL.items():
            given = dict.fromkeys(re.findall(r"%\((\w+)\)s", text.decode()))
            assert set(ARRAYS[name]) <= set(given), name
            connection.execute(b"EXPLAIN " + text, given)


def test_every_index_names_its_reader() -> None:
    lines = DDL["facts.sql"].splitlines()
    for number, line in enumerate(lines):
        if line.startswith(("CREATE INDEX", "CREATE UNIQUE INDEX")):
            assert lines[number - 1].startswith("-- Read by "), line
            readers = re.findall(r"\b([a-z]+\.[a-z_]+)\b", lines[number - 1])
            assert readers, lines[number - 1]
            assert [reader for reader in readers if reader not in SQL] == [], lines[number - 1]


def test_every_fact_is_kept_inside_its_client(database: Database) -> None:
    with psycopg.connect(database.admin_url) as connection:
        rows = connection.execute("""
            SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,
                   (SELECT array_agg(p.polname::text || p.polpermissive || coalesce(
                        pg_get_expr(p.polqual, p.polrelid) = pg_get_expr(p.polwithcheck, p.polrelid), false)
                        ORDER BY p.polname) FROM pg_policy p WHERE p.polrelid = c.oid),
                   (SELECT a.attname FROM pg_attribute a JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
                    WHERE a.attrelid = c.oid AND a.attnum = i.indkey[0])
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'desk' AND c.relkind IN ('r', 'p') ORDER BY 1""").fetchall()
    assert len(rows) > 20
    for name, enabled, forced, policies, first_key in rows:
        assert (enabled, forced) == (True, True), name
        assert policies == ["own_clientfalsetrue", "some_clienttruetrue"], name
        assert first_key == "client_id", name


def test_nothing_in_the_database_runs_with_its_makers_rights(database: Database) -> None:
    with psycopg.connect(database.admin_url) as connection:
        definers = connection.execute(
            "SELECT proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
            " WHERE n.nspname IN ('desk', 'public') AND prosecdef"
        ).fetchall()
        views = connection.execute("SELECT viewname FROM pg_views WHERE schemaname IN ('desk', 'public')").fetchall()
        kept = connection.execute("SELECT matviewname FROM pg_matviews").fetchall()
    assert (definers, views, kept) == ([], [], [])


def test_the_database_knows_the_life_of_a_request(database: Database) -> None:
    moves = {(source, step.target) for step in STEPS.values() for source in step.sources}
    with psycopg.connect(database.admin_url) as connection:
        for was in RequestState:
            for becomes in RequestState:
                (may,) = connection.execute("SELECT desk.may_move(%s, %s)", (was.value, becomes.value)).fetchone() or ()
                assert may is ((was, becomes) in moves), (was, becomes)
    ended = re.search(r"OLD.state IN \(([^)]*)\)", DDL["guards.sql"])
    assert ended is not None
    assert set(re.findall(r"'(\w+)'", ended[1])) == {state.value for state in ENDINGS}


def test_every_state_has_its_word_for_the_customer() -> None:
    assert set(CUSTOMER_WORDS) == set(RequestState)
    reached = {step.target for step in STEPS.values()} | {RequestState.SUBMITTED}
    assert reached == set(RequestState)


@pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: str(kind.name))
def test_every_kind_has_its_parts(kind: kinds.Kind) -> None:
    assert (SOURCE / "kinds" / kind.name / "__init__.py").exists()
    assert kind.icon
    assert kind.form_order
    assert kind.erases == "with-key"
    for texts in (kind.label, kind.notice_subject, *kind.notice_words.values()):
        assert set(texts) >= {"en", "de", "ar"}


def test_every_entry_has_its_words() -> None:
    words = pytest.importorskip("changedesk.reading.words")
    titles = next((value for name, value in vars(words).items() if "TITLE" in name.upper()), None)
    if titles is None:
        titles = {kind for kind in EntryKind if kind.value in Path(words.__file__).read_text("utf-8")}
    assert {str(kind) for kind in EntryKind if kind not in titles} == set()


def test_every_refusal_says_what_is_so_and_what_to_do() -> None:
    lacking = [
        kind.__qualname__
        for kind in documents.refusals()
        if not documents.sentence(kind).endswith((".", "?")) or kind.code == "refused" or '"' in kind.code
    ]
    assert lacking == []
    silent = [kind.__qualname__ for kind in documents.refusals() if not kind.hint]
    # There is nothing to be done, and that is what the sentence says.
    assert [name for name in silent if name != "NothingToRevert"] == []


def test_one_code_is_one_refusal() -> None:
    codes = Counter(kind.code for kind in documents.refusals())
    # Two layers say the same thing of the same cause, and a program matches one word for both.
    shared = {"too-late", "no-change", "bad-value"}
    assert {code for code, times in codes.items() if times > 1} - shared == set()


def test_every_refusal_is_produced_by_a_test() -> None:
    tests = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__))
    words = set(re.findall(r"\w+", tests))
    unproved = [
        f"{kind.__module__}.{kind.__qualname__}"
        for kind in documents.refusals()
        if kind.__name__ not in words and f'"{kind.code}"' not in tests
    ]
    assert unproved == []


@pytest.mark.parametrize("path", sorted(documents.pages()), ids=lambda path: str(path.name))
def test_the_pages_made_from_the_code_are_current(path: Path) -> None:
    assert path.read_text("utf-8") == documents.pages()[path], "run: python -m changedesk.config.documents"


def test_files_and_functions_stay_short() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {len(text.splitlines())} lines"
        for path, text in SOURCES.items()
        if len(text.splitlines()) >= 400
    ]
    for path, text in SOURCES.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines >= 50:
                    long.append(f"{path.relative_to(ROOT)}:{node.name}: {lines} lines")
    assert long == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    nothing = {
        "utils",
        "util",
        "helpers",
        "helper",
        "services",
        "service",
        "managers",
        "manager",
        "common",
        "core",
        "misc",
    }
    assert [str(path.relative_to(ROOT)) for path in SOURCE.rglob("*") if path.stem in nothing] == []


def test_there_is_no_back_door_for_administrators() -> None:
    assert "django.contrib.admin" not in "".join(SOURCES.values()).replace("django.contrib.admindocs", "")


def test_the_tests_of_what_is_pure_need_nothing_else() -> None:
    """``make mutants`` runs them alone, without a database."""
    met = {
        (path.name, found)
        for room in ("rules", "ledger")
        for path in (ROOT / "tests" / room).rglob("*.py")
        for found in re.findall(r"^(?:from|import) (tests[.\w]*)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert {(name, found) for name, found in met if not found.startswith(("tests.rules", "tests.ledger"))} == set()
