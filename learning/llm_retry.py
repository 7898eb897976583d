"""How patiently a call is tried again, and what a server says about it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

THROTTLED = 429


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Waits are in seconds and double from one try to the next.

    A server that says Retry-After is obeyed; one that asks for more than `longest_pause` is given up. A server that is
    only asked too often (429) is tried `throttled_attempts` times, because nothing is wrong with it or the request.
    """

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 30.0
    throttled_attempts: int = 12
    longest_pause: float = 300.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.first_wait < 0 or self.longest_wait < self.first_wait:
            raise ValueError("A retry policy needs at least one attempt and waits that do not shrink.")

    def gives_up(self, failures: int, status: int | None, retry_after: float | None) -> bool:
        """Whether the call is not tried again after so many failures."""
        most = max(self.attempts, self.throttled_attempts) if status == THROTTLED else self.attempts
        return failures >= most or (retry_after is not None and retry_after > self.longest_pause)

    def wait(self, failures: int, retry_after: float | None, jitter: float) -> float:
        """Seconds to wait after so many failures; `jitter` is 0-1 and spreads callers that failed together."""
        if retry_after is not None:
            return retry_after + jitter * self.first_wait
        full = min(self.longest_wait, self.first_wait * 2.0 ** min(failures - 1, 30))
        return full * (0.5 + jitter / 2)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds that the server asks to wait, given as seconds or as a date; None when it says nothing usable."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        seconds = _number(headers.get(name, ""))
        if seconds is not None:
            return max(0.0, seconds / unit)
    return _until(headers.get("retry-after", ""), now or datetime.now(UTC))


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _until(text: str, now: datetime) -> float | None:
    try:
        then = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return max(0.0, ((then if then.tzinfo else then.replace(tzinfo=UTC)) - now).total_seconds())
