"""The one door to language models: an OpenAI-compatible client with retries, a cache, a meter and a hard limit.

Nothing else in the product imports `openai`. Settings come as arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from learning.engines.protocols import Tick
from learning.engines.types import Completion, CompletionRequest
from learning.llm_answers import Answer
from learning.llm_cache import ResponseCache, cache_key, from_answer
from learning.llm_calls import CallLoop, Terms
from learning.llm_http import ChatEndpoint
from learning.llm_ledger import Call, CallMeter, MeterLedger
from learning.llm_limits import Allowance, Limits, LocalLimits
from learning.llm_prices import Prices, hold_of
from learning.llm_retry import RetryPolicy
from learning.llm_senders import Senders

if TYPE_CHECKING:
    import openai

__all__ = ["OpenAIModel", "RetryPolicy", "open_client"]


class OpenAIModel:
    """A language model behind an OpenAI-compatible address. Fits the LanguageModel protocol.

    `limit` is the hard number of calls; answers from the cache are not calls. `timeout` is in seconds for one try.
    `limits` are the endpoint's, shared with other clients; without them this client keeps to `concurrency` alone.
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
        limits: Limits | None = None,
        prices: Prices | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.model = model
        self.meter = CallMeter(limit)
        self._cache = cache
        self._endpoint = ChatEndpoint(self.base_url, api_key, timeout)
        self._terms = Terms(
            name=self.base_url,
            limits=limits or LocalLimits(Allowance(concurrency)),
            retry=retry or RetryPolicy(),
            at_once=concurrency,
            prices=prices or {},
        )

    def complete(self, request: CompletionRequest) -> Completion:
        """Answer one chat. Raises as `complete_many` does."""
        return self.complete_many([request])[0]

    def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
        """Answer the chats side by side, in order; equal ones are asked once. See LanguageModel.

        The cache and `tick` are only used from the calling thread.
        """
        asked = [replace(request, model=request.model or self.model) for request in requests]
        keys = [cache_key(self.base_url, request) for request in asked]
        known = self._from_cache(keys)
        wanted = {key: request for key, request in zip(keys, asked, strict=True) if key not in known}
        fresh = self._call_all(wanted, tick)
        completions = in_order(keys, known, fresh)
        for completion in completions:
            self.meter.add(completion)
        return completions

    def _from_cache(self, keys: Sequence[str]) -> dict[str, Completion]:
        if self._cache is None:
            return {}
        return {key: from_answer(answer) for key, answer in self._cache.get_many(dict.fromkeys(keys)).items()}

    def _call_all(self, wanted: dict[str, CompletionRequest], tick: Tick | None) -> dict[str, Completion]:
        if not wanted:
            return {}
        prices = self._terms.prices
        calls = [Call(key, one, hold_of(one, prices.get(one.model))) for key, one in wanted.items()]
        loop = CallLoop(self._terms, MeterLedger(self.meter, self._cache), Senders(self._send), tick)
        return loop.run(calls)

    def _send(self, call: Call) -> Answer:
        self.meter.sent()
        return self._endpoint.send(call.request)


def in_order(keys: Sequence[str], known: dict[str, Completion], fresh: dict[str, Completion]) -> list[Completion]:
    """One completion for each key. The second of two equal requests is answered by the first one's call."""
    done, left, completions = dict(known), dict(fresh), []
    for key in keys:
        completion = left.pop(key, None) or done[key]
        done[key] = replace(completion, cached=True, input_tokens=0, output_tokens=0, money=None)
        completions.append(completion)
    return completions


def open_client(base_url: str, api_key: str) -> openai.OpenAI:
    """A client of the SDK that never retries by itself, for embeddings. Imported late: openai takes a second."""
    import openai

    return openai.OpenAI(base_url=base_url, api_key=api_key or "none", max_retries=0)
