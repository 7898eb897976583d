"""What both clients do in the background: records of executions, and the queue that sends them."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar, Unpack

from agent_learning.background import Background, Counts
from agent_learning.config_cache import Asked, ConfigCache
from agent_learning.configs import AgentConfig
from agent_learning.courier import Courier, Kind
from agent_learning.errors import LearningError
from agent_learning.fields import ExecutionFields, FeedbackFields, FeedbackType, execution_body, feedback_body
from agent_learning.forks import begin_anew_in_child
from agent_learning.outbox import Outbox
from agent_learning.recording import Recording
from agent_learning.rules_cache import RulesCache
from agent_learning.tokens import LIFETIME, mint_feedback_token
from agent_learning.transport import Server, Transport
from agent_learning.wrapping import watch

log = logging.getLogger("agent_learning")
F = TypeVar("F", bound=Callable[..., Any])


class Recorder:
    """`background`: whether log_execution, send_feedback and correct return at once too; recordings always do."""

    def __init__(
        self, server: Server, *, background: bool | Background, config_ttl: float, local: bool = False
    ) -> None:
        options = background if isinstance(background, Background) else Background()
        self._server = server
        self._in_background = bool(background)
        self._configs = ConfigCache(config_ttl)
        self._local = local
        self._rules = RulesCache(config_ttl)
        self._behind = Transport(server)
        self._outbox = Outbox(Courier(self._behind), options)
        self._refreshing: set[Asked | None] = set()
        begin_anew_in_child(self)
        weakref.finalize(self, self._outbox.retire).atexit = False

    def begin_anew(self) -> None:
        self._refreshing = set()

    def record(self, agent: str, **fields: Unpack[ExecutionFields]) -> Recording:
        """`with learning.record("support-bot", input=question) as execution: execution.output = ...`

        It is sent in the background when the block ends, with its duration and with what went wrong. `execution.id` is
        what feedback refers to; `execution.decide(...)` adds a decision.
        """
        return Recording(self._put_execution, agent=agent, **fields)

    def recorded(
        self,
        agent: str,
        *,
        input_argument: str = "",
        user_argument: str = "",
        texts: bool = True,
        **fields: Unpack[ExecutionFields],
    ) -> Callable[[F], F]:
        """Record every call of a function: plain, async, a generator or an async generator.

        `input_argument` and `user_argument` name the arguments that hold the input and the user's pseudonym; without
        the first all arguments are the input. `texts=False` leaves input and output out.
        """

        def start(given: Mapping[str, Any]) -> Recording:
            values: dict[str, Any] = dict(fields)
            if user_argument and given.get(user_argument) is not None:
                values["user_id"] = str(given[user_argument])
            if texts:
                values["input"] = given.get(input_argument) if input_argument else _only_text(given)
            else:
                values["output"] = ""
            return Recording(self._put_execution, agent=agent, **values)

        def decorate(function: F) -> F:
            return watch(function, start)

        return decorate

    def feedback_token(
        self,
        agent: str,
        execution_id: str,
        *,
        types: Sequence[FeedbackType] | None = None,
        user_id: str = "",
        lifetime: int = LIFETIME,
    ) -> str:
        """For a page: the right to give feedback about this one output, for `lifetime` seconds. See tokens.py."""
        return mint_feedback_token(
            self._server.api_key, agent, execution_id, types=types, user_id=user_id, lifetime=lifetime
        )

    def flush(self, timeout: float | None = 10.0) -> bool:
        """Wait until all that was put in so far is settled. False when that took longer than `timeout` seconds."""
        return self._outbox.flush(timeout)

    @property
    def counts(self) -> Counts:
        """What became of everything that was sent in the background."""
        return self._outbox.counts

    def _put_execution(self, values: Mapping[str, Any]) -> str:
        body = execution_body(values)
        self._put("executions", body)
        return str(body["execution_id"])

    def _put_feedback(self, feedback_type: FeedbackType, key: str, fields: FeedbackFields) -> str:
        self._put("feedback", feedback_body(feedback_type, fields) | {"idempotency_key": key})
        return key

    def _put(self, kind: Kind, body: Mapping[str, Any]) -> None:
        self._outbox.put(kind, body)

    def _assigned(self, asked: Asked) -> AgentConfig | None:
        """By the rules of this process; None when the server has to be asked. Old rules do, while new ones are got."""
        if not self._local or not self._rules.known:
            return None
        if not self._rules.fresh:
            self._refresh_soon(None)
        choice = self._rules.choose(asked.agent, asked.user_id, asked.session_id, asked.execution_id)
        if choice is None:
            return None
        config, unit, counts = choice
        if asked.expose and counts and self._rules.first_time(str(config.experiment_id), unit):
            told = {"experiment_id": config.experiment_id, "unit_id": unit, "variant": config.variant}
            self._put("exposures", told | {"exposed_at": datetime.now(UTC).isoformat()})
        return config

    def _known_config(self, asked: Asked) -> AgentConfig | None:
        """What can be given without asking. In the background an old one will do, while it is asked for again; a user
        who is new is asked for at once, since another user's config may not be theirs."""
        known = self._configs.fresh(asked)
        if known is None and self._in_background:
            known = self._configs.stale(asked)
            if known is not None:
                self._refresh_soon(asked)
        return known

    def _refresh_soon(self, asked: Asked | None) -> None:
        """Ask for a config, or for the rules, in a thread of its own, while the last known ones serve."""
        if asked not in self._refreshing:
            self._refreshing.add(asked)
            thread = threading.Thread(target=self._refresh, args=(asked,), name="agent-learning-config", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is about to end
                self._refreshing.discard(asked)

    def _refresh(self, asked: Asked | None) -> None:
        if asked is None:
            return self._refresh_rules()
        try:
            self._configs.keep(asked, self._behind.answer(self._configs.call(asked), tries=1))
        except LearningError as error:
            self._configs.set_aside()
            log.warning("The config of agent %r could not be asked for: %s", asked.agent, error)
        finally:
            self._refreshing.discard(asked)

    def _refresh_rules(self) -> None:
        try:
            self._rules.keep(self._behind.answer(self._rules.call(), tries=1))
        except LearningError as error:
            self._rules.set_aside()
            log.warning("The rules could not be asked for: %s", error)
        finally:
            self._refreshing.discard(None)


def _only_text(given: Mapping[str, Any]) -> Any:
    """The argument itself when there is one, and all of them by name otherwise."""
    return next(iter(given.values())) if len(given) == 1 else dict(given) or None
