"""Keys that expire, are rotated and know when they were used; who signed a feedback token; pages send feedback only."""

from django.db import migrations, models

RESOLVE = """
CREATE OR REPLACE FUNCTION resolve_api_key(hash text)
RETURNS TABLE (id uuid, organization_id uuid, organization_name text, name text, scopes text[], allowed_origins text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT k.id, k.organization_id, o.name::text, k.name::text, k.scopes::text[], k.allowed_origins::text[]
  FROM organizations_apikey k JOIN organizations_organization o ON o.id = k.organization_id
  WHERE k.digest = hash AND k.revoked_at IS NULL%s
$$;
"""
UNEXPIRED = " AND (k.expires_at IS NULL OR k.expires_at > now())"
# The digest itself stays here: what leaves can sign feedback tokens and do nothing else.
SIGNERS = """
CREATE FUNCTION resolve_token_signers(begins text)
RETURNS TABLE (id uuid, organization_id uuid, organization_name text, name text, allowed_origins text[], signing bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT k.id, k.organization_id, o.name::text, k.name::text, k.allowed_origins::text[],
    sha256(convert_to('feedback-token:' || k.digest, 'UTF8'))
  FROM organizations_apikey k JOIN organizations_organization o ON o.id = k.organization_id
  WHERE k.prefix = begins AND k.kind = 'secret' AND 'ingest' = ANY(k.scopes) AND k.revoked_at IS NULL
    AND (k.expires_at IS NULL OR k.expires_at > now())
  LIMIT 5
$$;
REVOKE ALL ON FUNCTION resolve_token_signers(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION resolve_token_signers(text) TO als_app;
"""
# The owner is bound by row-level security too; FORCE comes back before anybody else sees the table.
SCOPES = """
ALTER TABLE organizations_apikey NO FORCE ROW LEVEL SECURITY;
UPDATE organizations_apikey SET scopes = '{%s}' WHERE kind = 'publishable';
ALTER TABLE organizations_apikey FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("organizations", "0002_protection")]
    operations = [
        *(
            migrations.AddField("apikey", name, models.DateTimeField(blank=True, null=True))
            for name in ("expires_at", "rotated_at", "last_used_at")
        ),
        migrations.AlterModelOptions("apikey", {"verbose_name": "API key"}),
        migrations.AlterField(
            "apikey",
            "kind",
            models.CharField(
                choices=[("secret", "Secret (server side)"), ("publishable", "Publishable (browser, sends only)")],
                max_length=12,
            ),
        ),
        migrations.AddIndex("apikey", models.Index(fields=["prefix"], name="api_key_prefix")),
        migrations.RunSQL(RESOLVE % UNEXPIRED, RESOLVE % ""),
        migrations.RunSQL(SIGNERS, "DROP FUNCTION resolve_token_signers(text)"),
        migrations.RunSQL(SCOPES % "feedback", SCOPES % "ingest"),
    ]
