"""One piece of feedback in one statement: the tenant, the agent, the execution, the row, and a correction's example.

A statement of its own is a transaction of its own, so the intake needs one round trip. What is out of the ordinary is
not decided here: then the outcome is `unsure`, nothing was written, and the services go the long way.
"""

from django.db import migrations

# Runs with the rights of its caller, so that row-level security holds inside. The setting before is put back: the caller
# may be in a transaction that goes on. Each query has a snapshot of its own and sees what was committed meanwhile.
TAKE_FEEDBACK = """
CREATE FUNCTION take_feedback(tenant uuid, item jsonb, OUT outcome text, OUT stored uuid)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER AS $$
DECLARE
  outer_tenant text := current_setting('app.organization_id', true);
  the_agent uuid;
  the_domain text;
  the_execution uuid;
  found_executions int;
BEGIN
  PERFORM set_config('app.organization_id', tenant::text, true);
  outcome := 'unsure';
  IF item ? 'agent_id' THEN
    SELECT a.id, a.domain INTO the_agent, the_domain
    FROM learning_agent a WHERE a.organization_id = tenant AND a.external_id = item->>'agent_id';
    IF the_agent IS NOT NULL AND item ? 'execution_id' THEN
      SELECT k.id INTO the_execution FROM learning_executionkey k
      WHERE k.organization_id = tenant AND k.agent_id = the_agent AND k.external_id = item->>'execution_id';
    END IF;
  ELSIF item ? 'execution_id' THEN
    SELECT (array_agg(x.agent_id))[1], (array_agg(x.id))[1], count(*)
    INTO the_agent, the_execution, found_executions
    FROM learning_execution x WHERE x.organization_id = tenant AND x.external_id = item->>'execution_id';
    IF found_executions > 1 THEN
      the_agent := NULL;
    ELSIF item ? 'example_id' THEN
      SELECT a.domain INTO the_domain FROM learning_agent a WHERE a.organization_id = tenant AND a.id = the_agent;
    END IF;
  END IF;
  IF the_agent IS NOT NULL THEN
    INSERT INTO learning_agentfeedback (
      id, organization_id, created_at, updated_at, agent_id, execution_id, execution_external_id, "user", feedback_type,
      rating, accuracy, helpfulness, clarity, completeness, feedback_text, correction_text, issue_categories, consent,
      idempotency_key, digest)
    SELECT r.id, tenant, now(), now(), the_agent, the_execution, coalesce(r.execution_id, ''), coalesce(r.user_id, ''),
      r.feedback_type, r.rating, r.accuracy, r.helpfulness, r.clarity, r.completeness, coalesce(r.feedback_text, ''),
      coalesce(r.correction_text, ''), coalesce(r.issue_categories, '{}'), r.consent, r.idempotency_key, r.digest
    FROM jsonb_to_record(item) AS r(
      id uuid, execution_id text, user_id text, feedback_type text, rating smallint, accuracy smallint,
      helpfulness smallint, clarity smallint, completeness smallint, feedback_text text, correction_text text,
      issue_categories text[], consent boolean, idempotency_key text, digest text)
    ON CONFLICT (organization_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING id INTO stored;
    IF stored IS NULL THEN
      SELECT CASE WHEN f.digest = item->>'digest' THEN 'replayed' ELSE 'conflict' END, f.id INTO outcome, stored
      FROM learning_agentfeedback f
      WHERE f.organization_id = tenant AND f.idempotency_key = item->>'idempotency_key';
      outcome := coalesce(outcome, 'unsure');
    ELSE
      outcome := 'stored';
      IF item ? 'example_id' THEN
        INSERT INTO learning_learningexample (
          id, organization_id, created_at, updated_at, agent_id, example_type, source_type, source_execution_id,
          source_feedback_id, input_text, input_context, original_output, expected_output, rejected_output, domain,
          task_type, tags, review_status, cluster_key)
        SELECT (item->>'example_id')::uuid, tenant, now(), now(), the_agent, 'correction', 'user_feedback', the_execution,
          stored, coalesce(x.input, ''), coalesce(x.context, '{}'), coalesce(x.output, ''), item->>'correction_text', '',
          the_domain, '', '{}', 'pending', ''
        FROM (VALUES (the_execution)) AS about(id)
        LEFT JOIN learning_execution x ON x.organization_id = tenant AND x.id = about.id;
      END IF;
    END IF;
  END IF;
  PERFORM set_config('app.organization_id', coalesce(outer_tenant, ''), true);
END $$;
REVOKE ALL ON FUNCTION take_feedback(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION take_feedback(uuid, jsonb) TO als_app;
"""


class Migration(migrations.Migration):
    dependencies = [("learning", "0003_protection")]
    operations = [migrations.RunSQL(TAKE_FEEDBACK, "DROP FUNCTION take_feedback(uuid, jsonb)")]
