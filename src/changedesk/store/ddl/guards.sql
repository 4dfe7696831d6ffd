-- What no code path of the application can get round, because the database itself refuses.

-- Row security: fails closed (NULL) when no client is set; '' after a SET LOCAL transaction counts as none.
CREATE FUNCTION desk.current_client() RETURNS integer LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('changedesk.client', true), '')::integer $$;

DO $$
DECLARE t text;
BEGIN
    FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'desk' LOOP
        EXECUTE format('ALTER TABLE desk.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE desk.%I FORCE ROW LEVEL SECURITY', t);
        -- What counts is the restrictive policy: permissive ones are OR-ed, so that a later, looser one would open all of
        -- it. The function is inlined; as a subquery it would cost each statement a plan of its own for every table.
        EXECUTE format('CREATE POLICY some_client ON desk.%I USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY own_client ON desk.%I AS RESTRICTIVE USING (client_id = desk.current_client())'
                       ' WITH CHECK (client_id = desk.current_client())', t);
    END LOOP;
END $$;

-- What is wiped is wiped for a job, by its subject (or one of two); nobody has a right to more. Called by row, so that
-- no right to delete is needed: what holds personal data is emptied, what says that it was there stays.
CREATE FUNCTION desk.being_forgotten(VARIADIC subjects uuid[]) RETURNS boolean LANGUAGE sql STABLE AS
$$ SELECT EXISTS (SELECT FROM desk.erasure x WHERE x.client_id = desk.current_client()
                  AND x.subject_id = ANY(subjects) AND x.state <> 'done') $$;
CREATE FUNCTION desk.guard_erased() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF OLD.erased_at IS NOT NULL OR NOT desk.being_forgotten(OLD.id) THEN
        RAISE EXCEPTION 'nothing is wiped without an erasure, and nothing comes back' USING ERRCODE = 'CD021';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION desk.guard_forgetting() RETURNS trigger LANGUAGE plpgsql AS
$$
DECLARE
    whom uuid[];
    -- Of what holds one sealed part, the rest stays as it is.
    part text := CASE TG_TABLE_NAME WHEN 'payload' THEN 'ct' WHEN 'consent' THEN 'evidence_ct' WHEN 'decision' THEN 'note_ct'
                 END;
BEGIN
    IF TG_TABLE_NAME = 'payload' THEN
        SELECT array_agg(e.subject_id) INTO whom FROM desk.entry e
        WHERE e.client_id = OLD.client_id AND e.id = OLD.entry_id;
    ELSIF TG_TABLE_NAME IN ('consent', 'decision') THEN
        SELECT ARRAY[r.subject_id, r.person_id] INTO whom FROM desk.request r
        WHERE r.client_id = OLD.client_id AND r.id = OLD.request_id;
        IF to_jsonb(NEW) -> part <> 'null' THEN
            RAISE EXCEPTION 'evidence is not rewritten' USING ERRCODE = 'CD001';
        END IF;
    ELSE
        whom := ARRAY[OLD.subject_id];
    END IF;
    IF NOT coalesce(desk.being_forgotten(VARIADIC whom), false) THEN
        RAISE EXCEPTION 'nothing is wiped without an erasure' USING ERRCODE = 'CD021';
    END IF;
    IF part IS NOT NULL AND to_jsonb(NEW) - part <> to_jsonb(OLD) - part THEN
        RAISE EXCEPTION 'the history is append-only' USING ERRCODE = 'CD001';
    END IF;
    IF TG_TABLE_NAME = 'subject_key' THEN
        IF NEW.wrapped IS NOT NULL
           OR to_jsonb(NEW) - ARRAY['wrapped', 'shredded_at'] <> to_jsonb(OLD) - ARRAY['wrapped', 'shredded_at'] THEN
            RAISE EXCEPTION 'a key is destroyed, and nothing else' USING ERRCODE = 'CD021';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payload_forgets BEFORE UPDATE ON desk.payload FOR EACH ROW EXECUTE FUNCTION desk.guard_forgetting();
