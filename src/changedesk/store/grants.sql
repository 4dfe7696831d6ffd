-- What the application's role may do; run by the owner after every migrate. No TRUNCATE anywhere, no UPDATE or DELETE
-- of history, evidence or keys.
GRANT USAGE ON SCHEMA public, desk TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {app};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {app};
REVOKE UPDATE, DELETE ON public.django_migrations, public.config_change FROM {app};
REVOKE ALL ON ALL TABLES IN SCHEMA desk FROM {app};
GRANT USAGE ON SEQUENCE desk.entry_id TO {app};
GRANT SELECT, INSERT ON
    desk.client_key, desk.subject_key, desk.subject, desk.holding, desk.request, desk.open_field, desk.challenge,
    desk.try, desk.factor, desk.consent, desk.decision, desk.hold, desk.dispute, desk.once, desk.entry, desk.payload, desk.status_move,
    desk.blind_index, desk.staged, desk.log_leaf, desk.log_head, desk.cursor, desk.delivery, desk.import_run,
    desk.import_row,
    desk.checkpoint, desk.cosignature, desk.anchor, desk.link, desk.unmerge_work, desk.transfer,
    desk.batch, desk.batch_row, desk.batch_approval, desk.reversal, desk.reversal_row, desk.audit_run,
    desk.reveal_note, desk.break_glass
    TO {app};
GRANT UPDATE (ver, head_leaf, state_ct, status, next_effective_at) ON desk.subject TO {app};
GRANT UPDATE (until) ON desk.holding TO {app};
GRANT UPDATE (state, version, revision, operation, fields, base_ver, digest, key_id, proposal_ct, route, needs_level, needs_consent,
              needs_approvals, reason_code, entered_by, entered_team, submitted_at, effective_at, state_at, expires_at, hold_until, applied_change)
    ON desk.request TO {app};
GRANT UPDATE (state, tries, decided_at) ON desk.challenge TO {app};
GRANT UPDATE (last_step, removed_at) ON desk.factor TO {app};
GRANT UPDATE (released_at, released_by, ends_at) ON desk.hold TO {app};
GRANT UPDATE (opened_at, hold_id, resolved_at, resolution) ON desk.dispute TO {app};
GRANT UPDATE (reply) ON desk.once TO {app};
GRANT UPDATE (size, frontier) ON desk.log_head TO {app};
GRANT UPDATE (next_idx) ON desk.cursor TO {app};
GRANT UPDATE (note) ON desk.checkpoint TO {app};
GRANT UPDATE (finished_at, start, size, findings, fault, idx, change_id, note) ON desk.audit_run TO {app};
GRANT UPDATE (state, attempts, next_at, lease_until, fence, last_error, provider_id, done_at, message_ct)
    ON desk.delivery TO {app};
GRANT UPDATE (reviewed_by, reviewed_at, verdict) ON desk.break_glass TO {app};
GRANT UPDATE (finished_at, counts) ON desk.import_run TO {app};
GRANT UPDATE (body_mac) ON desk.import_row TO {app};
GRANT UPDATE (finished_at, digest) ON desk.batch TO {app};
GRANT UPDATE (until, undo_request_id, undo_change) ON desk.link TO {app};
GRANT UPDATE (settled_at, settled_by) ON desk.unmerge_work TO {app};
GRANT DELETE ON desk.open_field, desk.staged, desk.blind_index TO {app};
GRANT SELECT, INSERT ON desk.subject_request, desk.subject_request_link, desk.subject_request_note, desk.subject_copy TO {app};
GRANT UPDATE (version, state, due_at, due_rule, acknowledged_at, identified_at, identity_level, extended_at, delay, stops,
              closed_at, outcome, ground, appealed_at) ON desk.subject_request TO {app};
GRANT UPDATE (body_ct) ON desk.subject_copy TO {app};
GRANT UPDATE (text_ct) ON desk.subject_request_note TO {app};
-- Forgetting: each of these is allowed for a subject with an erasure job only (ddl/guards.sql).
GRANT SELECT, INSERT ON desk.erasure, desk.retention_run TO {app};
GRANT UPDATE (state, last_word, journaled_at, confirmed_at, confirmed_change) ON desk.erasure TO {app};
GRANT UPDATE (after_id, looked_at, erased, finished_at) ON desk.retention_run TO {app};
GRANT UPDATE (key_id, erased_at) ON desk.subject TO {app};
GRANT UPDATE (wrapped, shredded_at) ON desk.subject_key TO {app};
GRANT UPDATE (ct) ON desk.payload TO {app};
GRANT UPDATE (evidence_ct) ON desk.consent TO {app};
GRANT UPDATE (note_ct) ON desk.decision TO {app};
GRANT UPDATE (secret_ct) ON desk.factor TO {app};
-- Searching the history: derived tables are made anew, kept searches and files end.
GRANT SELECT, INSERT, DELETE ON desk.found_block, desk.found_term, desk.found_former, desk.kept_search TO {app};
GRANT UPDATE (entries, first_at, last_at, times) ON desk.found_block TO {app};
GRANT UPDATE (bits) ON desk.found_term TO {app};
-- Counts of the log are made anew.
GRANT SELECT, INSERT, DELETE ON desk.trend, desk.trend_status TO {app};
GRANT UPDATE (times) ON desk.trend, desk.trend_status TO {app};
GRANT SELECT, INSERT ON desk.audit_export, desk.audit_export_about TO {app};
GRANT UPDATE (taken_at) ON desk.audit_export TO {app};
-- Renewing keys: wrapped again, never taken away while something needs them (ddl/rotation.sql).
GRANT SELECT, INSERT ON desk.rotation TO {app};
GRANT UPDATE (step, step_at, after_id, done, old, finished_at) ON desk.rotation TO {app};
GRANT UPDATE (wrapped, master, phase) ON desk.client_key TO {app};
GRANT UPDATE (epoch) ON desk.subject_key TO {app};
-- Alarms of audits and of broken glass.
GRANT SELECT, INSERT ON desk.alarm TO {app};
GRANT UPDATE (state, attempts, next_at, last_error, done_at) ON desk.alarm TO {app};
-- Parts of files go as soon as they are taken in.
GRANT SELECT, INSERT, DELETE ON desk.file_part TO {app};
-- Bundles that the worker makes go once they are fetched.
GRANT SELECT, INSERT, DELETE ON desk.bundle_asked TO {app};
GRANT UPDATE (state, subjects, bundle_id, file, code) ON desk.bundle_asked TO {app};
-- Evidence that left the house.
GRANT SELECT, INSERT ON desk.bundle TO {app};
-- Hooks, and what became of each event: deliveries go when they are old.
GRANT SELECT, INSERT ON desk.hook TO {app};
GRANT UPDATE (sealed, place, events, kinds, full_values, state, why, since, draft, failing_since, alarmed_at) ON desk.hook TO {app};
GRANT SELECT, INSERT, DELETE ON desk.hook_delivery TO {app};
GRANT UPDATE (state, tries, fence, next_at, code, error, done_at) ON desk.hook_delivery TO {app};
GRANT SELECT, INSERT ON desk.hook_told TO {app};
GRANT UPDATE (fields, last_at, times) ON desk.hook_told TO {app};
-- Entries that could not be told of yet.
GRANT SELECT, INSERT, DELETE ON desk.untold TO {app};
GRANT UPDATE (tries, next_at) ON desk.untold TO {app};
