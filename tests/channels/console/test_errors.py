"""What a refusal calls "named here" stands on the page."""

from datetime import UTC, datetime

from django.test import override_settings
from django.utils import timezone, translation

from changedesk.channels.console import errors
from changedesk.flow.weighing import ErasureRetained
from changedesk.rules.identity import TooManyTries


@override_settings(USE_TZ=True)
def test_the_day_and_the_rule_that_a_refusal_names_are_shown() -> None:
    refusal = ErasureRetained(until="2031-03-01T00:00:00+00:00", rules=["B-2", "A-1"])
    with timezone.override("UTC"), translation.override("en"):
        (shown,) = errors.of(refusal, language="en")
    assert "2031" in shown["text"]
    assert "A-1, B-2" in shown["text"]


def test_when_one_may_try_again_is_shown_and_nothing_where_nothing_is_named() -> None:
    with timezone.override("UTC"), translation.override("de"):
        (late,) = errors.of(TooManyTries(retry_at=datetime(2026, 5, 4, 12, 30, tzinfo=UTC)), language="de")
        (plain,) = errors.of(TooManyTries(), language="de")
    assert "Nicht vor: 4. Mai 2026" in late["text"]
    assert "Nicht vor" not in plain["text"]
