"""The one door to language models: an OpenAI-compatible client with retries, a cache, a meter and a hard limit.

Nothing else in the product imports `openai`. Settings come as arguments.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from learning.engines.errors import BudgetExceeded, ModelUnavailable
from learning.engines.protocols import Tick
from learning.engines.types import Completion, CompletionRequest, Cost
from learning.llm_cache import ResponseCache, cache_key, from_answer, to_answer

if TYPE_CHECKING:
    import openai

# The request itself is at fault, so the same request would fail again and others may well succeed.
REFUSED = frozenset({400, 413, 422})
TRANSIENT = frozenset({408, 409, 425, 429})
TICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patiently a call is tried again. Waits are in seconds and double from one try to the next.

    A server that says Retry-After is obeyed, up to `longest_wait`.
    """

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 30.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.first_wait < 0 or self.longest_wait < self.first_wait:
            raise ValueError("A retry policy needs at least one attempt and waits that do not shrink.")

    def wait(self, failures: int, retry_after: float | None, jitter: float) -> float:
        """Seconds to wait after so many failures; `jitter` is 0-1 and spreads callers that failed together."""
        if retry_after is not None:
            return min(self.longest_wait, retry_after) + jitter * self.first_wait
        full = min(self.longest_wait, self.first_wait * 2.0 ** (failures - 1))
        return full * (0.5 + jitter / 2)


@dataclass(slots=True)
class CallMeter:
    """Counts calls and refuses the one that would go over `limit`. Shared safely between threads.

    A call is one completion begun; its retries belong to it. `requests` counts what was really sent.
    """

    limit: int | None = None
    calls: int = 0
    requests: int = 0
    cost: Cost = field(default_factory=Cost)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        """Take one call out of the budget. Raises BudgetExceeded when none is left."""
        with self._lock:
            if self.limit is not None and self.calls >= self.limit:
                raise BudgetExceeded(f"The limit of {self.limit} calls is used up.")
            self.calls += 1

    def sent(self) -> None:
        with self._lock:
            self.requests += 1

    def add(self, completion: Completion) -> None:
        one = Cost(1, int(completion.cached), completion.input_tokens, completion.output_tokens)
        with self._lock:
            self.cost += one


