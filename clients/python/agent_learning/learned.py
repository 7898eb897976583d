"""Running an agent with what was learned about it: the improvements that people approved, applied and logged."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack
from urllib.parse import quote

from agent_learning.configs import AgentConfig
from agent_learning.errors import LearningError
from agent_learning.fields import ExecutionFields
from agent_learning.transport import Call

if TYPE_CHECKING:
    from agent_learning.async_client import AsyncClient
    from agent_learning.client import Client

log = logging.getLogger("agent_learning")
HOLDOUT = 0.1  # of the users go without each improvement, so that its effect can be told
TTL = 300.0  # seconds for which improvements are not asked for again
PAUSE = 10.0  # seconds until a server in trouble is asked again
TRIES = 1


@dataclass(frozen=True)
class Improvement:
    """One approved recommendation: a sentence for the system prompt."""

    id: str
    instruction: str

    def is_for(self, user_id: str, holdout: float) -> bool:
        """The same for the same user, drawn by improvement; without a user everybody gets it."""
        if not user_id:
            return True
        drawn = int.from_bytes(hashlib.sha256(f"{self.id}:{user_id}".encode()).digest()[:8], "big")
        return drawn / 2**64 >= holdout


class _Learned:
    """What is known of one agent's improvements, and what they make of a run of it."""

    def __init__(self, name: str, ttl: float, holdout: float) -> None:
        if not 0 <= holdout < 1:
            raise ValueError("holdout must be at least 0 and below 1")
        self.name, self._ttl, self._holdout = name, ttl, holdout
        self._known: Sequence[Improvement] = ()
        self._until = 0.0

    @property
    def _fresh(self) -> bool:
        return time.monotonic() < self._until

    def _call(self) -> Call:
        return Call("GET", f"agents/{quote(self.name, safe='')}/improvements", params={"live": "true"})

    def _keep(self, answer: dict[str, Any]) -> None:
        self._known = [Improvement(one["id"], one["instruction"]) for one in answer["improvements"]]
        self._until = time.monotonic() + self._ttl

    def _set_aside(self, error: LearningError) -> None:
        """Learning never stands in the way of answering."""
        log.warning("The improvements of %s could not be read: %s", self.name, error)
        self._until = time.monotonic() + PAUSE

    def _prepared(
        self, served: AgentConfig, text: str, improvements: Sequence[Improvement], fields: ExecutionFields
    ) -> tuple[AgentConfig, dict[str, Any]]:
        """The config to answer with, and the fields of the execution."""
        applied = [one for one in improvements if one.is_for(fields.get("user_id") or "", self._holdout)]
        values: dict[str, Any] = {"input": text, **fields, "config": served}
        values["metadata"] = {**(fields.get("metadata") or {}), "improvements": [one.id for one in applied]}
        return improved(served, applied), values


class LearningAgent(_Learned):
    """One agent of the application. Made by Client.agent(); threads share it."""

    def __init__(self, client: Client, name: str, *, ttl: float = TTL, holdout: float = HOLDOUT) -> None:
        super().__init__(name, ttl, holdout)
        self._client = client
        self._lock = threading.Lock()

    def improvements(self) -> Sequence[Improvement]:
        """Those that may be applied now; the last known ones while the server is away. Needs a key that may read."""
        if self._fresh or not self._lock.acquire(blocking=not self._until):
            return self._known
        try:
            if not self._fresh:
                self._keep(self._client.get(self._call(), TRIES))
        except LearningError as error:
            self._set_aside(error)
        finally:
            self._lock.release()
        return self._known

    def run_with_learning(
        self,
        answer: Callable[[AgentConfig], str],
        text: str,
        *,
        default: AgentConfig | None = None,
        **fields: Unpack[ExecutionFields],
    ) -> str:
        """Ask the config that serves this user, add the improvements, call `answer` with it, and log the execution.

        `answer` gets the config (`config.messages(text)` is the chat to send) and gives back the text. The execution's
        metadata name what was applied ("improvements", "behavior"). What `answer` raises is recorded and passes on.
        """
        served = self._client.config(self.name, fields.get("user_id") or "", expose=True, default=default)
        config, values = self._prepared(served, text, self.improvements(), fields)
        with self._client.record(self.name, **values) as execution:
            try:
                execution.output = answer(config)
            finally:
                execution.metadata.update(_done(config))
        return str(execution.output)


class AsyncLearningAgent(_Learned):
    """The same for an event loop. Made by AsyncClient.agent()."""

    def __init__(self, client: AsyncClient, name: str, *, ttl: float = TTL, holdout: float = HOLDOUT) -> None:
        super().__init__(name, ttl, holdout)
        self._client = client
        self._lock = asyncio.Lock()

    async def improvements(self) -> Sequence[Improvement]:
        """As LearningAgent.improvements."""
        if self._fresh or (self._until and self._lock.locked()):
            return self._known
        async with self._lock:
            try:
                if not self._fresh:
                    self._keep(await self._client.get(self._call(), TRIES))
            except LearningError as error:
                self._set_aside(error)
        return self._known

    async def run_with_learning(
        self,
        answer: Callable[[AgentConfig], Awaitable[str]],
        text: str,
        *,
        default: AgentConfig | None = None,
        **fields: Unpack[ExecutionFields],
    ) -> str:
        """As LearningAgent.run_with_learning, with an `answer` that is awaited."""
        served = await self._client.config(self.name, fields.get("user_id") or "", expose=True, default=default)
        config, values = self._prepared(served, text, await self.improvements(), fields)
        with self._client.record(self.name, **values) as execution:
            try:
                execution.output = await answer(config)
            finally:
                execution.metadata.update(_done(config))
        return str(execution.output)


def improved(config: AgentConfig, improvements: Sequence[Improvement]) -> AgentConfig:
    """The config with the instructions added to its system prompt; those that it has already are left out."""
    before = str(config.content.get("system_prompt") or "")
    new = [one.instruction for one in improvements if one.instruction not in before]
    if not new:
        return config.for_one_run()
    return config.for_one_run({**config.content, "system_prompt": "\n\n".join(filter(None, [before, *new]))})


def _done(config: AgentConfig) -> dict[str, Any]:
    """What is logged of the behavior that was applied."""
    return {"behavior": config.behavior.applied} if config.behavior.applied else {}
