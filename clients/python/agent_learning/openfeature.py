"""An OpenFeature provider: an agent is a flag, its config the value. Needs the extra `openfeature`.

    from openfeature import api
    from agent_learning.openfeature import LearningProvider

    api.set_provider(LearningProvider(Client(url, api_key="sk_...", local=True)))
    details = api.get_client().get_object_details("support-bot", {}, EvaluationContext(targeting_key="user-7"))

The flag's key is the agent; `agent.system_prompt` names a part of its content, `agent.parameters.temperature` a part of
that (an agent with a dot in its name goes by its id). The targeting key is the user; the attributes `session_id` and
`execution_id` are for experiments that assign those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import FlagNotFoundError, GeneralError, InvalidContextError, TypeMismatchError
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata

from agent_learning.client import Client
from agent_learning.configs import AgentConfig
from agent_learning.errors import Refused, Unreachable

Wanted = type[Any] | tuple[type[Any], ...]


class LearningProvider(AbstractProvider):
    """Asks `client`. `expose`: an evaluation counts as a meeting with the variant."""

    def __init__(self, client: Client, *, expose: bool = True) -> None:
        super().__init__()
        self._client, self._expose = client, expose

    def get_metadata(self) -> Metadata:
        return Metadata(name="agent-learning")

    def shutdown(self) -> None:
        self._client.flush()

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        return self._details(flag_key, evaluation_context, bool)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        return self._details(flag_key, evaluation_context, str)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        return self._details(flag_key, evaluation_context, int)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        return self._details(flag_key, evaluation_context, (float, int))

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[FlagValueType] | Mapping[str, FlagValueType]]:
        return self._details(flag_key, evaluation_context, (dict, list))

    def _details(self, flag_key: str, context: EvaluationContext | None, wanted: Wanted) -> Any:
        """Raises the errors of OpenFeature, which its client turns into the default value with a reason."""
        agent, _, path = flag_key.partition(".")
        config = self._config(agent, context)
        value = _part(config.content, path, flag_key)
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise TypeMismatchError(f"{flag_key} is a {type(value).__name__}")
        return FlagResolutionDetails(
            value=value,
            variant=config.variant or str(config.number),
            reason=Reason.SPLIT if config.variant else Reason.STATIC,
            flag_metadata={"config_id": config.id, "experiment_id": config.experiment_id or ""},
        )

    def _config(self, agent: str, context: EvaluationContext | None) -> AgentConfig:
        given = context.attributes if context else {}
        named = {name: str(given[name]) for name in ("session_id", "execution_id") if given.get(name)}
        try:
            user = (context.targeting_key if context else "") or ""
            return self._client.config(agent, user, expose=self._expose, **named)  # type: ignore[arg-type]
        except Refused as error:
            raise (FlagNotFoundError if error.status == 404 else GeneralError)(str(error)) from error
        except Unreachable as error:
            raise GeneralError(str(error)) from error
        except ValueError as error:
            raise InvalidContextError(str(error)) from error


def _part(content: Any, path: str, flag_key: str) -> Any:
    for name in path.split(".") if path else []:
        if not isinstance(content, Mapping) or name not in content:
            raise FlagNotFoundError(f"There is no {flag_key}")
        content = content[name]
    return content
