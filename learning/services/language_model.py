"""The language model of an organization: the one client, with answers remembered in the database.

The client is used outside of transactions; the cache opens a short scope of its own for each reading and writing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.conf import settings

from learning.engines.types import Completion, JsonObject
from learning.llm import OpenAIModel
from learning.llm_calls import Terms
from learning.llm_http import ChatEndpoint
from learning.llm_limits import Allowance
from learning.llm_retry import RetryPolicy
from learning.llm_shared_limits import SharedLimits
from learning.models import LlmResponse
from learning.services.prices import price_of
from organizations.scope import organization_scope


class DatabaseCache:
    """Remembered answers of one organization. Fits the ResponseCache protocol."""

    def __init__(self, organization_id: UUID) -> None:
        self._organization_id = organization_id

    def get_many(self, keys: Iterable[str]) -> Mapping[str, JsonObject]:
        """The stored answers among the keys."""
        with organization_scope(self._organization_id):
            rows = LlmResponse.objects.filter(key__in=list(keys))
            told = ("text", "input_tokens", "output_tokens", "model")
            return {row["key"]: row for row in rows.values("key", *told)}

    def put(self, key: str, model: str, answer: JsonObject) -> None:
        """Keep an answer; the first one stays when two workers asked the same."""
        row = LlmResponse(
            key=key,
            model=model[:200],
            text=answer["text"],
            input_tokens=answer.get("input_tokens", 0),
            output_tokens=answer.get("output_tokens", 0),
            seconds=answer.get("seconds"),
            organization_id=self._organization_id,
        )
        with organization_scope(self._organization_id):
            LlmResponse.objects.bulk_create([row], ignore_conflicts=True)


def fresh_answers(*, keys: Iterable[str]) -> dict[str, Completion]:
    """What other workers were answered just now, as if it had been answered here."""
    found = {}
    for row in LlmResponse.objects.filter(key__in=list(keys)):
        price = price_of(row.model)
        money = None if price is None else price.of(row.input_tokens, row.output_tokens)
        found[row.key] = Completion(row.text, row.input_tokens, row.output_tokens, money=money, seconds=row.seconds)
    return found


def language_model(organization_id: UUID, *, limit: int | None = None) -> OpenAIModel:
    """The client at OPENAI_BASE_URL; `limit` is the hard number of calls (remembered answers are none)."""
    terms = shared_terms()
    return OpenAIModel(
        base_url=settings.OPENAI_BASE_URL,
        api_key=settings.OPENAI_API_KEY,
        model=settings.DEFAULT_MODEL,
        cache=DatabaseCache(organization_id),
        limit=limit,
        concurrency=terms.at_once,
        timeout=settings.LLM_TIMEOUT_SECONDS,
        retry=terms.retry,
        limits=terms.limits,
        prices=terms.prices,
    )


def shared_terms(at_once: int | None = None) -> Terms:
    """How calls are made to OPENAI_BASE_URL, within the limits of all processes; `at_once`: the most of this one."""
    address = settings.OPENAI_BASE_URL.rstrip("/")
    allowance = Allowance(settings.LLM_CONCURRENCY, settings.LLM_REQUESTS_PER_MINUTE)
    most = min(settings.LLM_WORKER_CONCURRENCY, settings.LLM_CONCURRENCY)
    return Terms(
        name=address,
        limits=SharedLimits(settings.CACHES["default"]["LOCATION"], address, allowance),
        retry=RetryPolicy(),
        at_once=min(most, at_once or most),
        prices=settings.LLM_PRICES,
    )


def shared_endpoint() -> ChatEndpoint:
    """OPENAI_BASE_URL with its key."""
    address = settings.OPENAI_BASE_URL.rstrip("/")
    return ChatEndpoint(address, settings.OPENAI_API_KEY, settings.LLM_TIMEOUT_SECONDS)