CREATE TRIGGER consent_forgets BEFORE UPDATE ON desk.consent FOR EACH ROW EXECUTE FUNCTION desk.guard_forgetting();
CREATE TRIGGER decision_forgets BEFORE UPDATE ON desk.decision FOR EACH ROW EXECUTE FUNCTION desk.guard_forgetting();
CREATE TRIGGER factor_forgets BEFORE UPDATE ON desk.factor FOR EACH ROW
    WHEN (NEW.secret_ct IS DISTINCT FROM OLD.secret_ct) EXECUTE FUNCTION desk.guard_forgetting();
CREATE TRIGGER key_forgets BEFORE UPDATE ON desk.subject_key FOR EACH ROW WHEN (NEW.wrapped IS NULL) EXECUTE FUNCTION desk.guard_forgetting();
CREATE TRIGGER import_row_forgets BEFORE UPDATE ON desk.import_row FOR EACH ROW EXECUTE FUNCTION desk.guard_forgetting();
CREATE TRIGGER subject_forgets BEFORE UPDATE OF key_id, erased_at ON desk.subject FOR EACH ROW
    WHEN (NEW.key_id <> OLD.key_id OR NEW.erased_at IS DISTINCT FROM OLD.erased_at)
    EXECUTE FUNCTION desk.guard_erased();
-- What was erased is never known again.
CREATE TRIGGER subject_stays_erased BEFORE UPDATE ON desk.subject FOR EACH ROW
    WHEN (OLD.erased_at IS NOT NULL AND (NEW.state_ct IS NOT NULL OR NEW.erased_at IS NULL OR NEW.key_id <> OLD.key_id))
    EXECUTE FUNCTION desk.guard_erased();

-- A job goes forward only, and what it is about stays.
CREATE FUNCTION desk.guard_erasure() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'requested' OR NEW.cause = 'request' AND NOT EXISTS (
            SELECT FROM desk.request r WHERE r.client_id = NEW.client_id AND r.id = NEW.request_id
            AND r.kind = 'erasure' AND r.subject_id = NEW.subject_id AND r.state = 'applied')
           OR NEW.cause = 'merged' AND NOT EXISTS (
            SELECT FROM desk.link l
            JOIN desk.erasure x ON x.client_id = l.client_id AND x.subject_id = l.survivor_id
            WHERE l.client_id = NEW.client_id AND l.merged_id = NEW.subject_id AND l.until IS NULL
            AND x.request_id = NEW.request_id) THEN
            RAISE EXCEPTION 'no applied request stands behind this erasure' USING ERRCODE = 'CD021';
        END IF;
        RETURN NEW;
    END IF;
    IF (OLD.state, NEW.state) NOT IN (('requested', 'journaled'), ('journaled', 'done'))
       OR to_jsonb(NEW) - ARRAY['state', 'last_word', 'journaled_at', 'confirmed_at', 'confirmed_change']
          <> to_jsonb(OLD) - ARRAY['state', 'last_word', 'journaled_at', 'confirmed_at', 'confirmed_change'] THEN
        RAISE EXCEPTION 'an erasure goes forward only' USING ERRCODE = 'CD021';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER erasure_guard BEFORE INSERT OR UPDATE ON desk.erasure FOR EACH ROW EXECUTE FUNCTION desk.guard_erasure();

-- The history is written once.
CREATE FUNCTION desk.refuse_rewrite() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the history is append-only' USING ERRCODE = 'CD001'; END $$;
CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON desk.entry
    FOR EACH STATEMENT EXECUTE FUNCTION desk.refuse_rewrite();
CREATE TRIGGER status_move_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON desk.status_move
    FOR EACH STATEMENT EXECUTE FUNCTION desk.refuse_rewrite();
CREATE TRIGGER log_leaf_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON desk.log_leaf
    FOR EACH STATEMENT EXECUTE FUNCTION desk.refuse_rewrite();

