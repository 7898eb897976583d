"""Pages of an organization, under /admin/learning/."""

from django.urls import path

from organizations import key_pages, pages

urlpatterns = [
    path("keys/", key_pages.keys, name="keys"),
    path("keys/<uuid:key_id>/rotate", key_pages.rotate_key, name="rotate-key"),
    path("keys/<uuid:key_id>/revoke", key_pages.revoke_key, name="revoke-key"),
    path("members/", pages.members, name="members"),
    path("audit/", pages.audit_log, name="audit"),
    path("organization/", pages.choose, name="choose-organization"),
]
