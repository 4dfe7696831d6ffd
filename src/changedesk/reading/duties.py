"""What policy asks of a change, as it is shown: before anything was done for it, and as far as it has come."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from changedesk.reading.request_panels import DeadlineView, HoldDutyView, NoticeDutyView, RuleView, Strip
from changedesk.rules.route import Route

_HOUR: Final = 3600


def strip(
    route: Route,
    *,
    level: int,
    new_contacts: Sequence[str],
    confirmed: bool = False,
    consented: bool = False,
    approvals: int = 0,
    rules: Sequence[RuleView],
    at: datetime | None,
) -> Strip:
    """Return what a route asks and how much of it is there.

    ``level`` and the rest say what was done so far; ``at`` is the moment to hold deadlines against, None where none
    can be overdue.
    """
    return Strip(
        level_needed=route.level,
        level_reached=level,
        methods_forbidden=route.methods_forbidden,
        new_contacts_needed=tuple(new_contacts),
        new_contacts_confirmed=confirmed,
        consent_needed=route.consent,
        consent_given=consented,
        approvals_needed=route.approvals,
        approvals_given=approvals,
        separation=route.separation,
        holds=tuple(
            HoldDutyView(blocks=item.blocks, hours=round(item.seconds / _HOUR), release=item.release, rule=item.rule)
            for item in route.holds
        ),
        notices=tuple(
            NoticeDutyView(event=item.event, to=item.to, channels=item.channels, security=item.security, rule=item.rule)
            for item in route.notices
        ),
        deadlines=tuple(
            DeadlineView(duty=item.duty, due_at=item.due, overdue=bool(at and at > item.due), rule=item.rule)
            for item in route.deadlines
        ),
        wait_seconds=route.wait_seconds,
        retention_class=route.retention_class,
        retention_least=route.retention_least,
        retention_most=route.retention_most,
        evidence=route.evidence,
        recipients=route.recipients,
        rules=tuple(rules),
        policy_version=route.policy_version,
    )