-- No state without its entry: the version that a subject stands at must be in the history when the transaction commits.
ALTER TABLE desk.subject ADD CONSTRAINT subject_version_in_history
    FOREIGN KEY (client_id, id, ver) REFERENCES desk.entry (client_id, subject_id, ver)
    DEFERRABLE INITIALLY DEFERRED;

CREATE FUNCTION desk.refuse_silent_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a state changes only with its entry' USING ERRCODE = 'CD002'; END $$;
CREATE TRIGGER subject_silent BEFORE UPDATE ON desk.subject FOR EACH ROW
    WHEN (NEW.ver <= OLD.ver AND NOT (NEW.erased_at IS NOT NULL AND NEW.state_ct IS NULL AND NEW.ver = OLD.ver
                                      AND NEW.head_leaf = OLD.head_leaf AND NEW.status = OLD.status)
          AND (NEW.state_ct IS DISTINCT FROM OLD.state_ct OR NEW.head_leaf IS DISTINCT FROM OLD.head_leaf
               OR NEW.status IS DISTINCT FROM OLD.status OR NEW.ver <> OLD.ver))
    EXECUTE FUNCTION desk.refuse_silent_change();

-- And the other way round: no request is applied without the entry that it brought.
ALTER TABLE desk.request ADD CONSTRAINT request_applied_in_history
    FOREIGN KEY (client_id, applied_change) REFERENCES desk.entry (client_id, change_id)
    DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT request_applied_by_change CHECK ((state = 'applied') = (applied_change IS NOT NULL));

-- A change that a request brings is written only together with that request's own move to applied.
CREATE FUNCTION desk.require_applied_request() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF NOT EXISTS (SELECT FROM desk.request r WHERE r.client_id = NEW.client_id AND r.id = NEW.request_id
                   AND r.subject_id = NEW.subject_id AND r.state = 'applied' AND r.applied_change = NEW.change_id)
       -- A merge stands in the survivor's stream too: behind that entry stands the link that its request made or ended.
       AND NOT (NEW.kind = 'merge.applied' AND EXISTS (
           SELECT FROM desk.link l WHERE l.client_id = NEW.client_id AND l.request_id = NEW.request_id
           AND l.survivor_id = NEW.subject_id AND l.survivor_change = NEW.change_id AND l.until IS NULL))
       AND NOT (NEW.kind = 'merge.undone' AND EXISTS (
           SELECT FROM desk.link l WHERE l.client_id = NEW.client_id AND l.undo_request_id = NEW.request_id
           AND l.survivor_id = NEW.subject_id AND l.undo_change = NEW.change_id)) THEN
        RAISE EXCEPTION 'no applied request stands behind this change' USING ERRCODE = 'CD003';
    END IF;
    RETURN NEW;
END $$;
-- An erasure is of a request, or of a job that time or the journal made.
CREATE FUNCTION desk.require_erasure() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF NOT EXISTS (SELECT FROM desk.erasure x WHERE x.client_id = NEW.client_id AND x.subject_id = NEW.subject_id
                   AND x.request_id IS NOT DISTINCT FROM NEW.request_id
                   AND (NEW.kind = 'erasure.requested'
                        OR NEW.kind = 'erasure.confirmed' AND x.state = 'done' AND x.confirmed_change = NEW.change_id)) THEN
        RAISE EXCEPTION 'no erasure stands behind this entry' USING ERRCODE = 'CD021';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER entry_needs_erasure AFTER INSERT ON desk.entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.kind IN ('erasure.requested', 'erasure.confirmed')) EXECUTE FUNCTION desk.require_erasure();

CREATE TRIGGER entry_needs_request BEFORE INSERT ON desk.entry FOR EACH ROW
    WHEN (NEW.kind IN ('change.applied', 'change.reverted', 'change.backdated', 'status.changed', 'plan.changed',
                       'ownership.transferred', 'merge.applied', 'merge.undone'))
    EXECUTE FUNCTION desk.require_applied_request();