class OpenAIModel:
    """A language model behind an OpenAI-compatible address. Fits the LanguageModel protocol.

    `limit` is the hard number of calls; answers from the cache are not calls. `timeout` is in seconds for one try.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        model: str,
        cache: ResponseCache | None = None,
        limit: int | None = None,
        concurrency: int = 2,
        timeout: float = 60.0,
        retry: RetryPolicy | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.model = model
        self.meter = CallMeter(limit)
        self._api_key = api_key
        self._cache = cache
        self._concurrency = concurrency
        self._timeout = timeout
        self._retry = retry or RetryPolicy()
        self._sleep = sleep

    def complete(self, request: CompletionRequest) -> Completion:
        """Answer one chat. Raises as `complete_many` does."""
        return self.complete_many([request])[0]

    def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
        """Answer the chats side by side, in order; equal ones are asked once. See LanguageModel.

        The cache and `tick` are only used from the calling thread.
        """
        asked = [replace(request, model=request.model or self.model) for request in requests]
        keys = [cache_key(self.base_url, request) for request in asked]
        done = self._from_cache(keys)
        wanted = {key: request for key, request in zip(keys, asked, strict=True) if key not in done}
        fresh = self._call_all(wanted, tick)
        completions = []
        for key in keys:
            # The second of two equal requests is answered by the first one's call.
            completion = fresh.pop(key, None) or done[key]
            done[key] = replace(completion, cached=True, input_tokens=0, output_tokens=0)
            self.meter.add(completion)
            completions.append(completion)
        return completions

    def _from_cache(self, keys: Sequence[str]) -> dict[str, Completion]:
        if self._cache is None:
            return {}
        return {key: from_answer(answer) for key, answer in self._cache.get_many(dict.fromkeys(keys)).items()}

    def _call_all(self, wanted: dict[str, CompletionRequest], tick: Tick | None) -> dict[str, Completion]:
        if not wanted:
            return {}
        pool = ThreadPoolExecutor(min(self._concurrency, len(wanted)), thread_name_prefix="llm")
        stop = threading.Event()
        try:
            futures = {pool.submit(self._call, request, stop): key for key, request in wanted.items()}
            return self._collect(futures, wanted, tick)
        finally:
            stop.set()
            # Calls under way cannot be taken back; nobody waits for them.
            pool.shutdown(wait=False, cancel_futures=True)

    def _collect(
        self, futures: dict[Future[Completion], str], wanted: dict[str, CompletionRequest], tick: Tick | None
    ) -> dict[str, Completion]:
        fresh: dict[str, Completion] = {}
        waiting = set(futures)
        failure: Exception | None = None
        while waiting:
            ended, waiting = wait(waiting, timeout=TICK_SECONDS, return_when=FIRST_COMPLETED)
            for future in ended:
                try:
                    fresh[futures[future]] = self._keep(futures[future], wanted[futures[future]], future.result())
                except (BudgetExceeded, ModelUnavailable) as error:
                    failure = failure or error
            if failure:
                raise failure
            if tick:
                tick()
        return fresh

    def _keep(self, key: str, request: CompletionRequest, completion: Completion) -> Completion:
        if self._cache is not None and not completion.error:
            self._cache.put(key, request.model, to_answer(completion))
        return completion

    def _call(self, request: CompletionRequest, stop: threading.Event) -> Completion:
        self.meter.begin()
        import openai

        for failures in range(1, self._retry.attempts + 1):
            try:
                self.meter.sent()
                return self._send(request)
            except openai.APIError as error:
                status = getattr(error, "status_code", None)
                if status in REFUSED:
                    return Completion("", error=_reason(error))
                if not _is_transient(status) or failures == self._retry.attempts or stop.is_set():
                    raise ModelUnavailable(_explain(error, failures, self.base_url)) from error
                self._sleep(self._retry.wait(failures, _retry_after(error), random.random()))
        raise AssertionError("the last attempt returns or raises")

    def _send(self, request: CompletionRequest) -> Completion:
        parameters = dict(request.parameters)
        answer = self._client.chat.completions.create(
            model=request.model,
            messages=cast("Any", list(request.messages)),
            timeout=self._timeout,
            **parameters,
        )
        usage = answer.usage
        return Completion(
            text=(answer.choices[0].message.content or "") if answer.choices else "",
            input_tokens=usage.prompt_tokens if usage else 0,
            output_tokens=usage.completion_tokens if usage else 0,
        )

    @cached_property
    def _client(self) -> openai.OpenAI:
        return open_client(self.base_url, self._api_key)


def open_client(base_url: str, api_key: str) -> openai.OpenAI:
    """A client that never retries by itself. Imported late: openai takes a second to import."""
    import openai

    return openai.OpenAI(base_url=base_url, api_key=api_key or "none", max_retries=0)


def _is_transient(status: int | None) -> bool:
    """No status means that no answer came at all: a timeout or a lost connection."""
    return status is None or status in TRANSIENT or status >= 500


def _retry_after(error: openai.APIError) -> float | None:
    """Seconds that the server asks to wait; None when it says nothing usable."""
    response = getattr(error, "response", None)
    try:
        return max(0.0, float(response.headers["retry-after"])) if response is not None else None
    except (KeyError, ValueError):
        return None


def _reason(error: openai.APIError) -> str:
    return f"The model refused the request: {error.message}"[:500]


def _explain(error: openai.APIError, attempts: int, base_url: str) -> str:
    return f"The language model at {base_url} failed {attempts} times; last: {error.message}"[:500]
