"""Time asks too: apply what is due, make effective what was dated ahead, end what waited too long, forget; and take up
what a page handed over: the parts of reversals and of files; and hooks are told.
"""

from collections.abc import Callable
from typing import NamedTuple

from changedesk import flow
from changedesk.base.clock import now
from changedesk.base.ids import ClientId
from changedesk.channels import exports
from changedesk.channels.bulk import handed
from changedesk.channels.clock import audits, hooks
from changedesk.channels.evidence import handed as evidence
from changedesk.flow import rotating, subject_answer


class Duty(NamedTuple):
    """Something the clock does again and again for each client; ``run`` returns how much was done."""

    name: str
    run: Callable[[int], int]


def duties() -> list[Duty]:
    """Return the clock's duties. Several workers may do each at once: what one has moved, the other finds moved."""
    return [
        Duty("clock.effective", lambda client_id: flow.make_effective(ClientId(client_id), at=now())),
        Duty("clock.apply", lambda client_id: flow.apply_due(ClientId(client_id), at=now())),
        Duty("clock.expire", lambda client_id: flow.expire_due(ClientId(client_id), at=now())),
        Duty("erasure.steps", lambda client_id: flow.forget_on(ClientId(client_id), at=now())),
        Duty("retention.run", lambda client_id: flow.retire_due(ClientId(client_id), at=now())),
        Duty("reversals.run", lambda client_id: flow.reverse_on(ClientId(client_id), at=now())),
        Duty("files.run", lambda client_id: handed.take_on(ClientId(client_id), at=now())),
        Duty("evidence.make", lambda client_id: evidence.make_on(ClientId(client_id), at=now())),
        Duty("privacy.copies", lambda client_id: subject_answer.expire_copies(ClientId(client_id), at=now())),
        Duty("exports.sweep", lambda client_id: exports.sweep(ClientId(client_id))),
        Duty("keys.renew", lambda client_id: rotating.renew_on(ClientId(client_id), at=now())),
        Duty("hooks.tell", hooks.run),
        Duty("log.audit", audits.run),
    ]
