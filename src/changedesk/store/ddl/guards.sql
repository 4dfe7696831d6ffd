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
        EXECUTE format('CREATE POLICY own_client ON desk.%I USING (client_id = (SELECT desk.current_client()))'
                       ' WITH CHECK (client_id = (SELECT desk.current_client()))', t);
        -- Permissive policies are OR-ed: this one keeps any later, looser policy inside the client.
        EXECUTE format('CREATE POLICY only_own_client ON desk.%I AS RESTRICTIVE'
                       ' USING (client_id = (SELECT desk.current_client()))'
                       ' WITH CHECK (client_id = (SELECT desk.current_client()))', t);
    END LOOP;
END $$;

-- The history is written once.
CREATE FUNCTION desk.refuse_rewrite() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the history is append-only' USING ERRCODE = 'CD001'; END $$;
CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON desk.entry
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
    WHEN (NEW.ver <= OLD.ver
          AND (NEW.state_ct IS DISTINCT FROM OLD.state_ct OR NEW.head_leaf IS DISTINCT FROM OLD.head_leaf
               OR NEW.status IS DISTINCT FROM OLD.status OR NEW.ver <> OLD.ver))
    EXECUTE FUNCTION desk.refuse_silent_change();

-- A change that a request brings is written only together with that request's own move to applied.
CREATE FUNCTION desk.require_applied_request() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF NOT EXISTS (SELECT FROM desk.request r WHERE r.client_id = NEW.client_id AND r.id = NEW.request_id
                   AND r.subject_id = NEW.subject_id AND r.state = 'applied' AND r.applied_change = NEW.change_id) THEN
        RAISE EXCEPTION 'no applied request stands behind this change' USING ERRCODE = 'CD003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER entry_needs_request BEFORE INSERT ON desk.entry FOR EACH ROW
    WHEN (NEW.kind IN ('change.applied', 'change.reverted'))
    EXECUTE FUNCTION desk.require_applied_request();
-- Every other kind that changes a state is listed: a new one must say here what stands behind it.
ALTER TABLE desk.entry ADD CONSTRAINT entry_changes_are_known CHECK (
    ver IS NULL OR kind IN ('customer.created', 'account.created', 'change.applied', 'change.reverted',
                            'change.recorded', 'change.effective'));

-- A request moves only along rules.lifecycle.STEPS (a house test compares), and its evidence must be there.
CREATE FUNCTION desk.guard_request() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF OLD.state IN ('applied', 'rejected', 'withdrawn', 'cancelled', 'expired', 'failed') THEN
        RAISE EXCEPTION 'this request has ended' USING ERRCODE = 'CD004';
    END IF;
    IF (NEW.digest, NEW.needs_level, NEW.needs_consent, NEW.needs_approvals, NEW.fields, NEW.entered_by)
       IS DISTINCT FROM (OLD.digest, OLD.needs_level, OLD.needs_consent, OLD.needs_approvals, OLD.fields, OLD.entered_by)
       AND (NEW.state <> 'submitted' OR NEW.revision <> OLD.revision + 1) THEN
        RAISE EXCEPTION 'what a request asks changes only by a revision' USING ERRCODE = 'CD005';
    END IF;
    IF NEW.state IN ('approved', 'scheduled', 'applied') THEN
        IF NEW.needs_level >= 3 AND NOT EXISTS (
            SELECT FROM desk.challenge c WHERE c.client_id = NEW.client_id AND c.request_id = NEW.id
            AND c.purpose = 'change' AND c.state = 'confirmed' AND c.digest = NEW.digest) THEN
            RAISE EXCEPTION 'no verification is bound to this change' USING ERRCODE = 'CD006';
        END IF;
        IF NEW.needs_level BETWEEN 1 AND 2 AND NEW.channel <> 'web_portal' AND NOT EXISTS (
            SELECT FROM desk.challenge c WHERE c.client_id = NEW.client_id AND c.subject_id = NEW.subject_id
            AND c.state = 'confirmed' AND c.purpose <> 'new_contact'
            AND (c.request_id = NEW.id OR c.purpose = 'caller')) THEN
            RAISE EXCEPTION 'the customer is not verified for this change' USING ERRCODE = 'CD006';
        END IF;
        IF NEW.needs_consent IS NOT NULL AND NOT EXISTS (
            SELECT FROM desk.consent c WHERE c.client_id = NEW.client_id AND c.request_id = NEW.id
            AND c.digest = NEW.digest AND c.statement = NEW.needs_consent) THEN
            RAISE EXCEPTION 'no consent is recorded for this change' USING ERRCODE = 'CD007';
        END IF;
        IF (SELECT count(*) FROM desk.decision d WHERE d.client_id = NEW.client_id AND d.request_id = NEW.id
            AND d.digest = NEW.digest AND d.verdict = 'approve' AND d.actor <> NEW.entered_by) < NEW.needs_approvals THEN
            RAISE EXCEPTION 'approvals are missing for this change' USING ERRCODE = 'CD008';
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
    RETURN NEW;
END $$;
CREATE TRIGGER request_starts BEFORE INSERT ON desk.request FOR EACH ROW EXECUTE FUNCTION desk.guard_new_request();

-- Evidence cannot be taken back or rewritten once it is given.
CREATE TRIGGER consent_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON desk.consent
    FOR EACH STATEMENT EXECUTE FUNCTION desk.refuse_rewrite();
CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON desk.decision
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
