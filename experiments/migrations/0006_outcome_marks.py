"""Marks units of live experiments that something comes of later than a look expects, is changed or deleted.

What is stored as it is created needs no mark: a look reads everything that was stored since a moment before which
nothing can come any more. Retention marks nothing: what it removes has counted, and stays counted.
"""

from django.db import migrations

MARK = """
INSERT INTO experiments_outcomemark (id, organization_id, created_at, updated_at, experiment_id, unit)
SELECT gen_random_uuid(), e.organization_id, now(), now(), e.id, {unit}
FROM experiments_experiment e {source}
WHERE e.organization_id = {row}.organization_id AND e.status IN ('running', 'paused') AND {of} AND {unit} <> '';
"""
OF_AGENT = "e.agent_id = {row}.agent_id AND e.started_at IS NOT NULL"
UNIT = """(CASE e.unit WHEN 'user' THEN {row}."user" WHEN 'execution' THEN {row}.external_id
  ELSE coalesce({row}.context ->> 'session_id', {row}.metadata ->> 'session_id') END)"""
OF_EXECUTION = "JOIN learning_execution x ON x.organization_id = e.organization_id AND x.id = {row}.execution_id"
FUNCTION = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF current_setting('app.retaining', true) = 'on' OR current_setting('app.erasing', true) = 'on' THEN
    RETURN NULL;
  END IF;
  IF NOT EXISTS (SELECT 1 FROM experiments_experiment WHERE status IN ('running', 'paused')) THEN
    RETURN NULL;  -- one cheap look for what is imported or deleted by the thousand
  END IF;
  IF TG_OP <> 'INSERT' THEN {old}
  END IF;
  IF TG_OP <> 'DELETE' THEN {new}
  END IF;
  RETURN NULL;
END $$;
"""
LATE = "NEW.created_at < clock_timestamp() - interval '1 minute'"
WATCHED = {
    "learning_execution": (
        "agent_id", '"user"', "external_id", "config_id", "variant", "status", "duration_ms", "input_tokens",
        "output_tokens", "cost", "metadata", "context",
    ),
    "learning_agentfeedback": (
        "agent_id", "execution_id", "created_at", "feedback_type", "rating", "accuracy",
    ),
    "experiments_outcomeevent": ("unit", "metric", "value", "denominator", "occurred_at"),
    "experiments_exposure": ("variant_id", "unit", "exposed_at", "crossed_at", "forced", "revision"),
    "experiments_forcedassignment": ("unit",),
}  # fmt: skip


def _mark(table: str, row: str) -> str:
    if table == "learning_execution":
        return MARK.format(unit=UNIT.format(row=row), source="", row=row, of=OF_AGENT.format(row=row))
    if table == "learning_agentfeedback":
        source = OF_EXECUTION.format(row=row)
        return MARK.format(unit=UNIT.format(row="x"), source=source, row=row, of=OF_AGENT.format(row=row))
    of = OF_AGENT.format(row=row) if table == "experiments_outcomeevent" else f"e.id = {row}.experiment_id"
    return MARK.format(unit=f"{row}.unit", source="", row=row, of=of)


def _triggers(table: str, columns: tuple[str, ...]) -> str:
    name = f"mark_outcome_of_{table.partition('_')[2]}"
    function = FUNCTION.format(name=name, old=_mark(table, "OLD"), new=_mark(table, "NEW"))
    changed = ", ".join(f"OLD.{column}" for column in columns), ", ".join(f"NEW.{column}" for column in columns)
    named = "{row}.execution_id IS NOT NULL" if table == "learning_agentfeedback" else "true"
    late = "" if table == "experiments_forcedassignment" else f" WHEN ({LATE} AND {named.format(row='NEW')})"
    gone = f" WHEN ({named.format(row='OLD')})" if named != "true" else ""
    deleted = f"CREATE TRIGGER {name}_deleted AFTER DELETE ON {table} FOR EACH ROW{gone} EXECUTE FUNCTION {name}();"
    return f"""{function}
CREATE TRIGGER {name}_late AFTER INSERT ON {table} FOR EACH ROW{late} EXECUTE FUNCTION {name}();
CREATE TRIGGER {name}_changed AFTER UPDATE ON {table} FOR EACH ROW
  WHEN (({changed[0]}) IS DISTINCT FROM ({changed[1]})) EXECUTE FUNCTION {name}();
{deleted if table not in ("experiments_exposure", "experiments_forcedassignment") else ""}"""


def _no_triggers(table: str) -> str:
    name = f"mark_outcome_of_{table.partition('_')[2]}"
    drops = "".join(f"DROP TRIGGER IF EXISTS {name}_{end} ON {table};" for end in ("late", "changed", "deleted"))
    return f"{drops} DROP FUNCTION {name}();"


# Units that are sessions are looked up by them.
SESSION = "coalesce(context ->> 'session_id', metadata ->> 'session_id')"
INDEX = f"""CREATE INDEX execution_of_session ON learning_execution (organization_id, agent_id, ({SESSION}))
  WHERE {SESSION} IS NOT NULL"""


class Migration(migrations.Migration):
    dependencies = [("experiments", "0005_outcomes")]
    operations = [
        migrations.RunSQL(_triggers(table, columns), _no_triggers(table)) for table, columns in WATCHED.items()
    ] + [migrations.RunSQL(INDEX, "DROP INDEX execution_of_session")]
