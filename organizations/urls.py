"""Pages of an organization, under /admin/learning/."""

from django.urls import path

from organizations import key_pages, member_pages, pages, redaction_pages

urlpatterns = [
    path("keys/", key_pages.keys, name="keys"),
    path("keys/<uuid:key_id>/rotate", key_pages.rotate_key, name="rotate-key"),
    path("keys/<uuid:key_id>/revoke", key_pages.revoke_key, name="revoke-key"),
    path("members/", member_pages.members, name="members"),
    path("members/<uuid:membership_id>/role", member_pages.member_role, name="member-role"),
    path("members/<uuid:membership_id>/remove", member_pages.member_remove, name="member-remove"),
    path("members/<uuid:membership_id>/password", member_pages.member_password, name="member-password"),
    path("redaction/", redaction_pages.redaction, name="redaction"),
    path("redaction/<uuid:pattern_id>/switch", redaction_pages.redaction_switch, name="redaction-switch"),
    path("audit/", pages.audit_log, name="audit"),
    path("organization/", pages.choose, name="choose-organization"),
]
