"""Which entries an evidence bundle is made of, and the rows of those."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from changedesk.base.ids import RequestId, SubjectId
from changedesk.store.tx import Look


def of_records(look: Look, subjects: Sequence[SubjectId], *, limit: int) -> list[int]:
    """Return the ids of all that was recorded about some customers or accounts, oldest first."""
    return [row.id for row in look.rows("bundles.of_records", subjects=list(subjects), limit=limit)]


def of_request(look: Look, request: RequestId, *, limit: int) -> list[int]:
    """Return the ids of all that was recorded about a request, oldest first."""
    return [row.id for row in look.rows("bundles.of_request", request=request, limit=limit)]


def of_period(look: Look, since: datetime, until: datetime, *, actor: str | None, limit: int) -> list[int]:
    """Return the ids of what was recorded from ``since`` until before ``until``, by one actor if one is named."""
    return [row.id for row in look.rows("bundles.of_period", since=since, until=until, actor=actor, limit=limit)]


def entries(look: Look, ids: Sequence[int], *, size: int) -> list[Any]:
    """Return the rows of these entries as far as a log of this size holds them, in the log's order."""
    return look.rows("bundles.entries", entries=list(ids), size=size) if ids else []
