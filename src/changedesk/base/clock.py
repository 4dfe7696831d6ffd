"""Time. Channels read it once and hand it down as ``at``; rules never look at a clock."""

from datetime import UTC, datetime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)


def micros(at: datetime) -> int:
    """Return an aware instant as whole microseconds since 1970-01-01T00:00Z, without a float between."""
    delta = at - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
