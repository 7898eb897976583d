"""Read-only tables of review for operators. Drafts are their authors' own and not shown."""

from __future__ import annotations

from django.contrib import admin

from annotation import models
from organizations.readonly import ReadOnlyAdmin

RELATED = admin.RelatedOnlyFieldListFilter


@admin.register(models.AnnotationQueue)
class AnnotationQueueAdmin(ReadOnlyAdmin):
    list_display = ("name", "active", "agent", "domain", "example_types", "reviews_per_item", "stages", "created_at")
    list_filter = ("active", ("agent", RELATED))
    list_select_related = ("agent",)


@admin.register(models.Slot)
class SlotAdmin(ReadOnlyAdmin):
    list_display = ("example_id", "queue", "stage", "number", "status", "claimed_by", "lease_until", "waiting_since")
    list_filter = ("status", ("queue", RELATED))
    list_select_related = ("queue", "claimed_by")
    exclude = ("lease_token",)  # whoever knows it could submit in the holder's place


@admin.register(models.ExpertAnnotation)
class ExpertAnnotationAdmin(ReadOnlyAdmin):
    list_display = ("example_id", "expert", "decision", "stage", "extra", "withdrawn_at", "created_at")
    list_filter = ("decision", "extra", ("expert", RELATED))
    list_select_related = ("expert",)
