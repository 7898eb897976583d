"""HTTP with retries. A request that is tried again carries the same body, so the server stores it once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import httpx

from agent_learning.errors import Refused, Unreachable

TRY_AGAIN = {429, 502, 503, 504}
LONGEST_WAIT = 10.0  # seconds


class Transport:
    """Sends JSON and gives back JSON. `timeout` in seconds for one try; `tries` in all."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: float = 10.0,
        tries: int = 4,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if tries < 1:
            raise ValueError("tries must be at least 1")
        self._http = httpx.Client(
            base_url=base_url.rstrip("/") + "/api/learning/",
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=timeout,
        )
        self._tries, self._sleep = tries, sleep

    def send(self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any) -> Any:
        """The decoded answer. Raises Refused for what the server refuses, Unreachable when no try got an answer."""
        problem: Exception | None = None
        for attempt in range(self._tries):
            try:
                response = self._http.request(method, path, headers=headers, **options)
            except httpx.TransportError as error:
                problem = error
                wait = self._wait(attempt, None)
            else:
                if response.status_code not in TRY_AGAIN:
                    return _decode(response)
                problem = _refusal(response)
                wait = self._wait(attempt, response.headers.get("Retry-After"))
            if attempt + 1 < self._tries:
                self._sleep(wait)
        if isinstance(problem, Refused):
            raise problem
        raise Unreachable(f"{method} {path}: no answer after {self._tries} tries ({problem})") from problem

    def close(self) -> None:
        self._http.close()

    @staticmethod
    def _wait(attempt: int, retry_after: str | None) -> float:
        if retry_after and retry_after.isdigit():
            return min(LONGEST_WAIT, float(retry_after))
        return min(LONGEST_WAIT, 0.2 * 2.0**attempt) * (0.5 + random.random() / 2)


def _decode(response: httpx.Response) -> Any:
    if not response.is_success:
        raise _refusal(response)
    try:
        return response.json()
    except ValueError as error:
        raise Unreachable(f"{response.url}: the answer is not JSON; is this the address of the product?") from error


def _refusal(response: httpx.Response) -> Refused:
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {}
    errors = problem.get("errors")
    told = [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    detail = problem.get("detail") or response.reason_phrase or "The server refused the request."
    return Refused(response.status_code, str(detail), told)