-- Every other kind that changes a state is listed: a new one must say here what stands behind it.
ALTER TABLE desk.entry ADD CONSTRAINT entry_changes_are_known CHECK (
    ver IS NULL OR kind IN ('customer.created', 'account.created', 'change.applied', 'change.reverted',
                            'change.recorded', 'change.effective', 'change.backdated', 'status.changed',
                            'plan.changed', 'ownership.transferred', 'merge.applied', 'merge.undone', 'erasure.confirmed',
                            'desk.opened'));

-- The moves of rules.lifecycle.STEPS, from and to (a house test compares). By where it stands: the server makes the whole
-- expression anew in every transaction that moves a request.
CREATE FUNCTION desk.may_move(was text, becomes text) RETURNS boolean LANGUAGE sql IMMUTABLE AS
$$ SELECT becomes = ANY (CASE was
        WHEN 'approved' THEN '{applied,awaiting_verification,cancelled,failed,on_hold,scheduled,stale,
            withdrawn}'::text[]
        WHEN 'awaiting_approval' THEN '{approved,awaiting_information,awaiting_verification,cancelled,expired,on_hold,
            rejected,stale,submitted,withdrawn}'::text[]
        WHEN 'awaiting_consent' THEN '{approved,awaiting_approval,awaiting_information,awaiting_verification,
            cancelled,expired,submitted,withdrawn}'::text[]
        WHEN 'awaiting_information' THEN '{awaiting_approval,awaiting_consent,awaiting_information,
            awaiting_verification,cancelled,expired,rejected,submitted,withdrawn}'::text[]
        WHEN 'awaiting_verification' THEN '{approved,awaiting_approval,awaiting_consent,awaiting_information,
            cancelled,expired,submitted,withdrawn}'::text[]
        WHEN 'on_hold' THEN '{approved,awaiting_approval,cancelled,failed,stale,withdrawn}'::text[]
        WHEN 'scheduled' THEN '{applied,awaiting_verification,cancelled,failed,on_hold,stale,withdrawn}'::text[]
        WHEN 'stale' THEN '{awaiting_approval,awaiting_information,awaiting_verification,cancelled,expired,failed,
            rejected,submitted,withdrawn}'::text[]
        WHEN 'submitted' THEN '{approved,awaiting_approval,awaiting_consent,awaiting_information,
            awaiting_verification,cancelled,expired,submitted,withdrawn}'::text[]
        ELSE '{}' END) $$;

-- What a request asks changes by a revision only. Asked where one of these columns is set: no move of a request sets them.
CREATE FUNCTION desk.guard_content() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF (NEW.subject_id, NEW.person_id, NEW.initiated_by, NEW.kind)
       IS DISTINCT FROM (OLD.subject_id, OLD.person_id, OLD.initiated_by, OLD.kind) THEN
        RAISE EXCEPTION 'whom a request is about stays' USING ERRCODE = 'CD005';
    END IF;
    IF (NEW.operation, NEW.digest, NEW.needs_level, NEW.needs_consent, NEW.needs_approvals, NEW.fields, NEW.entered_by,
        NEW.entered_team, NEW.route, NEW.base_ver)
       IS DISTINCT FROM (OLD.operation, OLD.digest, OLD.needs_level, OLD.needs_consent, OLD.needs_approvals, OLD.fields, OLD.entered_by,
        OLD.entered_team, OLD.route, OLD.base_ver)
       AND (NEW.state <> 'submitted' OR NEW.revision <> OLD.revision + 1) THEN
        RAISE EXCEPTION 'what a request asks changes only by a revision' USING ERRCODE = 'CD005';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER request_keeps BEFORE UPDATE OF subject_id, person_id, initiated_by, kind, operation, digest, needs_level,
    needs_consent, needs_approvals, fields, entered_by, entered_team, route, base_ver ON desk.request
    FOR EACH ROW EXECUTE FUNCTION desk.guard_content();

