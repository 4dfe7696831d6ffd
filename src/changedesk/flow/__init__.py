"""What happens: every verb of the desk, listed here. Channels call these, and nothing below them.

Asking: ``preview``, ``submit``, ``revise``. Proving: ``offers``, ``challenge``, ``confirm``, ``caller_level``,
``bind_factor``. Agreeing: ``record_consent``. Deciding: ``approve``, ``reject``, ``ask_information``. Ending and
pausing: ``withdraw``, ``cancel``, ``hold``, ``release``, ``apply_now``, ``reschedule``. Undoing: ``plan_revert``,
``revert``. Recording: ``create_customers``, ``record_changes``, ``note_import``, ``finish_import``. Stopping:
``open_dispute``, ``resolve_dispute``. The clock: ``apply_due``, ``expire_due``, ``make_effective``. Settings:
``flow.configure``. Sign-in: ``flow.admit``.
"""

from changedesk.flow.answer import CallerStanding, Confirmed, caller_level, confirm
from changedesk.flow.asking import Plan, Receipt, Wish
from changedesk.flow.combine import record_joined, submit_joined
from changedesk.flow.consent import record_consent
from changedesk.flow.create import create_customers
from changedesk.flow.decide import approve, ask_information, reject
from changedesk.flow.dispute import (
    Disputable,
    Disputed,
    look_at_dispute,
    open_dispute,
    resend_notice,
    resolve_dispute,
)
from changedesk.flow.effective import make_effective
from changedesk.flow.ending import apply_due, apply_now, cancel, expire_due, hold, release, reschedule, withdraw
from changedesk.flow.factor import bind_factor
from changedesk.flow.importing import finish_import, note_import
from changedesk.flow.record import record_changes
from changedesk.flow.recorded import (
    UNKNOWN,
    Created,
    FieldChange,
    NewAccount,
    NewCustomer,
    Recorded,
    RecordedChange,
    SourceRow,
)
from changedesk.flow.revert import FieldRevert, RevertPlan, plan_revert, revert
from changedesk.flow.submit import preview, revise, submit
from changedesk.flow.verify import Challenged, challenge, offers
from changedesk.store.once import Once

__all__ = [
    "UNKNOWN",
    "CallerStanding",
    "Challenged",
    "Confirmed",
    "Created",
    "Disputable",
    "Disputed",
    "FieldChange",
    "FieldRevert",
    "NewAccount",
    "NewCustomer",
    "Once",
    "Plan",
    "Receipt",
    "Recorded",
    "RecordedChange",
    "RevertPlan",
    "SourceRow",
    "Wish",
    "apply_due",
    "apply_now",
    "approve",
    "ask_information",
    "bind_factor",
    "caller_level",
    "cancel",
    "challenge",
    "confirm",
    "create_customers",
    "expire_due",
    "finish_import",
    "hold",
    "look_at_dispute",
    "make_effective",
    "note_import",
    "offers",
    "open_dispute",
    "plan_revert",
    "preview",
    "record_changes",
    "record_consent",
    "record_joined",
    "reject",
    "release",
    "reschedule",
    "resend_notice",
    "resolve_dispute",
    "revert",
    "revise",
    "submit",
    "submit_joined",
    "withdraw",
]
