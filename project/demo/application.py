"""The application of the demo: it fetches the config for each user, asks the local model, and reports over HTTP.

It does what any application would do with the client package, and nothing that only we could do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast

from learning.engines.types import CompletionRequest, Message
from learning.llm import OpenAIModel
from project.demo.client import AgentConfig, Client
from project.demo.data import Item

SLOTS = 2  # answers that the local model writes at the same time


@dataclass(frozen=True)
class Question:
    """A user asks the agent about a text."""

    user: str
    item: Item


@dataclass(frozen=True)
class Answer:
    """What the user got, and the execution that was logged for it."""

    execution_id: str
    user: str
    item: Item
    output: str
    config: AgentConfig


@dataclass
class Application:
    """`agent`: its name at the product. `tick` hears how many answers were given since the last time."""

    client: Client
    model: OpenAIModel
    agent: str
    tick: Callable[[int], None]
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _known: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)

    def serve(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer all questions and log the executions."""
        configs = {user: self.client.config(self.agent, user_id=user) for user in {one.user for one in questions}}
        # One config after the other: the model keeps what all questions begin with, which saves most of the work.
        ordered = sorted(questions, key=lambda one: configs[one.user].id)
        with ThreadPoolExecutor(SLOTS) as pool:
            return list(pool.map(lambda one: self._serve(one, configs[one.user]), ordered))

    def report(self, reactions: Iterable[tuple[Answer, dict[str, Any] | None]]) -> dict[str, int]:
        """Pass on what users say about answers; how many of each type."""
        counts: dict[str, int] = {}
        for answer, reaction in reactions:
            if reaction is not None:
                self.client.send_feedback(
                    agent=self.agent, execution_id=answer.execution_id, user_id=answer.user, **reaction
                )
                counts[reaction["feedback_type"]] = counts.get(reaction["feedback_type"], 0) + 1
        return counts

    def _serve(self, question: Question, config: AgentConfig) -> Answer:
        output, milliseconds = self._ask(question.item.text, config)
        execution_id = f"{self.agent}-{next(self._numbers)}"
        self.client.log_execution(
            agent=self.agent,
            execution_id=execution_id,
            user_id=question.user,
            input=question.item.text,
            output=output,
            config=config,
            duration_ms=milliseconds,
        )
        self.tick(1)
        return Answer(execution_id, question.user, question.item, output, config)

    def _ask(self, text: str, config: AgentConfig) -> tuple[str, float]:
        """The model's answer and its duration in ms. The same question again would get the same answer: kept."""
        key = (config.id, text)
        if key not in self._known:
            started = time.perf_counter()
            messages = cast("tuple[Message, ...]", tuple(config.messages(text)))
            request = CompletionRequest(messages, config.model, config.parameters)
            output = self.model.complete(request).text.strip()
            self._known[key] = output, round((time.perf_counter() - started) * 1000, 1)
        return self._known[key]
