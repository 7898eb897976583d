"""The policy that a config keeps, from its content: as it was proved when the config was proposed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from learning.engines.behavior.cloning import LinearPolicy
from learning.engines.behavior.policies import MixedPolicy, Policy
from learning.engines.behavior.retrieval import DemonstrationStore
from learning.engines.behavior.update import choice_from_json
from learning.engines.behavior.veto import CheckedPolicy, read_checks


def has_policy(behavior: Mapping[str, Any]) -> bool:
    """Whether it says by itself what to do next; rules alone only forbid."""
    return bool(behavior.get("action_policy") or behavior.get("demonstrations"))


def kept_policy(behavior: Mapping[str, Any], usual: Policy) -> Policy:
    """The mean of the parts that a config has, without what its rules forbid. `usual`: instead of parts.

    Raises ValueError when a part cannot be read.
    """
    parts: list[Policy] = []
    try:
        if given := behavior.get("action_policy"):
            parts.append(LinearPolicy.from_json(given))
        if rows := behavior.get("demonstrations"):
            parts.append(DemonstrationStore([choice_from_json(row) for row in rows]))
        checks = read_checks(behavior.get("rules", []))
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"The learned behavior of this config cannot be read: {error}") from error
    policy = MixedPolicy(parts) if parts else usual
    return CheckedPolicy(policy, checks) if checks else policy
