"""Tables for operators in Django's admin: to look at, never to change. Changes are buttons on the product's pages."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator

COUNTED = 10_000  # rows: counting more of them would cost more than it tells


class BoundedPaginator(Paginator):
    """Counts no further than COUNTED."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[:COUNTED].count())


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows the rows of the organization to its administrators. Row-level security hides all others."""

    paginator = BoundedPaginator
    show_full_result_count = False
    actions = None
    list_per_page = 50
    ordering = ("-id",)

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        actor = getattr(request, "actor", None)
        return bool(actor and actor.can_administer)

    def has_module_permission(self, request: Any) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False