-- A request moves only along those, and its evidence must be there. Whatever looks at other rows stands in an IF of its
-- own: an expression with a query in it is a query, also where what comes before it says no.
CREATE FUNCTION desk.guard_request() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF OLD.state IN ('applied', 'rejected', 'withdrawn', 'cancelled', 'expired', 'failed') THEN
        IF NEW.proposal_ct IS NULL AND to_jsonb(NEW) - 'proposal_ct' = to_jsonb(OLD) - 'proposal_ct'
           AND desk.being_forgotten(OLD.subject_id, OLD.person_id) THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'this request has ended' USING ERRCODE = 'CD004';
    END IF;
    IF NEW.state <> OLD.state AND NOT desk.may_move(OLD.state, NEW.state) THEN
        RAISE EXCEPTION 'a request does not move that way' USING ERRCODE = 'CD004';
    END IF;
    IF NEW.state NOT IN ('approved', 'scheduled', 'applied') THEN
        RETURN NEW;
    END IF;
    -- Three is two real factors of different classes, one bound to this content; two is one real factor; one is
    -- a call-back, or the customer's own session.
    IF NEW.needs_level >= 3 THEN
        IF NOT EXISTS (
            SELECT FROM desk.challenge b JOIN desk.challenge c ON c.client_id = b.client_id
                AND c.subject_id = b.subject_id AND c.method <> b.method
            WHERE b.client_id = NEW.client_id AND b.request_id = NEW.id AND b.subject_id = NEW.person_id
            AND b.purpose = 'change'
            AND b.state = 'confirmed' AND b.digest = NEW.digest AND b.method IN ('code_email', 'code_sms', 'totp')
            AND c.state = 'confirmed' AND c.method IN ('code_email', 'code_sms', 'totp')
            AND (c.purpose = 'caller' OR c.purpose = 'change' AND c.request_id = NEW.id AND c.digest = NEW.digest)) THEN
            RAISE EXCEPTION 'no verification is bound to this change' USING ERRCODE = 'CD006';
        END IF;
    ELSIF NEW.needs_level >= 1
        AND NOT (NEW.needs_level = 1 AND NEW.entered_by LIKE 'c%' AND NEW.channel IN ('web_portal', 'mobile_app')) THEN
        IF NOT EXISTS (
            SELECT FROM desk.challenge c WHERE c.client_id = NEW.client_id AND c.subject_id = NEW.person_id
            AND c.state = 'confirmed'
            AND (c.purpose = 'caller' OR c.purpose = 'change' AND c.request_id = NEW.id AND c.digest = NEW.digest)
            AND (c.method IN ('code_email', 'code_sms', 'totp') OR c.method = 'callback' AND NEW.needs_level = 1)) THEN
            RAISE EXCEPTION 'the customer is not verified for this change' USING ERRCODE = 'CD006';
        END IF;
    END IF;
    IF (NEW.route -> 'confirm_new_contacts')::boolean THEN
        IF EXISTS (
            SELECT FROM jsonb_array_elements_text(NEW.route -> 'new_contacts') AS n (path) WHERE NOT EXISTS (
                SELECT FROM desk.challenge c WHERE c.client_id = NEW.client_id AND c.request_id = NEW.id
                AND c.purpose = 'new_contact' AND c.state = 'confirmed' AND c.digest = NEW.digest
                AND c.contact_path = n.path)) THEN
            RAISE EXCEPTION 'a new contact point has not answered' USING ERRCODE = 'CD006';
        END IF;
    END IF;
    -- Nobody is given an account: whoever takes it over has proved themselves, for exactly this content.
    IF NEW.kind = 'ownership_transfer' THEN
        IF NOT EXISTS (
            SELECT FROM desk.transfer t JOIN desk.challenge c ON c.client_id = t.client_id
                AND c.request_id = t.request_id AND c.subject_id = t.to_id AND c.digest = t.digest
            WHERE t.client_id = NEW.client_id AND t.request_id = NEW.id AND t.digest = NEW.digest
            AND t.account_id = NEW.subject_id AND t.from_id = NEW.person_id
            AND c.purpose = 'change' AND c.state = 'confirmed' AND c.method IN ('code_email', 'code_sms', 'totp')) THEN
            RAISE EXCEPTION 'the new holder has not confirmed' USING ERRCODE = 'CD013';
        END IF;
    END IF;
    IF NEW.needs_consent IS NOT NULL THEN
        IF NOT EXISTS (
            SELECT FROM desk.consent c WHERE c.client_id = NEW.client_id AND c.request_id = NEW.id
            AND c.digest = NEW.digest AND c.statement = NEW.needs_consent) THEN
            RAISE EXCEPTION 'no consent is recorded for this change' USING ERRCODE = 'CD007';
        END IF;
    END IF;
    IF NEW.needs_approvals > 0 THEN
        IF (SELECT count(*) FROM desk.decision d WHERE d.client_id = NEW.client_id AND d.request_id = NEW.id
            AND d.digest = NEW.digest AND d.verdict = 'approve' AND d.actor <> NEW.entered_by
            AND (NEW.route -> 'makers' ? d.actor) IS NOT TRUE
            AND NOT (NEW.route -> 'separation' ? 'team' AND NEW.entered_team <> '' AND d.team = NEW.entered_team))
           < NEW.needs_approvals THEN
            RAISE EXCEPTION 'approvals are missing for this change' USING ERRCODE = 'CD008';
        END IF;
    END IF;
    IF NEW.state <> 'applied' THEN
        RETURN NEW;
    END IF;
    -- A freeze of everything stops whatever may be more than the end of marketing.
    IF EXISTS (SELECT FROM unnest(NEW.fields) AS f (path) WHERE path NOT LIKE 'pref.marketing%') AND EXISTS (
        SELECT FROM desk.hold h WHERE h.client_id = NEW.client_id AND h.subject_id IN (NEW.subject_id, NEW.person_id)
        AND h.blocks @> ARRAY['*'] AND h.released_at IS NULL AND h.starts_at <= NEW.state_at
        AND (h.ends_at IS NULL OR h.ends_at > NEW.state_at)) THEN
        RAISE EXCEPTION 'this customer''s record is frozen' USING ERRCODE = 'CD010';
    END IF;
    -- What has ended changes no more, but for its own status, for a right of the person, and for the end of marketing.
    IF NEW.kind NOT IN ('account_status', 'merge', 'unmerge', 'restriction', 'erasure')
        AND NEW.reason_code <> 'data_subject_request' THEN
        IF EXISTS (SELECT FROM unnest(NEW.fields) AS f (path) WHERE path NOT LIKE 'pref.marketing%') AND EXISTS (
            SELECT FROM desk.subject s WHERE s.client_id = NEW.client_id AND s.id = NEW.subject_id
            AND s.status IN ('deactivated', 'closed', 'merged')) THEN
            RAISE EXCEPTION 'what has ended changes no more' USING ERRCODE = 'CD020';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER request_guard BEFORE UPDATE ON desk.request FOR EACH ROW EXECUTE FUNCTION desk.guard_request();

