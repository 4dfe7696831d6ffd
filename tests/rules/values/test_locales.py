"""Locales are looked up by many threads at once."""

from collections.abc import Iterator
from typing import Any

import pytest
from babel import localedata

from changedesk.rules.values.locales import known_locale


def test_a_locale_that_another_thread_loads_meanwhile_stops_no_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Growing(dict[str, Any]):
        walks = 0

        def __iter__(self) -> Iterator[str]:
            self.walks += 1
            for name in list(super().__iter__()):
                if self.walks == 1:
                    raise RuntimeError("dictionary changed size during iteration")
                yield name

    loaded = Growing({"en": localedata.load("en")})
    monkeypatch.setattr(localedata, "_cache", loaded)
    known_locale.cache_clear()
    assert known_locale("qqq") is None
    assert loaded.walks > 1
