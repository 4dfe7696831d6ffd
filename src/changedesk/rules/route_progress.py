"""Where a request stands on its route: which step it takes next."""

from datetime import datetime

from changedesk.rules.identity import level_to_prove
from changedesk.rules.route import Route


def next_step(
    route: Route,
    *,
    level: int,
    consented: bool,
    approvals: int,
    new_contacts_confirmed: bool,
    effective_at: datetime | None,
    now: datetime,
    held: bool,
    others_confirmed: bool = True,
    decided: bool = False,
) -> str:
    """Return the name in ``lifecycle.STEPS`` of the step that a request takes next.

    First what the customer owes (proof, then consent), then what the house owes (approval), then ``approve``;
    for a request that is approved already (``decided``): ``hold``, ``schedule`` or ``apply``.
    ``others_confirmed``: so has whoever else must, such as the new holder of an account.
    ``effective_at`` is the later of the date asked for and the end of the route's ``wait_seconds``; None is
    at once.
    """
    proved = level >= level_to_prove(route) and (new_contacts_confirmed or not route.confirm_new_contacts)
    if not (proved and others_confirmed):
        return "ask_verification"
    if route.consent is not None and not consented:
        return "ask_consent"
    if approvals < route.approvals:
        return "ask_approval"
    if not decided:
        return "approve"
    if held:
        return "hold"
    return "schedule" if effective_at is not None and effective_at > now else "apply"
