"""The language model of an organization: the one client, with answers remembered in the database.

The client is used outside of transactions; the cache opens a short scope of its own for each reading and writing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.conf import settings

from learning.engines.types import JsonObject
from learning.llm import OpenAIModel
from learning.models import LlmResponse
from organizations.scope import organization_scope


class DatabaseCache:
    """Remembered answers of one organization. Fits the ResponseCache protocol."""

    def __init__(self, organization_id: UUID) -> None:
        self._organization_id = organization_id

    def get_many(self, keys: Iterable[str]) -> Mapping[str, JsonObject]:
        """The stored answers among the keys."""
        with organization_scope(self._organization_id):
            rows = LlmResponse.objects.filter(key__in=list(keys))
            return {
                row.key: {"text": row.text, "input_tokens": row.input_tokens, "output_tokens": row.output_tokens}
                for row in rows
            }

    def put(self, key: str, model: str, answer: JsonObject) -> None:
        """Keep an answer; the first one stays when two workers asked the same."""
        row = LlmResponse(
            key=key,
            model=model,
            text=answer["text"],
            input_tokens=answer.get("input_tokens", 0),
            output_tokens=answer.get("output_tokens", 0),
            organization_id=self._organization_id,
        )
        with organization_scope(self._organization_id):
            LlmResponse.objects.bulk_create([row], ignore_conflicts=True)


def language_model(organization_id: UUID, *, limit: int | None = None) -> OpenAIModel:
    """The client at OPENAI_BASE_URL; `limit` is the hard number of calls (remembered answers are none)."""
    return OpenAIModel(
        base_url=settings.OPENAI_BASE_URL,
        api_key=settings.OPENAI_API_KEY,
        model=settings.DEFAULT_MODEL,
        cache=DatabaseCache(organization_id),
        limit=limit,
        concurrency=2,
    )
