"""What is written into a file stays text there."""

import pytest

from changedesk.channels.exports import tables


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "\uff1d1"])
def test_no_cell_begins_a_formula(cell: str) -> None:
    assert tables.safe(cell) == f"'{cell}"
    assert tables.safe(f"x{cell}") == f"x{cell}"
    assert tables.safe(-1) == -1
