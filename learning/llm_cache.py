"""The seam behind which answers are kept, and the key that decides whether two questions are the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Protocol

from learning.engines.types import Completion, CompletionRequest, JsonObject, canonical_json


class ResponseCache(Protocol):
    """Keeps answers by key. Called from one thread at a time, outside of any transaction of the caller."""

    def get_many(self, keys: Iterable[str]) -> Mapping[str, JsonObject]:
        """The stored answers among the keys; unknown keys are left out."""
        ...

    def put(self, key: str, model: str, answer: JsonObject) -> None:
        """Keep an answer. Putting a key again must not fail."""
        ...


class MemoryCache:
    """Keeps answers while the process lives: for tests and scripts."""

    def __init__(self) -> None:
        self.answers: dict[str, JsonObject] = {}

    def get_many(self, keys: Iterable[str]) -> Mapping[str, JsonObject]:
        return {key: self.answers[key] for key in keys if key in self.answers}

    def put(self, key: str, model: str, answer: JsonObject) -> None:
        self.answers[key] = answer


def cache_key(endpoint: str, request: CompletionRequest) -> str:
    """SHA-256 (hexadecimal) over everything that decides the answer: where, which model, what, and how."""
    decides = {
        "endpoint": endpoint,
        "model": request.model,
        "messages": list(request.messages),
        "parameters": dict(request.parameters),
    }
    return hashlib.sha256(canonical_json(decides).encode()).hexdigest()


def to_answer(completion: Completion) -> JsonObject:
    """What is kept of a completion."""
    return {key: value for key, value in asdict(completion).items() if key not in ("cached", "money")}


def from_answer(answer: Mapping[str, object]) -> Completion:
    """The completion that was kept, with the tokens that it took when it was asked for."""
    said = answer.get("input_tokens"), answer.get("output_tokens")
    asked, answered = (tokens if isinstance(tokens, int) else 0 for tokens in said)
    return Completion(str(answer["text"]), asked, answered, cached=True, error=str(answer.get("error", "")))
