"""Pages of an organization, under /admin/learning/."""

from django.urls import path

from organizations import pages

urlpatterns = [
    path("keys/", pages.keys, name="keys"),
    path("keys/<uuid:key_id>/revoke", pages.revoke_key, name="revoke-key"),
    path("members/", pages.members, name="members"),
    path("audit/", pages.audit_log, name="audit"),
    path("organization/", pages.choose, name="choose-organization"),
]
