"""Tables of the ground floor, to look at."""

from __future__ import annotations

from django.contrib import admin

from organizations.models import ApiKey
from organizations.readonly import ReadOnlyAdmin


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys without their fingerprints: feedback tokens can be signed with those."""

    list_display = ("name", "prefix", "kind", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at")
    list_filter = ("kind",)
    exclude = ("digest",)
