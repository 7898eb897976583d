"""What the client raises."""

from __future__ import annotations

from typing import Any


class LearningError(Exception):
    """Any failure of a call."""


class Unreachable(LearningError):
    """The server did not answer, also after the retries. Nothing is known about what it stored."""


class Refused(LearningError):
    """The server refused the request. `errors` is a list of {"field", "message"}; `status` the HTTP status."""

    def __init__(self, status: int, detail: str, errors: list[dict[str, Any]]) -> None:
        named = "; ".join(f"{one.get('field')}: {one.get('message')}" for one in errors)
        super().__init__(f"{named or detail} (HTTP {status})")
        self.status, self.detail, self.errors = status, detail, errors
