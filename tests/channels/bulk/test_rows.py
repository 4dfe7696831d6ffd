"""Files of people are read as they are, or refused in words: never half, never with another error."""

import gzip
import io
import tempfile
import zipfile
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from changedesk.channels.bulk import rows, workbook
from changedesk.channels.bulk.rows import Dialect, FileUnreadable, HeaderWrong, open_rows


def read(folder: Path, body: bytes, dialect: Dialect = Dialect()) -> list[rows.Row]:  # noqa: B008 - a constant
    file = folder / "file"
    file.write_bytes(body)
    with open_rows(file, dialect) as reader:
        return list(reader)


def cells(folder: Path, body: bytes, dialect: Dialect = Dialect()) -> list[dict[str, str]]:  # noqa: B008 - a constant
    return [dict(row.cells) for row in read(folder, body, dialect)]


def book_of(*lines: tuple[object, ...]) -> bytes:
    sink = io.BytesIO()
    book = xlsxwriter.Workbook(sink, {"in_memory": True})
    sheet = book.add_worksheet()
    for number, line in enumerate(lines):
        sheet.write_row(number, 0, line)
    book.close()
    return sink.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(tmp_path: Path, delimiter: str) -> None:
    body = f"a{delimiter}b\n1{delimiter}2\n".encode()
    assert cells(tmp_path, body) == [{"a": "1", "b": "2"}]


def test_quotes_hold_delimiters_line_ends_and_quotes(tmp_path: Path) -> None:
    body = b'a,b\n"x, ""y""\nz",2\n'
    assert cells(tmp_path, body) == [{"a": 'x, "y"\nz', "b": "2"}]


@pytest.mark.parametrize(
    "body",
    [
        "ä,b\nü,2\n".encode(),
        b"\xef\xbb\xbf" + "ä,b\nü,2\n".encode(),
        "ä,b\nü,2\n".encode("cp1252"),
        "ä,b\n".encode() + "ü,2\n".encode("cp1252"),
        gzip.compress("ä,b\nü,2\n".encode(), mtime=0),
    ],
)
def test_encodings_of_the_west_come_to_the_same(tmp_path: Path, body: bytes) -> None:
    assert cells(tmp_path, body) == [{"ä": "ü", "b": "2"}]


def test_text_that_was_decoded_wrongly_is_mended_where_the_map_says_so(tmp_path: Path) -> None:
    body = "a\nMÃ¼nchen\n".encode()
    assert cells(tmp_path, body, Dialect(delimiter=",", mend=True)) == [{"a": "München"}]
    assert cells(tmp_path, body, Dialect(delimiter=",")) == [{"a": "MÃ¼nchen"}]


def test_rows_are_numbered_as_a_spreadsheet_numbers_them(tmp_path: Path) -> None:
    found = read(tmp_path, b"a,b\n1,2\n\n3,4\n5\n")
    assert [(row.number, row.problem is None) for row in found] == [(2, True), (4, True), (5, False)]


def test_a_workbook_reads_like_its_csv(tmp_path: Path) -> None:
    body = book_of(("a", "b", "c"), ("x", 12, 1.5), ("", True, ""), ("y", "", ""))
    assert cells(tmp_path, body) == [
        {"a": "x", "b": "12", "c": "1.5"},
        {"a": "", "b": "yes", "c": ""},
        {"a": "y", "b": "", "c": ""},
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b"a,a\n1,2\n", "not_unique"),
        (b"a,,b\n1,2,3\n", "not_unique"),
        (",".join(map(str, range(rows.COLUMNS_MAX + 1))).encode(), "too_many"),
    ],
)
def test_a_header_that_does_not_name_its_columns_is_refused(tmp_path: Path, body: bytes, reason: str) -> None:
    with pytest.raises(HeaderWrong) as refused:
        read(tmp_path, body)
    assert refused.value.data["reason"] == reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (gzip.compress(b"a,b\n" + b"1,2\n" * 100_000, mtime=0)[:-300], "damaged"),
        (b"\x1f\x8b rubbish", "damaged"),
        (b"PK\x03\x04 rubbish", "damaged"),
        ("a,b\n1,2\n".encode("utf-16"), "encoding"),
        (b"a,b\n1,\x81\x8d\n", "encoding"),
        (b"a,b\n" + b"x" * (rows.LINE_BYTES_MAX + 2), "cell_too_long"),
        (b'a,b\n"' + b"x\n" * rows.CELL_SIGNS_MAX, "cell_too_long"),
        (b"a,b\n1,\x00\n", "not_csv"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(tmp_path: Path, body: bytes, reason: str) -> None:
    with pytest.raises(FileUnreadable) as refused:
        read(tmp_path, body)
    assert refused.value.data["reason"] == reason


def test_what_stands_before_the_damage_is_read(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"a,b\n1,2\n3,\x00\n")
    with open_rows(file, Dialect()) as reader:
        lines = iter(reader)
        assert dict(next(lines).cells) == {"a": "1", "b": "2"}
        with pytest.raises(FileUnreadable) as refused:
            next(lines)
    assert refused.value.data["row"] == 2


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "SHEET_BYTES_MAX", 1_000)
    with pytest.raises(FileUnreadable) as refused:
        read(tmp_path, book_of(("a",), *((f"text {number}",) for number in range(1_000))))
    assert refused.value.data["reason"] == "cell_too_long"


