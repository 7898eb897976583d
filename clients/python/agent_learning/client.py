"""The calls of an application."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Unpack

from agent_learning import calls
from agent_learning.background import Background
from agent_learning.config_cache import Asked
from agent_learning.configs import AgentConfig
from agent_learning.errors import Unreachable
from agent_learning.fields import ExecutionFields, FeedbackFields, FeedbackType, Remarks, execution_body
from agent_learning.learned import HOLDOUT, TTL, LearningAgent
from agent_learning.recorder import Recorder
from agent_learning.transport import Call, Server, Transport, decode


class Client(Recorder):
    """Talks to one installation with one API key. Make one for the process; threads share it.

    Calls wait for the server and raise Refused or Unreachable (errors.py). With `background=True`, or a Background with
    its limits, log_execution, send_feedback and correct return at once and never raise for the server's sake; config
    gives what is known and asks behind the scenes. With `local=True` it assigns by itself, by rules that it asks for
    every `config_ttl` seconds. `timeout` in seconds for one try, `tries` in all; `config_ttl`:
    seconds for which a config is not asked for again (0: always ask).
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: float = 10.0,
        tries: int = 4,
        background: bool | Background = False,
        local: bool = False,
        config_ttl: float = 30.0,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        server = Server(base_url, api_key, timeout=timeout, tries=tries)
        super().__init__(server, background=background, config_ttl=config_ttl, local=local)
        self._transport = Transport(server, sleep)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Send what waits, then stop. At the end of the process it happens by itself."""
        self._outbox.close()
        self._behind.close()
        self._transport.close()

    def config(
        self,
        agent: str,
        user_id: str = "",
        *,
        session_id: str = "",
        execution_id: str = "",
        expose: bool = False,
        default: AgentConfig | None = None,
    ) -> AgentConfig:
        """The config that serves this user, the same at every call while nothing is deployed or stopped.

        `session_id` and `execution_id` are for experiments that assign those. `expose=True` counts whoever was assigned
        as having seen it; otherwise the execution that you log does. With a local client it takes microseconds and no
        request, and raises ValueError for an identifier of more than 200 characters. While the server is
        away you get the last known config, or `default`; Unreachable is raised only when there is neither.
        """
        asked = Asked(agent, user_id, expose, session_id, execution_id)
        if self._local and not self._rules.known:
            self._get_rules()
        known = self._assigned(asked) or self._known_config(asked)
        if known is not None:
            return known
        try:
            tries = 1 if default or self._configs.last_known(asked) else None
            return self._configs.keep(asked, self._transport.answer(self._configs.call(asked), tries))
        except Unreachable as error:
            return self._configs.fall_back(asked, error, default)

    def _get_rules(self) -> None:
        """For the first time; what fails is asked for again soon, and meanwhile the config itself."""
        try:
            if not self._rules.fresh:
                self._rules.keep(self._transport.answer(self._rules.call(), 1))
        except Unreachable:
            self._rules.set_aside()

    def log_execution(self, *, agent: str, **fields: Unpack[ExecutionFields]) -> str:
        """Report one run of an agent; gives back its identifier (yours, or one made here when you give none).

        `agent` and `user_id` are your own names for them, the user's a pseudonym. The fields: see ExecutionFields.
        """
        values: dict[str, Any] = {"agent": agent, **fields}
        if self._in_background:
            return self._put_execution(values)
        return str(self._transport.send(calls.log_execution(values))["execution_id"])

    def log_executions(self, executions: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Report many at once (up to 1,000), each with the names of log_execution. Always waits for the answer.

        One result for each, in their order: {"index", "status", "id" or "errors"}; a refused one stops no other.
        """
        items = [execution_body(one) for one in executions]
        return list(self._transport.send(calls.log_executions(items))["results"])

    def send_feedback(
        self, feedback_type: FeedbackType, *, idempotency_key: str | None = None, **fields: Unpack[FeedbackFields]
    ) -> str:
        """Report what a person said; gives back the feedback's id, in the background its idempotency key.

        With your own `idempotency_key` the same feedback is stored once however often you call. The fields: see
        FeedbackFields.
        """
        key = idempotency_key or str(uuid.uuid4())
        if self._in_background:
            return self._put_feedback(feedback_type, key, fields)
        return str(self._transport.send(calls.send_feedback(feedback_type, key, fields))["feedback_id"])

    def thumbs_up(self, execution_id: str, **remarks: Unpack[Remarks]) -> str:
        """The person liked the answer. As send_feedback."""
        return self.send_feedback("thumbs_up", execution_id=execution_id, **remarks)

    def thumbs_down(self, execution_id: str, **remarks: Unpack[Remarks]) -> str:
        """The person did not like the answer. As send_feedback."""
        return self.send_feedback("thumbs_down", execution_id=execution_id, **remarks)

    def correct(
        self,
        execution_id: str,
        correction_text: str,
        *,
        idempotency_key: str | None = None,
        **remarks: Unpack[Remarks],
    ) -> str:
        """Report the whole right answer; it becomes a learning example at once. As send_feedback."""
        return self.send_feedback(
            "correction",
            idempotency_key=idempotency_key,
            execution_id=execution_id,
            correction_text=correction_text,
            **remarks,
        )

    def feedback_stats(self, agent: str, days: int = 30) -> dict[str, Any]:
        """Counts, average rating and satisfaction of the last days."""
        return dict(self._transport.send(calls.feedback_stats(agent, days)))

    def agent(self, name: str, *, ttl: float = TTL, holdout: float = HOLDOUT) -> LearningAgent:
        """`client.agent("support-bot").run_with_learning(...)`: the agent with what was learned about it.

        `ttl`: seconds for which improvements are not asked for again; `holdout`: the share of users (0 to 1) who go
        without each of them, so that its effect can be told.
        """
        return LearningAgent(self, name, ttl=ttl, holdout=holdout)

    def get(self, call: Call, tries: int | None = None) -> dict[str, Any]:
        """The answer to a call that only reads."""
        return dict(decode(self._transport.answer(call, tries)))
