"""Every page of the desk. The client stands in the address, and in every form too."""

from django.urls import path, register_converter

from changedesk.channels.console.views import (
    asking,
    audit,
    batches,
    customers,
    deciding,
    desk,
    disputes,
    erasures,
    evidence,
    files,
    hooks,
    imports,
    integrity,
    keys,
    merging,
    own,
    policies,
    privacy,
    readers,
    requests,
    restoring,
    reversals,
    reverting,
    seeing,
    telling,
    transferring,
    trends,
    verifying,
)


class Reference:
    """A request's reference: letters, digits and dashes."""

    regex = "[0-9A-Za-z-]{5,20}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Reference, "ref")

app_name = "console"
urlpatterns = [
    path("", desk.start, name="start"),
    path("clients", desk.switch_client, name="switch_client"),
    path("c/<slug:slug>/queue", desk.queue, name="queue"),
    path("c/<slug:slug>/search", desk.search, name="search"),
    path("c/<slug:slug>/customers/<uuid:key>", customers.customer, name="customer"),
    path("c/<slug:slug>/accounts/<uuid:key>", customers.customer, name="account"),
    path("c/<slug:slug>/customers/<uuid:key>/as-of", customers.as_of, name="as_of"),
    path("c/<slug:slug>/customers/<uuid:key>/changes/new", asking.change_new, name="change_new"),
    path("c/<slug:slug>/accounts/<uuid:key>/changes/new", asking.change_new, name="account_change_new"),
    path("c/<slug:slug>/customers/<uuid:key>/duplicates", merging.duplicates, name="duplicates"),
    path("c/<slug:slug>/accounts/<uuid:key>/duplicates", merging.duplicates, name="account_duplicates"),
    path("c/<slug:slug>/customers/<uuid:key>/merge-into/<uuid:other>", merging.merge, name="merge"),
    path("c/<slug:slug>/accounts/<uuid:key>/merge-into/<uuid:other>", merging.merge, name="account_merge"),
    path("c/<slug:slug>/history/<uuid:key>/unmerge", merging.unmerge, name="unmerge"),
    path("c/<slug:slug>/merges", merging.merge_work, name="merge_work"),
    path("c/<slug:slug>/accounts/<uuid:key>/transfer", transferring.transfer, name="transfer"),
    path("c/<slug:slug>/changes/<ref:ref>/new-holder", transferring.new_holder, name="new_holder"),
    path("c/<slug:slug>/customers/<uuid:key>/verify", verifying.verify, name="verify"),
    path("c/<slug:slug>/history/<uuid:key>/revert", reverting.revert, name="revert"),
    path("c/<slug:slug>/history/<uuid:key>/restore/<int:version>", restoring.restore, name="restore"),
    path("c/<slug:slug>/changes/<ref:ref>", requests.change, name="change"),
    path("c/<slug:slug>/changes/<ref:ref>/consent", requests.consent, name="consent"),
    path("c/<slug:slug>/changes/<ref:ref>/revise", asking.revise, name="revise"),
    path("c/<slug:slug>/batches", batches.batches, name="batches"),
    path("c/<slug:slug>/batches/<uuid:key>", batches.batch, name="batch"),
    path("c/<slug:slug>/approvals", deciding.approvals, name="approvals"),
    path("c/<slug:slug>/changes/<ref:ref>/decide", deciding.decide, name="decide"),
    path("c/<slug:slug>/disputes", disputes.disputes, name="disputes"),
    path("c/<slug:slug>/notices", telling.notices, name="notices"),
    path("c/<slug:slug>/outbox", telling.outbox, name="outbox"),
    path("c/<slug:slug>/customers/<uuid:key>/erase", erasures.erase, name="erase"),
    path("c/<slug:slug>/erasures", erasures.erasures, name="erasures"),
    path("c/<slug:slug>/erasures/<uuid:key>", erasures.erasure, name="erasure"),
    path("c/<slug:slug>/privacy", privacy.requests, name="privacy"),
    path("c/<slug:slug>/privacy/new/<uuid:key>", privacy.new, name="privacy_new"),
    path("c/<slug:slug>/privacy/disclosures/<uuid:key>", privacy.disclosures, name="privacy_disclosures"),
    path("c/<slug:slug>/privacy/<ref:ref>", privacy.request, name="privacy_request"),
    path("c/<slug:slug>/files", files.files, name="files"),
    path("c/<slug:slug>/imports", imports.imports, name="imports"),
    path("c/<slug:slug>/imports/<uuid:key>", imports.import_run, name="import_run"),
    path("c/<slug:slug>/imports/<uuid:key>/undo", reversals.import_undo, name="import_undo"),
    path("c/<slug:slug>/reversals", reversals.past, name="reversals"),
    path("c/<slug:slug>/reversals/<uuid:key>", reversals.reversal, name="reversal"),
    path("c/<slug:slug>/system/keys", keys.keys, name="system_keys"),
    path("c/<slug:slug>/hooks", hooks.hooks, name="hooks"),
    path("c/<slug:slug>/hooks/<uuid:key>", hooks.hook, name="hook"),
    path("c/<slug:slug>/policies", policies.policies, name="policies"),
    path("c/<slug:slug>/policies/<int:number>", policies.policy, name="policy"),
    path("c/<slug:slug>/audit/evidence", evidence.evidence, name="evidence"),
    path("c/<slug:slug>/customers/<uuid:key>/reveal", seeing.reveal, name="reveal"),
    path("c/<slug:slug>/reveals/<uuid:key>", seeing.revealed, name="revealed"),
    path("c/<slug:slug>/trends", trends.trends, name="trends"),
    path("c/<slug:slug>/audit/access", seeing.access, name="access"),
    path("c/<slug:slug>/audit/readers", readers.readers, name="readers"),
    path("c/<slug:slug>/break-glass", seeing.break_glass, name="break_glass"),
    path("c/<slug:slug>/audit", audit.audit, name="audit"),
    path("c/<slug:slug>/audit/<int:place>", audit.entry, name="audit_entry"),
    path("c/<slug:slug>/audit/integrity", integrity.integrity, name="integrity"),
    path("c/<slug:slug>/profile", own.profile, name="profile"),
]