def remade(body: bytes, *swaps: tuple[bytes, bytes], texts: str) -> bytes:
    """Return a workbook with other words in its parts, and its texts in another part."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(made, "w") as new:
        for item in old.infolist():
            part = old.read(item)
            for was, becomes in swaps:
                part = part.replace(was, becomes)
            new.writestr(texts if item.filename == "xl/sharedStrings.xml" else item.filename, part)
    return made.getvalue()


@pytest.mark.parametrize("name", ["xl/sharedStrings.xml", "xl/texts.xml", "xl/worksheets/texts.xml"])
def test_texts_that_would_be_held_are_bounded_whatever_their_part_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    lines = ("a",), *((f"text {number}",) for number in range(1_000))
    body = remade(book_of(*lines), (b"/xl/sharedStrings.xml", f"/{name}".encode()), texts=name)
    assert len(read(tmp_path, body)) == 1_000
    monkeypatch.setattr(workbook, "TEXTS_BYTES_MAX", 20_000)
    with pytest.raises(FileUnreadable) as refused:
        read(tmp_path, body)
    assert refused.value.data["reason"] == "cell_too_long"


def test_a_row_that_calls_itself_the_last_of_very_many_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "SHEET_ROWS_MAX", 1_000)
    body = book_of(("a",), (1,), (2,))
    assert len(read(tmp_path, body)) == 2
    far = remade(body, (b'<row r="3"', b'<row r="999999999999"'), texts="xl/sharedStrings.xml")
    with pytest.raises(FileUnreadable) as refused:
        read(tmp_path, far)
    assert refused.value.data == {"reason": "cell_too_long", "row": 1_000}


def test_a_file_is_never_held_whole(tmp_path: Path) -> None:
    file = tmp_path / "file.gz"
    with gzip.open(file, "wb") as sink:
        for _ in range(300):
            sink.write(b"a,b\n" * 10_000)
    with open_rows(file, Dialect(delimiter=",")) as reader:
        next(iter(reader))
        assert reader.share < 1


def test_days_of_a_workbook_are_days(tmp_path: Path) -> None:
    assert workbook._cell(date(2026, 3, 2)) == "2026-03-02"


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=400),
        st.binary(max_size=200).map(lambda tail: b"\x1f\x8b" + tail),
        st.binary(max_size=200).map(lambda tail: b"PK\x03\x04" + tail),
        st.lists(st.text(alphabet='a,;"\n\r\t|\x00é', max_size=30)).map(lambda parts: "\n".join(parts).encode()),
    )
)
def test_no_bytes_at_all_bring_another_error(body: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            read(Path(folder), body)
        except (FileUnreadable, HeaderWrong):
            return


_BOOK = book_of(("a", "b"), ("x", 1), ("y", 2.5))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_spoilt_workbook_brings_another_error(data: st.DataObject) -> None:
    """Single parts of a real workbook are replaced, so that the damage gets past the archive's checksums."""
    with zipfile.ZipFile(io.BytesIO(_BOOK)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = data.draw(st.sampled_from(sorted(parts)))
    text = parts[name]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    parts[name] = text[:start] + data.draw(st.binary(max_size=20)) + text[end:]
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as spoilt:
        for part, content in parts.items():
            spoilt.writestr(part, content)
    with tempfile.TemporaryDirectory() as folder:
        try:
            read(Path(folder), sink.getvalue())
        except (FileUnreadable, HeaderWrong):
            return


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc"))), min_size=2, max_size=2)))
def test_what_a_spreadsheet_writes_is_read_back(lines: list[list[str]]) -> None:
    import csv  # noqa: PLC0415 - the writer only

    sink = io.StringIO(newline="")
    csv.writer(sink).writerows([["first", "second"], *lines])
    with tempfile.TemporaryDirectory() as folder:
        found = cells(Path(folder), sink.getvalue().encode(), Dialect(delimiter=","))
    assert found == [{"first": one, "second": two} for one, two in lines if one.strip() or two.strip()]
