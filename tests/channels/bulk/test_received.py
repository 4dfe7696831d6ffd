"""What is sent packed is bounded before anything of it is looked at: in bytes, and against its own size."""

import gzip
import io
import os
import zipfile

import pytest

from changedesk.channels.bulk.received import TIMES_MOST, UNPACKED_ANYWAY, UNPACKED_MOST, UnpacksTooFar, received
from changedesk.channels.bulk.rows import ZIP

MEGABYTE = 1024 * 1024
NOISE = os.urandom(MEGABYTE)
"""Does not pack: it lets a file be as large as it says."""


def zipped(*parts: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, part in enumerate(parts):
            archive.writestr(f"xl/{number}.xml", part)
    return made.getvalue()


def kept(content: bytes) -> int:
    with received([content]) as (path, _):
        return path.stat().st_size


@pytest.mark.parametrize("pack", [gzip.compress, zipped])
def test_no_more_is_unpacked_than_fits_and_than_a_table_packs(pack: object) -> None:
    def packed(content: bytes) -> bytes:
        return pack(content)  # type: ignore[operator, no-any-return]  # gzip or zip

    alike = packed(bytes(UNPACKED_ANYWAY))
    assert kept(alike) == len(alike)  # a few lines that are all alike
    small, steep, large = (
        packed(bytes(4 * MEGABYTE)), packed(NOISE[: MEGABYTE // 8] + bytes(20 * MEGABYTE)),
        packed(NOISE + bytes(UNPACKED_MOST)),
    )  # fmt: skip
    for content, most in (
        (small, UNPACKED_ANYWAY), (steep, TIMES_MOST * len(steep)), (large, UNPACKED_MOST)
    ):  # fmt: skip
        with pytest.raises(UnpacksTooFar) as refused:
            kept(content)
        assert refused.value.data == {"megabytes": most // MEGABYTE}
    assert kept(packed(NOISE + bytes(UNPACKED_MOST - MEGABYTE))) > MEGABYTE


def test_members_of_one_file_count_together() -> None:
    part = gzip.compress(NOISE[: MEGABYTE // 2] + bytes(20 * MEGABYTE))
    assert kept(part * 3) > 0
    with pytest.raises(UnpacksTooFar):
        kept(part * 4)
    with pytest.raises(UnpacksTooFar):
        kept(zipped(*[NOISE[: MEGABYTE // 2] + bytes(20 * MEGABYTE)] * 4))


def test_what_is_damaged_or_not_packed_is_left_to_whoever_reads_it() -> None:
    sound = gzip.compress(NOISE)
    for content in (b"", b"a,b\n", sound[:-9], sound[:20], ZIP, ZIP + NOISE[:4000], zipped(NOISE)[:-30]):
        assert kept(content) == len(content)
