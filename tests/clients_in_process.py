"""Test clients that ask as a stranger would: outside the scope that the test itself works in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from organizations import scope


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
