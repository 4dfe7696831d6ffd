"""What happens: every verb of the desk, listed here. Channels call these, and nothing below them.

Asking: ``preview``, ``submit``, ``revise``. Proving: ``offers``, ``challenge``, ``confirm``, ``caller_level``,
``bind_factor``. Agreeing: ``record_consents``. Deciding: ``approve``, ``reject``, ``ask_information``. Ending and
pausing: ``withdraw``, ``cancel``, ``hold``, ``release``, ``apply_now``, ``reschedule``. Undoing: ``plan_revert``,
``revert``, ``plan_restore``, ``restore``, ``plan_reversal``, ``plan_import``, ``of_import``, ``start_reversal``,
``run_reversal``, ``reverse_on``.
Joining: ``preview_merge``, ``merge``, ``refresh_merge``, ``foresee_merge``, ``plan_unmerge``, ``unmerge``,
``settle_work``.
Giving away: ``propose_transfer``, ``new_holder_offers``, ``challenge_new_holder``, ``decline_transfer``.
Recording: ``create_customers``, ``record_changes``, ``note_import``, ``finish_import``. Stopping:
``open_dispute``, ``resolve_dispute``. Forgetting: ``preview_erasure``, ``request_erasure``, ``forget_on``,
``retire_due``, ``plan_retirement``, ``replay_erasure``. What people ask about their own data:
``flow.subject_request`` (receive to resume), ``flow.subject_answer`` (link, answer, refuse, appeal). The clock:
``apply_due``, ``expire_due``, ``make_effective``, ``begin_audit``, ``end_audit``. Settings: ``flow.configure``,
``flow.policies``. Files of requests: ``start_batch``, ``enter_rows``, ``finish_batch``, ``preview_rows``,
``approve_batch``, ``find_customers``. Files that the worker takes in: ``hand_import``, ``hand_batch``, ``next_part``,
``part_taken``, ``leave_file``, ``acting_for``. Sign-in: ``flow.admit``. Proving to others: ``seal_evidence``;
``ask_evidence`` to ``fetch_evidence``.
Searching the history: ``flow.audit_trail``. Looking: ``note_views``, ``reveal``, ``break_glass``,
``review_break_glass``, ``certify_access``. Renewing keys: ``flow.rotating``.
"""

from changedesk.flow.answer import Answer, CallerStanding, Confirmed, caller_level, confirm
from changedesk.flow.asking import Plan, Receipt
from changedesk.flow.audited import begin_audit, end_audit
from changedesk.flow.batch import (
    Approved,
    Asked,
    Became,
    Terms,
    approve_batch,
    enter_rows,
    find_customers,
    finish_batch,
    preview_rows,
    start_batch,
)
from changedesk.flow.carrying import Pending
from changedesk.flow.certify import certify_access
from changedesk.flow.combine import (
    approve_joined,
    challenge_joined,
    confirm_joined,
    record_consent_joined,
    record_joined,
    submit_joined,
)
from changedesk.flow.consent import Agreement, record_consents
from changedesk.flow.create import create_customers
from changedesk.flow.decide import Approval, approve, approve_each, ask_information, reject
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
from changedesk.flow.erasing import Erasable, preview_erasure, request_erasure
from changedesk.flow.evidence import (
    ask_evidence,
    fetch_evidence,
    keep_evidence,
    next_evidence,
    refuse_evidence,
    seal_evidence,
)
from changedesk.flow.factor import bind_factor
from changedesk.flow.family import Weighed
from changedesk.flow.forget import go_on as forget_on
from changedesk.flow.forget import replay as replay_erasure
from changedesk.flow.glass import break_glass, review_break_glass
from changedesk.flow.handed import acting_for, reverse_on
from changedesk.flow.importing import (
    finish_import,
    hand_batch,
    hand_import,
    leave_file,
    next_part,
    note_import,
    part_taken,
)
from changedesk.flow.left_behind import AccountLeft
from changedesk.flow.linking import Parting
from changedesk.flow.merging import (
    MergePlan,
    foresee_merge,
    merge,
    plan_unmerge,
    preview_merge,
    refresh_merge,
    settle_work,
    unmerge,
)
from changedesk.flow.record import record_changes
from changedesk.flow.recorded import (
    UNKNOWN,
    Created,
    FieldChange,
    NewAccount,
    NewCustomer,
    Recorded,
    RecordedChange,
)
from changedesk.flow.restoring import RestorePlan, plan_restore, restore
from changedesk.flow.retire import Due, plan_retirement, retire_due
from changedesk.flow.reversal import (
    ReversalPlan,
    of_import,
    plan_import,
    plan_reversal,
    run_reversal,
    start_reversal,
)
from changedesk.flow.revert import FieldRevert, RevertPlan, plan_revert, revert
from changedesk.flow.seeing import Revealed, note_views, reveal
from changedesk.flow.submit import preview, revise, submit
from changedesk.flow.transfer import challenge_new_holder, decline_transfer, new_holder_offers, propose_transfer
from changedesk.flow.verify import Challenged, Wanted, challenge
from changedesk.flow.ways import offers
from changedesk.flow.wish import How, Wish
from changedesk.store.handed import Part
from changedesk.store.imported import SourceRow
from changedesk.store.once import Once
from changedesk.store.seen import Glass

