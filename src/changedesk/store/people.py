"""Who works where, as a call or a page of theirs asks it: at one client, at once."""

from changedesk.base.actor import Role
from changedesk.base.ids import ClientId
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
