"""What every endpoint starts from: closed until an organization is known."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import Http404
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from organizations.identifiers import as_uuid, find_by_any_id

__all__ = ["KeysetPagination", "OrganizationAPIView", "OrganizationViewSet", "as_uuid", "find_by_any_id"]
METHODS = ["get", "post", "patch", "put", "delete", "head"]


class KeysetPagination(CursorPagination):
    """Newest first, by the time-ordered key; costs the same on every page."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200

    def decode_cursor(self, request: Any) -> Any:
        cursor = super().decode_cursor(request)
        if cursor and cursor.position is not None and as_uuid(str(cursor.position)) is None:
            raise NotFound(self.invalid_cursor_message)  # made by hand: our cursors hold keys
        return cursor


class OrganizationAPIView(APIView):
    """A view that names in `permissions` what each method needs."""

    http_method_names = METHODS
    permissions: dict[str, Any] = {}


class OrganizationViewSet(GenericViewSet):
    """A viewset over one model. The organization's rows are added to nothing, never subtracted from everything.

    `called`: the field by which an address may name a row instead of by its id.
    """

    http_method_names = METHODS
    permissions: dict[str, Any] = {}
    model: type[models.Model]
    called = "external_id"
    pagination_class = KeysetPagination

    def get_queryset(self) -> models.QuerySet[Any]:
        actor = getattr(self.request, "auth", None)
        manager = self.model._default_manager
        return manager.filter(organization_id=actor.organization_id) if actor else manager.none()

    def get_object(self) -> Any:
        row = find_by_any_id(self.get_queryset(), self.kwargs["pk"], self.called)
        if row is None:
            raise Http404(f"There is no {self.model._meta.verbose_name} {self.kwargs['pk']!r}.")
        return row