__all__ = [
    "UNKNOWN",
    "AccountLeft",
    "Agreement",
    "Answer",
    "Approval",
    "Approved",
    "Asked",
    "Became",
    "CallerStanding",
    "Challenged",
    "Confirmed",
    "Created",
    "Disputable",
    "Disputed",
    "Due",
    "Erasable",
    "FieldChange",
    "FieldRevert",
    "Glass",
    "How",
    "MergePlan",
    "NewAccount",
    "NewCustomer",
    "Once",
    "Part",
    "Parting",
    "Pending",
    "Plan",
    "Receipt",
    "Recorded",
    "RecordedChange",
    "RestorePlan",
    "Revealed",
    "ReversalPlan",
    "RevertPlan",
    "SourceRow",
    "Terms",
    "Wanted",
    "Weighed",
    "Wish",
    "acting_for",
    "apply_due",
    "apply_now",
    "approve",
    "approve_batch",
    "approve_each",
    "approve_joined",
    "ask_evidence",
    "ask_information",
    "begin_audit",
    "bind_factor",
    "break_glass",
    "caller_level",
    "cancel",
    "certify_access",
    "challenge",
    "challenge_joined",
    "challenge_new_holder",
    "confirm",
    "confirm_joined",
    "create_customers",
    "decline_transfer",
    "end_audit",
    "enter_rows",
    "expire_due",
    "fetch_evidence",
    "find_customers",
    "finish_batch",
    "finish_import",
    "foresee_merge",
    "forget_on",
    "hand_batch",
    "hand_import",
    "hold",
    "keep_evidence",
    "leave_file",
    "look_at_dispute",
    "make_effective",
    "merge",
    "new_holder_offers",
    "next_evidence",
    "next_part",
    "note_import",
    "note_views",
    "of_import",
    "offers",
    "open_dispute",
    "part_taken",
    "plan_import",
    "plan_restore",
    "plan_retirement",
    "plan_reversal",
    "plan_revert",
    "plan_unmerge",
    "preview",
    "preview_erasure",
    "preview_merge",
    "preview_rows",
    "propose_transfer",
    "record_changes",
    "record_consent_joined",
    "record_consents",
    "record_joined",
    "refresh_merge",
    "refuse_evidence",
    "reject",
    "release",
    "replay_erasure",
    "request_erasure",
    "reschedule",
    "resend_notice",
    "resolve_dispute",
    "restore",
    "retire_due",
    "reveal",
    "reverse_on",
    "revert",
    "review_break_glass",
    "revise",
    "run_reversal",
    "seal_evidence",
    "settle_work",
    "start_batch",
    "start_reversal",
    "submit",
    "submit_joined",
    "unmerge",
    "withdraw",
]