CREATE FUNCTION desk.guard_new_request() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF NEW.state <> 'submitted' OR NEW.applied_change IS NOT NULL THEN
        RAISE EXCEPTION 'a request starts as submitted' USING ERRCODE = 'CD004';
    END IF;
    IF NEW.route -> 'prohibitions' <> '[]' THEN
        RAISE EXCEPTION 'a rule forbids this change' USING ERRCODE = 'CD011';
    END IF;
    IF (NEW.needs_level, NEW.needs_consent, NEW.needs_approvals) IS DISTINCT FROM
       ((NEW.route ->> 'level')::smallint, NEW.route ->> 'consent', (NEW.route ->> 'approvals')::smallint) THEN
        RAISE EXCEPTION 'a request needs what its route says' USING ERRCODE = 'CD005';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER request_starts BEFORE INSERT ON desk.request FOR EACH ROW EXECUTE FUNCTION desk.guard_new_request();

-- Evidence cannot be taken back or rewritten once it is given.
-- All but the sealed text, which an erasure empties (consent_forgets, decision_forgets).
CREATE TRIGGER consent_append_only
    BEFORE UPDATE OF client_id, request_id, digest, statement, version, language, wording_hash, way, recorded_by, given_at
        OR DELETE OR TRUNCATE ON desk.consent
    FOR EACH STATEMENT EXECUTE FUNCTION desk.refuse_rewrite();
