"""Test clients that ask as a stranger would: outside the scope that the test itself works in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.test import Client
from rest_framework.test import APIClient
from whitenoise.middleware import WhiteNoiseMiddleware

from organizations import scope

_find_static_files = WhiteNoiseMiddleware.add_files_from_finders
_static_files: dict[str, Any] = {}


def find_static_files_once() -> None:
    """Each client has middleware of its own; to look through all static files takes longer than most requests."""

    def known(self: WhiteNoiseMiddleware) -> None:
        if not _static_files:
            _find_static_files(self)
            _static_files.update(self.files)
        self.files.update(_static_files)

    WhiteNoiseMiddleware.add_files_from_finders = known


@contextmanager
def outside_scope() -> Iterator[None]:
    """No organization, neither in Python nor in the transaction's setting; both are put back afterwards."""
    token = scope._scope.set(None)
    inside = connection.in_atomic_block
    try:
        if inside:
            with scope.transaction_setting("app.organization_id", ""):
                yield
        else:
            yield
    finally:
        scope._scope.reset(token)


class StrangerAPIClient(APIClient):
    def request(self, **kwargs: Any) -> Any:
        with outside_scope():
            return super().request(**kwargs)


class StrangerClient(Client):
    def request(self, **request: Any) -> Any:
        with outside_scope():
            return super().request(**request)
