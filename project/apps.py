from __future__ import annotations

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "project"

    def ready(self) -> None:
        from project import schema  # noqa: F401  registers how the OpenAPI document describes our authentication
