"""Plain functions as language models, for those who use an engine as a library. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from learning.engines.errors import EngineError
from learning.engines.protocols import LanguageModel, Tick
from learning.engines.types import Completion, CompletionRequest, Message

SPEAKERS = {"system": "", "user": "User: ", "assistant": "Assistant: "}


@dataclass(frozen=True, slots=True)
class FunctionModel:
    """Answers by a function of the chat (a list of messages with role and content).

    A call that raises or gives None counts as refused: its answer is empty and scores nothing. `workers`: calls side
    by side; the function must then be safe to call from several threads.
    """

    function: Callable[[list[Message]], str]
    workers: int = 1

    def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
        """See LanguageModel. The function never sees model or parameters: it has its own."""
        if self.workers > 1:
            with ThreadPoolExecutor(self.workers) as pool:
                return _collect(pool.map(self._answer, requests), tick)
        return _collect(map(self._answer, requests), tick)

    def _answer(self, request: CompletionRequest) -> Completion:
        try:
            answer: object = self.function(list(request.messages))
        except EngineError:
            raise
        except Exception as error:
            return Completion("", error=f"{type(error).__name__}: {error}"[:500])
        if answer is None:  # a forgotten return
            return Completion("", error="The function gave None, no text.")
        return Completion(str(answer))


def _collect(answers: Iterable[Completion], tick: Tick | None) -> list[Completion]:
    completions = []
    for answer in answers:
        completions.append(answer)
        if tick:
            tick()
    return completions


def as_model(model: LanguageModel | Callable[[Any], str], *, workers: int = 1) -> LanguageModel:
    """A language model as it is, or a function as one.

    A function whose parameter is annotated with `str` gets the chat as one text, any other one the list of messages.
    """
    if hasattr(model, "complete_many"):
        return model
    if not callable(model):
        raise TypeError("The model must be a LanguageModel or a function.")
    function = model
    if _wants_text(function):
        return FunctionModel(lambda messages: function(as_text(messages)), workers)
    return FunctionModel(function, workers)


def as_text(messages: Sequence[Message]) -> str:
    """A chat in one text, ending where the answer begins."""
    turns = [SPEAKERS.get(message["role"], "") + message["content"] for message in messages]
    return "\n\n".join([*turns, "Assistant:"])


def _wants_text(function: Callable[[Any], str]) -> bool:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a builtin tells nothing about itself
        return False
    return bool(parameters) and parameters[0].annotation in (str, "str")
