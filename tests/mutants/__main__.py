"""Changes the code of a package in small ways, one at a time, and counts which changes its own tests notice.

Only the pure tests of ``rules`` and ``ledger`` are asked, in a copy of the tree, so that a change is found by the tests
beside it or not at all. Which changes are tried: see mutmut. Code outside functions and decorated functions stay.
"""

import argparse
import hashlib
import io
import os
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import chdir, redirect_stdout
from functools import partial
from pathlib import Path

from mutmut.__main__ import create_mutants
from mutmut.configuration import reset_config
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/changedesk"
PACKAGES = ["rules", "ledger"]
NOTICED = {"killed", "timeout"}
MUTMUT = [sys.executable, "-c", "from mutmut.__main__ import cli; cli()"]
PLAIN = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # no plugin of the database, the browser or the API
SETTINGS = r"""
[tool.mutmut]
source_paths = ["src"]
only_mutate = ["src/changedesk/rules/*", "src/changedesk/ledger/*"]
pytest_add_cli_args_test_selection = ["tests/rules", "tests/ledger"]
# Two tests read the source of the verifier itself, which is not what runs here.
pytest_add_cli_args = [
    "--deselect=tests/ledger/test_verifier.py::test_the_verifier_imports_nothing_but_python_and_cryptography",
    "--deselect=tests/ledger/test_bundle.py::test_the_file_runs_by_itself",
]
process_isolation = "forkserver" # what a function cached in one run must not answer for the next mutant
timeout_multiplier = 10.0
# What an exception says to the developer who called wrongly is no promise; the codes that people's words hang on are.
do_not_mutate_patterns = ['raise (note\.)?(ValueError|NotCanonical|Unreadable|Corrupt|NoteRefused|Wrong)\(f?"']

[tool.pytest.ini_options]
pythonpath = ["."]
addopts = ["-p", "no:cacheprovider", "--import-mode=importlib"]
markers = ["shared: needs the real input data folder"]
"""


def prepare(place: Path, *, afresh: bool) -> None:
    """Copy the code and the pure tests to ``place``. Not afresh: what is known of unchanged functions stays known."""
    if afresh:
        shutil.rmtree(place, ignore_errors=True)
    for old in (place / "tests", place / "mutants/tests"):
        shutil.rmtree(old, ignore_errors=True)
    nothing = shutil.ignore_patterns("__pycache__")
    for name in ("base", "packs", *PACKAGES):  # neither they nor their tests import more of the house
        shutil.copytree(SOURCE / name, place / "src/changedesk" / name, dirs_exist_ok=True, ignore=nothing)
    shutil.copy(SOURCE / "__init__.py", place / "src/changedesk")
    for name in PACKAGES:
        shutil.copytree(ROOT / "tests" / name, place / "tests" / name, ignore=nothing)
    shutil.copy(Path(__file__).with_name("quick.py"), place / "tests" / "conftest.py")
    (place / "pyproject.toml").write_text(SETTINGS, "utf-8")


def make() -> None:
    """Write every mutant of every function, in the working directory; what is unchanged is not written again."""
    reset_config()  # it is read from the working directory
    with redirect_stdout(io.StringIO()):
        copy_src_dir()
        copy_also_copy_files()
        create_mutants(1)


def draw(seed: int, name: str) -> bytes:
    """Return a mutant's lot: a larger sample holds the smaller one, and a change elsewhere in the code moves none."""
    return hashlib.sha256(f"{seed} {name}".encode()).digest()


def outcomes() -> dict[str, str]:
    """What became of each mutant that was tried so far."""
    told = subprocess.run([*MUTMUT, "results", "--all", "true"], check=True, capture_output=True, text=True).stdout
    lines = (line.strip().rpartition(": ") for line in told.splitlines())
    return {name: outcome for name, _, outcome in lines}


def report(chosen: dict[str, list[str]], bar: float) -> bool:
    """Print what became of the sample, and whether every package reaches the bar."""
    became = outcomes()
    shares = []
    for package, names in chosen.items():
        counts = Counter(became[name] for name in names)
        shares.append(100 * sum(counts[each] for each in NOTICED) / len(names))
        sys.stdout.write(f"{package}: {shares[-1]:.1f} % of {len(names)} noticed, {dict(counts)}\n")
        for name in names:
            if became[name] not in NOTICED:
                sys.stdout.write(f"{name}: {became[name]}\n{get_diff_for_mutant(name)}\n")
    return all(share >= bar for share in shares)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.mutants", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("packages", nargs="*", default=PACKAGES, help="which packages (both)")
    parser.add_argument("--sample", type=int, default=400, help="how many mutants a package; 0 tries all")
    parser.add_argument("--seed", type=int, default=1, help="which ones are chosen")
    parser.add_argument("--bar", type=float, default=85, help="the share in per cent below which this fails")
    parser.add_argument("--again", action="store_true", help="try only those that were not noticed last time")
    parser.add_argument("--place", type=Path, default=ROOT / ".venv" / "mutation", help="a folder to work in")
    asked = parser.parse_args()
    prepare(asked.place, afresh=not asked.again)
    with chdir(asked.place):
        make()
        known = outcomes()
        chosen = {}
        for package in asked.packages:
            names = [name for name in known if name.startswith(f"changedesk.{package}.")]
            chosen[package] = sorted(names, key=partial(draw, asked.seed))[: asked.sample or None]
            sys.stdout.write(f"{package}: {len(chosen[package])} of {len(names)} mutants, seed {asked.seed}\n")
        rest = [name for names in chosen.values() for name in names if known.get(name) not in NOTICED]
        sys.stdout.flush()
        if rest:
            subprocess.run(
                [*MUTMUT, "run", "--max-children", "1", *rest], check=True, stdout=subprocess.DEVNULL, env=PLAIN
            )
        return 0 if report(chosen, asked.bar) else 1


if __name__ == "__main__":
    sys.exit(main())
