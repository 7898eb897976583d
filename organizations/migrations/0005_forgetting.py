"""What an event tells can be forgotten while its seal holds; the owner may erase; an organization's own retention."""

import hashlib
import json
import secrets

from django.db import migrations, models

from organizations.protection import LetOwnerErase

FUNCTIONS = """
CREATE FUNCTION erase_audit_texts(events uuid[]) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  erased int;
BEGIN
  UPDATE organizations_auditevent SET before = '{}', after = '{"erased": true}', salt = '', updated_at = now()
  WHERE id = ANY(events) AND salt <> '';
  GET DIAGNOSTICS erased = ROW_COUNT;
  RETURN erased;
END $$;
REVOKE ALL ON FUNCTION erase_audit_texts(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_audit_texts(uuid[]) TO als_app;

CREATE FUNCTION erase_written_once(written text, part text, ids uuid[]) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  erased int;
BEGIN
  IF (written, part) NOT IN (('learning_trainingrunlog', 'message'), ('experiments_deploymentevent', 'note')) THEN
    RAISE EXCEPTION '% of % is not to be erased', part, written;
  END IF;
  EXECUTE format('UPDATE %I SET %I = ''[erased]'', updated_at = now() WHERE id = ANY($1)', written, part) USING ids;
  GET DIAGNOSTICS erased = ROW_COUNT;
  RETURN erased;
END $$;
REVOKE ALL ON FUNCTION erase_written_once(text, text, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_written_once(text, text, uuid[]) TO als_app;
"""
NO_FUNCTIONS = """
DROP FUNCTION erase_written_once(text, text, uuid[]);
DROP FUNCTION erase_audit_texts(uuid[]);
"""
TABLES = ("organizations_auditevent", "organizations_auditseal")


def told(salt, before, after):
    return hashlib.sha256(json.dumps([salt, before, after], sort_keys=True, default=str).encode()).hexdigest()


def sealed_whole(event):
    """What a seal held until now."""
    return json.dumps([*_facts(event), event.before, event.after, event.created_at.isoformat()], sort_keys=True)


def sealed_salted(event):
    """What a seal holds from now on."""
    digest = told(event.salt, event.before, event.after) if event.salt else event.told_digest
    return json.dumps([*_facts(event), digest, event.created_at.isoformat()])


def _facts(event):
    return [str(event.id), event.actor_label, event.action, event.target_type, event.target_id]


def chained(before, events, form):
    chain = hashlib.sha256(before.encode())
    for event in events:
        chain.update(form(event).encode())
    return chain.hexdigest()


def seal_again(apps, schema_editor, old_form, new_form):
    """Seals that hold are made anew in the other form; one that is broken stays as it is, and shows as broken."""
    event_model, seal_model = (apps.get_model("organizations", name) for name in ("AuditEvent", "AuditSeal"))
    for organization_id in seal_model.objects.values_list("organization_id", flat=True).distinct():
        last = old_before = new_before = ""
        for seal in seal_model.objects.filter(organization_id=organization_id).order_by("created_at"):
            events = event_model.objects.filter(organization_id=organization_id, id__lte=seal.last_event_id)
            events = list((events.filter(id__gt=last) if last else events).order_by("id"))
            last, old = seal.last_event_id, seal.digest
            if chained(old_before, events, old_form) == old:
                seal.digest = chained(new_before, events, new_form)
                seal.save(update_fields=["digest"])
            old_before, new_before = old, seal.digest


def as_owner(work):
    """The owner is bound by row-level security too; FORCE comes back before anybody else sees the tables."""

    def run(apps, schema_editor):
        for table in TABLES:
            schema_editor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        work(apps, schema_editor)
        for table in TABLES:
            schema_editor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")

    return run


@as_owner
def salt_events(apps, schema_editor):
    event_model = apps.get_model("organizations", "AuditEvent")
    for event in event_model.objects.filter(salt="").order_by("id").iterator():
        event.salt = secrets.token_hex(16)
        event.told_digest = told(event.salt, event.before, event.after)
        event.save(update_fields=["salt", "told_digest"])
    seal_again(apps, schema_editor, sealed_whole, sealed_salted)


@as_owner
def unsalt_events(apps, schema_editor):
    seal_again(apps, schema_editor, sealed_salted, sealed_whole)


class Migration(migrations.Migration):
    dependencies = [("organizations", "0004_redaction_patterns")]
    operations = [
        migrations.AddField("auditevent", "salt", models.CharField(max_length=32, default="", db_default="")),
        migrations.AddField("auditevent", "told_digest", models.CharField(max_length=64, default="", db_default="")),
        migrations.AddField("organization", "retention_days", models.PositiveIntegerField(blank=True, null=True)),
        migrations.RunPython(salt_events, unsalt_events),
        LetOwnerErase(),
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
    ]
