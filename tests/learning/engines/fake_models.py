"""Language models without a language model: pure functions of the request, for tests of the engines."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from learning.engines.protocols import Tick
from learning.engines.types import Completion, CompletionRequest, Example, Prompt, Split, canonical_json

LABELS = ("negative", "positive")


class PureModel:
    """Answers by a function of the request and counts how often it was asked."""

    def __init__(self, answer: Callable[[CompletionRequest], str]) -> None:
        self.answer = answer
        self.requests: list[CompletionRequest] = []

    def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
        completions = []
        for request in requests:
            self.requests.append(request)
            completions.append(Completion(self.answer(request), input_tokens=7, output_tokens=1))
            if tick:
                tick()
        return completions


def chance(request: CompletionRequest, salt: object = "") -> float:
    """A number from 0 to 1 that the request alone decides."""
    text = canonical_json([list(request.messages), str(salt)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64


def right_label(text: str) -> str:
    """Inputs of `make_examples` say themselves what is right."""
    return "positive" if "good" in text else "negative"


def shown_examples(request: CompletionRequest) -> int:
    return sum(message["role"] == "assistant" for message in request.messages)


def needs_examples(request: CompletionRequest) -> str:
    """Chats away without examples, answers right most of the time with them: like a small model does."""
    label = right_label(request.messages[-1]["content"])
    if shown_examples(request) == 0:
        return f"The sentiment of the text is {label}."
    right = chance(request) < 0.5 + 0.06 * shown_examples(request)
    return label if right else LABELS[label == "negative"]


def make_examples(train: int = 24, validation: int = 24, test: int = 30, salt: str = "") -> list[Example]:
    """Labelled sentences with the answer that the agent gave."""
    examples = []
    for split, count in ((Split.TRAIN, train), (Split.VALIDATION, validation), (Split.TEST, test)):
        for number in range(count):
            word = ("good", "bad")[number % 2]
            text = f"{salt} {split} film {number} was {word}"
            label = right_label(text)
            examples.append(Example(f"{split}-{number}", text, label, split, original=f"It is {label}."))
    return examples


CURRENT = Prompt(system_prompt="What is the sentiment?", parameters={"temperature": 0})
