"""The tokens of a call of a language model: the most, known before it is sent, or those that nobody counted. Pure."""

from __future__ import annotations

from learning.engines.types import CompletionRequest, canonical_json

# A token is at least one byte of text. What the endpoint puts around the texts is a few tokens for each turn, and
# some endpoints add a sentence of their own.
AROUND_REQUEST, AROUND_MESSAGE = 64, 16
# For requests that do not say themselves how long an answer may be, while tokens or money are limited.
LONGEST_ANSWER = 4096  # tokens
# What an endpoint does not count is estimated, rather as too much: English has about 4 bytes a token, most else 3.
BYTES_A_TOKEN, AROUND_TURN = 3, 4
LIMITS = ("max_tokens", "max_completion_tokens")
SEVERAL = ("n", "best_of")


def most_input(request: CompletionRequest) -> int:
    """Tokens that the messages, and what comes with them (tools, a schema of the answer), cannot exceed."""
    texts = sum(len(message["content"].encode("utf-8", "replace")) for message in request.messages)
    texts += len(canonical_json(dict(request.parameters)).encode("utf-8", "replace"))
    return texts + AROUND_REQUEST + AROUND_MESSAGE * len(request.messages)


def longest_answer(request: CompletionRequest) -> int | None:
    """Tokens that the answer may have; None when the request does not say."""
    given = [request.parameters.get(name) for name in LIMITS]
    limits = [value for value in given if isinstance(value, int) and not isinstance(value, bool) and value > 0]
    return min(limits) if limits else None


def most_output(request: CompletionRequest) -> int:
    """Tokens that all its answers together cannot exceed."""
    return (longest_answer(request) or LONGEST_ANSWER) * _answers(request)


def likely_input(request: CompletionRequest) -> int:
    """About as many tokens as the messages have, by their length."""
    return sum(_likely(message["content"]) + AROUND_TURN for message in request.messages)


def likely_output(request: CompletionRequest, text: str) -> int:
    """About as many tokens as the answers have, by the length of the one that was read."""
    return _likely(text) * _answers(request)


def _likely(text: str) -> int:
    return -(-len(text.encode("utf-8", "replace")) // BYTES_A_TOKEN)


def _answers(request: CompletionRequest) -> int:
    """How many answers one call makes: all of them are paid for, the first one is read."""
    given = [request.parameters.get(name) for name in SEVERAL]
    return max([1, *(value for value in given if isinstance(value, int) and not isinstance(value, bool))])
