from hashlib import sha256
from pathlib import Path

from changedesk.channels import console

VENDOR = Path(console.__file__).parent / "static" / "console" / "vendor"


def rows() -> list[tuple[str, str]]:
    lines = (VENDOR / "VENDOR.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [(row[0], row[-1]) for row in cells[2:]]


def test_a_vendored_file_is_the_one_that_was_vetted() -> None:
    assert rows()
    for name, expected in rows():
        assert sha256((VENDOR / name).read_bytes()).hexdigest() == expected, name


def test_no_file_stands_among_the_vendored_ones_without_its_line_and_licence() -> None:
    files = {path.name for path in VENDOR.iterdir() if path.suffix not in {".md", ".LICENSE"}}
    assert files == {name for name, _ in rows()}
    for row in (VENDOR / "VENDOR.md").read_text(encoding="utf-8").splitlines():
        if row.startswith("|") and ".LICENSE" in row:
            assert (VENDOR / row.split("(")[1].split(")")[0]).exists()
