"""HTTP with retries. A request that is tried again carries the same body, so the server stores it once."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any

import httpx

from agent_learning.errors import Refused, Unreachable
from agent_learning.forks import begin_anew_in_child, unforked

TRY_AGAIN = {429, 502, 503, 504}
LONGEST_WAIT = 10.0  # seconds
Outcome = httpx.Response | httpx.TransportError


@dataclass(frozen=True)
class Call:
    """One request under /api/learning/. `content` is JSON that is encoded already."""

    method: str
    path: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    json: Any = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def options(self) -> dict[str, Any]:
        headers = dict(self.headers)
        if self.content is not None:
            headers["Content-Type"] = "application/json"
        body = {"json": self.json} if self.content is None and self.json is not None else {"content": self.content}
        return {"params": dict(self.params), "headers": headers} | body


@dataclass(frozen=True)
class Server:
    """Where it is and who asks. `timeout` in seconds for one try; `tries` in all."""

    base_url: str
    api_key: str
    timeout: float = 10.0
    tries: int = 4

    def __post_init__(self) -> None:
        if self.tries < 1:
            raise ValueError("tries must be at least 1")

    def settings(self) -> dict[str, Any]:
        """How httpx is told the same."""
        return {
            "base_url": self.base_url.rstrip("/") + "/api/learning/",
            "headers": {"Authorization": f"Bearer {self.api_key}"},
            "timeout": self.timeout,
        }

    def wait(self, attempt: int, outcome: Outcome, tries: int) -> float | None:
        """Seconds until the next try; None when there is none. `attempt` counts from 0."""
        final = isinstance(outcome, httpx.Response) and outcome.status_code not in TRY_AGAIN
        return None if final or attempt + 1 >= tries else pause(attempt, outcome)


class Transport:
    """Sends calls from any thread, and from the children of a process that forks."""

    def __init__(self, server: Server, sleep: Callable[[float], object] = time.sleep) -> None:
        self._server, self._sleep = server, sleep
        self.begin_anew()
        begin_anew_in_child(self)

    def begin_anew(self) -> None:
        """Connections are made on first use; those of a parent process are left to it."""
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None

    def send(self, call: Call) -> Any:
        """The decoded answer. Raises Refused for what the server refuses, Unreachable when no try got an answer."""
        return decode(self.answer(call))

    def answer(self, call: Call, tries: int | None = None) -> httpx.Response:
        """The answer of whatever status. Raises Unreachable when no try got one."""
        for attempt in count():
            outcome = self._try(call)
            wait = self._server.wait(attempt, outcome, tries or self._server.tries)
            if wait is None:
                return settled(call, outcome, attempt + 1)
            self._sleep(wait)
        raise AssertionError("count() has no end")

    def close(self) -> None:
        with self._lock:
            http, self._http = self._http, None
        if http is not None:
            http.close()

    def _try(self, call: Call) -> Outcome:
        try:
            return self._client().request(call.method, call.path, **call.options())
        except httpx.TransportError as error:
            return error

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._http is None:
                with unforked:
                    self._http = httpx.Client(**self._server.settings())
            return self._http


class AsyncTransport:
    """The same for one event loop."""

    def __init__(self, server: Server, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self._server, self._sleep = server, sleep
        self.begin_anew()
        begin_anew_in_child(self)

    def begin_anew(self) -> None:
        self._http: httpx.AsyncClient | None = None

    async def send(self, call: Call) -> Any:
        """As Transport.send."""
        return decode(await self.answer(call))

    async def answer(self, call: Call, tries: int | None = None) -> httpx.Response:
        """As Transport.answer."""
        for attempt in count():
            outcome = await self._try(call)
            wait = self._server.wait(attempt, outcome, tries or self._server.tries)
            if wait is None:
                return settled(call, outcome, attempt + 1)
            await self._sleep(wait)
        raise AssertionError("count() has no end")

    async def close(self) -> None:
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def _try(self, call: Call) -> Outcome:
        if self._http is None:
            with unforked:
                self._http = httpx.AsyncClient(**self._server.settings())
        try:
            return await self._http.request(call.method, call.path, **call.options())
        except httpx.TransportError as error:
            return error


def pause(attempt: int, outcome: Outcome, longest: float = LONGEST_WAIT) -> float:
    """Seconds to wait after this try: what the server asks for, or longer each time. Some chance in it, so that many
    clients do not come back at the same moment."""
    asked = retry_after(outcome.headers.get("Retry-After")) if isinstance(outcome, httpx.Response) else None
    if asked is not None:
        return min(longest, asked)
    return float(min(longest, 0.2 * 2.0 ** min(attempt, 30))) * (0.5 + random.random() / 2)


def retry_after(header: str | None) -> float | None:
    """Seconds, from a number or a date; None for anything else."""
    if not header:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment.tzinfo else None


def settled(call: Call, outcome: Outcome, tries: int) -> httpx.Response:
    if isinstance(outcome, httpx.TransportError):
        raise Unreachable(f"{call.method} {call.path}: no answer after {tries} tries ({outcome})") from outcome
    return outcome


def decode(response: httpx.Response) -> Any:
    """The JSON of an answer. Raises Refused for any status but 2xx, Unreachable for what is no JSON."""
    if not response.is_success:
        raise refusal(response)
    try:
        return response.json()
    except ValueError as error:
        raise Unreachable(f"{response.url}: the answer is not JSON; is this the address of the product?") from error


def refusal(response: httpx.Response) -> Refused:
    """The server's problem document as an error."""
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
