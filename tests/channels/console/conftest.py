from pathlib import Path

import pytest
from pytest_django import Settings
from tests.cast import desk
from tests.channels.console.room import Room
from tests.postgres import Database

from changedesk.base import clock
from changedesk.channels.terminal import people
from changedesk.store import settings_read


@pytest.fixture
def room(database: Database, settings: Settings, tmp_path: Path) -> Room:
    """Two clients; everybody works for the first, and Ben for the second too."""
    settings_read.forget()
    ours = desk()
    signs = people.plant([ours.client], state_dir=tmp_path, at=clock.now())
    return Room(ours, desk("harbour"), {sign.name: sign for sign in signs})
