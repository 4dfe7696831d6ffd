"""Policies as plain values: what was written, and what of it was put in force. Never remembered: two people look."""

from changedesk.base.ids import ClientId
from changedesk.base.refusal import NotFound
from changedesk.rules.limits import Limits
from changedesk.store.models import settings as tables
from changedesk.store.settings_read import borrowed
from changedesk.store.settings_records import PolicyRecord


def all_of(client_id: ClientId, *, before: int | None = None, limit: int = 50) -> tuple[PolicyRecord, ...]:
    """Return a client's policies, drafts among them, newest first; ``before`` is the last number of the page before."""
    with borrowed():
        rows = tables.Policy.objects.filter(client_id=client_id).order_by("-number")
        page = rows if before is None else rows.filter(number__lt=before)
        return tuple(_policy(row) for row in page[:limit])


def one(client_id: ClientId, number: int) -> PolicyRecord:
    """Return one policy. Raises NotFound."""
    with borrowed():
        row = tables.Policy.objects.filter(client_id=client_id, number=number).first()
    if row is None:
        raise NotFound
    return _policy(row)


def in_force(client_id: ClientId) -> PolicyRecord | None:
    """Return the policy that was published last; None while the client has what it started with."""
    with borrowed():
        rows = tables.Policy.objects.filter(client_id=client_id, published_at__isnull=False)
        row = rows.order_by("-config_version").first()
    return None if row is None else _policy(row)


def _policy(row: tables.Policy) -> PolicyRecord:
    return PolicyRecord(
        row.number, row.source, row.rules, tuple(row.packs), tuple(row.jurisdictions), tuple(row.industries),
        Limits(**row.limits), row.based_on, row.author, row.written_at, row.published_by, row.published_at,
        row.config_version,
    )  # fmt: skip
