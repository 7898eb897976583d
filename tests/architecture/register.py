"""What is open on purpose, each with its reason."""

SYSTEM_TABLES = {
    "django_migrations": "which migrations were applied; read-only for the application",
    "django_content_type": "names of models; read-only for the application",
    "auth_permission": "names of permissions; read-only for the application",
    "auth_group": "unused groups of Django's sign-in; no tenant's data",
    "auth_group_permissions": "the same",
    "organizations_user": "accounts: found by name at sign-in, before any organization is known",
    "organizations_user_groups": "unused groups of accounts",
    "organizations_user_user_permissions": "unused permissions of accounts",
    "django_session": "found by a random key before any organization is known",
    "django_admin_log": "Django's own log of its admin; the product's pages write the audit instead",
    "axes_accessattempt": "failed sign-ins, before any organization is known",
    "axes_accesslog": "sign-ins and sign-outs",
    "axes_accessfailurelog": "failed sign-ins",
    "axes_accessattemptexpiration": "when a lock-out ends",
}

# Routes that answer strangers.
OPEN_ROUTES = {
    "login/": "the sign-in page",
    "logout/": "ends a session; does nothing for strangers",
    "favicon.ico": "leads to the mark",
    "healthz": "whether the process answers",
    "readyz": "whether the database answers",
    "api/schema/": "the OpenAPI document; holds no data",
    "api/docs/": "the same as a page",
    "": "sends people to the dashboard",
}