CREATE TRIGGER decision_append_only
    BEFORE UPDATE OF client_id, request_id, digest, actor, team, verdict, reason_code, at OR DELETE OR TRUNCATE
        ON desk.decision
    FOR EACH STATEMENT EXECUTE FUNCTION desk.refuse_rewrite();
CREATE FUNCTION desk.guard_challenge() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF OLD.state <> 'open' AND NOT (OLD.state = 'confirmed' AND NEW.state = 'void')
       OR (NEW.subject_id, NEW.request_id, NEW.purpose, NEW.method, NEW.digest, NEW.code_mac)
          IS DISTINCT FROM (OLD.subject_id, OLD.request_id, OLD.purpose, OLD.method, OLD.digest, OLD.code_mac) THEN
        RAISE EXCEPTION 'a decided challenge stays as it is' USING ERRCODE = 'CD009';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER challenge_guard BEFORE UPDATE ON desk.challenge FOR EACH ROW EXECUTE FUNCTION desk.guard_challenge();
CREATE FUNCTION desk.guard_new_challenge() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF NEW.state <> 'open' THEN
        RAISE EXCEPTION 'a challenge starts open' USING ERRCODE = 'CD009';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER challenge_starts BEFORE INSERT ON desk.challenge FOR EACH ROW EXECUTE FUNCTION desk.guard_new_challenge();

-- A link comes from an applied merge, ends by an applied unmerge, and is not rewritten. A chain of merges has an end.
CREATE FUNCTION desk.guard_link() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.until IS NOT NULL OR NOT EXISTS (
            SELECT FROM desk.request r WHERE r.client_id = NEW.client_id AND r.id = NEW.request_id AND r.kind = 'merge'
            AND r.subject_id = NEW.merged_id AND r.state = 'applied' AND r.applied_change = NEW.id) THEN
            RAISE EXCEPTION 'no applied merge stands behind this link' USING ERRCODE = 'CD014';
        END IF;
        IF NOT EXISTS (
            SELECT FROM desk.subject m JOIN desk.subject s ON s.client_id = m.client_id AND s.type = m.type
            WHERE m.client_id = NEW.client_id AND m.id = NEW.merged_id AND s.id = NEW.survivor_id)
           OR EXISTS (SELECT FROM desk.link l WHERE l.client_id = NEW.client_id AND l.merged_id = NEW.survivor_id
                      AND l.until IS NULL) THEN
            RAISE EXCEPTION 'a survivor is of the same sort, and not merged itself' USING ERRCODE = 'CD014';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.until IS NOT NULL
       OR (NEW.id, NEW.merged_id, NEW.survivor_id, NEW.survivor_change, NEW.request_id, NEW.since)
          IS DISTINCT FROM (OLD.id, OLD.merged_id, OLD.survivor_id, OLD.survivor_change, OLD.request_id, OLD.since)
       OR NOT EXISTS (
           SELECT FROM desk.request r WHERE r.client_id = NEW.client_id AND r.id = NEW.undo_request_id
           AND r.kind = 'unmerge' AND r.subject_id = NEW.merged_id AND r.state = 'applied') THEN
        RAISE EXCEPTION 'a link ends by an applied unmerge' USING ERRCODE = 'CD014';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER link_guard BEFORE INSERT OR UPDATE ON desk.link FOR EACH ROW EXECUTE FUNCTION desk.guard_link();
CREATE TRIGGER transfer_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON desk.transfer
    FOR EACH STATEMENT EXECUTE FUNCTION desk.refuse_rewrite();
