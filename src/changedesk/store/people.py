"""Who works where, as a call or a page of theirs asks it: at one client, at once."""

from collections.abc import Iterable

from changedesk.base.actor import Role
from changedesk.base.ids import ClientId
from changedesk.store.models import settings as tables
from changedesk.store.settings_read import borrowed, remembered
from changedesk.store.settings_records import MembershipRecord
from changedesk.store.tx import look


def membership(person_id: int, client_id: ClientId) -> MembershipRecord | None:
    """Return what a person is at one client, or None. Never remembered: taking a role away works at once."""
    with look(client_id) as seen:
        seen.ahead(last=True)
        row = seen.row("people.membership", person=person_id)
    if row is None:
        return None
    return MembershipRecord(person_id, client_id, frozenset(Role(name) for name in row.roles), row.team, active=True)


def behind(actors: Iterable[str]) -> frozenset[str]:
    """Return some actors, and with each API key among them whoever made it: they have had its secret in hand."""
    named = frozenset(actors)
    keys = frozenset(int(name[1:]) for name in named if name[:1] == "k" and name[1:].isdecimal())
    return named | _makers(keys) if keys else named


@remembered
def _makers(keys: frozenset[int]) -> frozenset[str]:
    with borrowed():
        return frozenset(tables.ApiKey.objects.filter(pk__in=keys).values_list("created_by", flat=True))
