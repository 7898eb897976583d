"""Under /api/learning/."""

from typing import Any

from django.urls import path

from organizations.key_api import KeyViewSet

LIST: Any = {"get": "list", "post": "create"}

urlpatterns = [
    path("keys", KeyViewSet.as_view(LIST), name="keys"),
    path("keys/<str:pk>", KeyViewSet.as_view({"get": "retrieve"}), name="key"),
    path("keys/<str:pk>/rotate", KeyViewSet.as_view({"post": "rotate"}), name="key-rotate"),
    path("keys/<str:pk>/revoke", KeyViewSet.as_view({"post": "revoke"}), name="key-revoke"),
]
