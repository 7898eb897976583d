"""Row-level security of the ground floor, and the three questions that are answered before an organization is known."""

from django.db import migrations

from organizations.protection import PERSON, ProtectSystemTable, ProtectTenantTable

FUNCTIONS = """
CREATE POLICY resolver ON organizations_apikey FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY resolver ON organizations_organization FOR SELECT TO CURRENT_USER USING (true);

CREATE FUNCTION resolve_api_key(hash text)
RETURNS TABLE (id uuid, organization_id uuid, organization_name text, name text, scopes text[], allowed_origins text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT k.id, k.organization_id, o.name::text, k.name::text, k.scopes::text[], k.allowed_origins::text[]
  FROM organizations_apikey k JOIN organizations_organization o ON o.id = k.organization_id
  WHERE k.digest = hash AND k.revoked_at IS NULL
$$;
REVOKE ALL ON FUNCTION resolve_api_key(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION resolve_api_key(text) TO als_app;

CREATE FUNCTION organization_ids() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT id FROM organizations_organization ORDER BY id
$$;
REVOKE ALL ON FUNCTION organization_ids() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organization_ids() TO als_app;
"""
NO_FUNCTIONS = """
DROP FUNCTION organization_ids();
DROP FUNCTION resolve_api_key(text);
DROP POLICY resolver ON organizations_organization;
DROP POLICY resolver ON organizations_apikey;
"""
SYSTEM_TABLES = (
    "organizations_user", "organizations_user_groups", "organizations_user_user_permissions", "auth_group",
    "auth_group_permissions", "django_session", "django_admin_log", "axes_accessattempt", "axes_accesslog",
    "axes_accessfailurelog", "axes_accessattemptexpiration",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0001_initial"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("axes", "0010_accessattemptexpiration"),
        ("sessions", "0001_initial"),
    ]
    operations = [
        ProtectTenantTable("Membership", visible=f"user_id = {PERSON}"),
        ProtectTenantTable(
            "Organization",
            visible=f"id IN (SELECT m.organization_id FROM organizations_membership m WHERE m.user_id = {PERSON})",
        ),
        ProtectTenantTable("ApiKey"),
        ProtectTenantTable("AuditEvent", append_only=True),
        ProtectTenantTable("AuditSeal", append_only=True),
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        *(ProtectSystemTable(table) for table in SYSTEM_TABLES),
        *(ProtectSystemTable(table, verbs="SELECT") for table in ("auth_permission", "django_content_type", "django_migrations")),
    ]
