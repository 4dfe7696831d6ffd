"""Files of a registry's curators as bulk requests: four here, all 37 by ``tests.stories.org_change_requests``."""

from collections import Counter
from pathlib import Path

import pytest
from tests.postgres import Database
from tests.stories.org_findings import ALREADY, EQUAL, compared
from tests.stories.org_registry import SHARED, Registry, published, request_files, run

from changedesk.base.clock import micros
from changedesk.ledger.fold import fold
from changedesk.store import past, settings_read, subjects
from changedesk.store.tx import look

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="the folder ../shared/data with the real files is not here"),
]
SOME = (
    "v1.51__20240817",
    "rc-v1.64__20250421",
    "rc-v1.70__20250826_inactive",
    "rc-v1.74__20251124_update_records_metadata_C",
)


@pytest.fixture
def registry(database: Database) -> Registry:
    settings_read.forget()
    return Registry()


def test_the_state_is_what_was_published_or_the_difference_has_its_reason(registry: Registry, tmp_path: Path) -> None:
    old = published()
    files = [(when, file) for when, file in request_files() if file.name.startswith(SOME)]
    assert len(files) == len(SOME)
    lines = run(registry, old, files, tmp_path)
    against = compared(registry, old, lines)
    assert Counter(line.outcome for line in lines) == {"applied": 161, "refused": 27, "unchanged": 6}
    # Each of the others has its reason: 25 came in later than they were asked about, 7 changed at another release.
    assert (against[EQUAL], against[ALREADY], against.total()) == (69, 34, 139)
    _assert_a_second_run_changes_nothing(registry, files, tmp_path)
    _assert_histories_fold_to_the_state(registry)


def _assert_a_second_run_changes_nothing(
    registry: Registry, files: list[tuple[tuple[int, ...], Path]], folder: Path
) -> None:
    before = _versions(registry)
    for _, file in files:
        again = registry.enter(file, folder / "again.csv")
        assert registry.approve(again).refused == {}
    assert _versions(registry) == before


def _versions(registry: Registry) -> dict[str, int]:
    with look(registry.d.client) as seen:
        return {str(one.id): one.ver for one in subjects.load(seen, registry.ids.values()).values()}


def _assert_histories_fold_to_the_state(registry: Registry) -> None:
    now = micros(registry.at)
    with look(registry.d.client) as seen:
        for subject in subjects.load(seen, registry.ids.values()).values():
            stored, snapshot = past.versions(seen, subject, newest=subject.ver)
            assert fold(stored, now, now, snapshot) == {path: held.text for path, held in subject.state.items()}
