"""Which config a unit gets, without asking the server: the rules of docs/assignment.md, on a ruleset from it."""

from __future__ import annotations

import hashlib
import struct
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

from agent_learning.configs import AgentConfig

BUCKETS = 10_000
MAX_UNIT_LENGTH = 200
_first = struct.Struct(">Q24x").unpack  # of a digest, its first 8 bytes
Names = tuple[str, str, str]  # user, session, execution: an experiment takes the one that is its unit
# The config, the unit that was assigned ("" outside of a running experiment), and whether it counts: testers do not.
Choice = tuple[AgentConfig, str, bool]


class Hash:
    """Buckets for one salt and purpose. What all units have in common is hashed once."""

    __slots__ = ("begun",)

    def __init__(self, salt: str, purpose: str) -> None:
        self.begun = hashlib.sha256(f"{salt}:{purpose}:".encode())

    def bucket(self, unit: str) -> int:
        """0 to 9,999: the first 8 bytes of the digest, modulo 10,000."""
        digest = self.begun.copy()
        digest.update(unit.encode())
        number: int = _first(digest.digest())[0]
        return number % BUCKETS

    def hex(self, unit: str) -> str:
        digest = self.begun.copy()
        digest.update(unit.encode())
        return digest.hexdigest()[:16]


class Experiment:
    """One experiment of a ruleset."""

    __slots__ = (
        "_by_key", "_control", "_coverage", "_end", "_layer", "_start", "_testers", "_traffic", "arm", "everybody",
        "id", "kind", "local", "paused", "testers",
    )  # fmt: skip

    def __init__(self, rules: Mapping[str, Any], layer_salt: str | None, configs: Sequence[AgentConfig]) -> None:
        self.id, self.local = rules["id"], rules["local"]
        self.kind = ("user", "session", "execution").index(rules["unit"])
        self.paused = rules["status"] == "paused"
        self.testers: Mapping[str, str] = rules["testers"]
        arms = [replace(one, variant=arm["key"]) for one, arm in zip(configs, rules["arms"], strict=True)]
        self._by_key = {arm.variant: arm for arm in arms}
        self._control = next(one for one, arm in zip(configs, rules["arms"], strict=True) if arm["is_control"])
        self._coverage: int = rules["coverage"]
        self._start, self._end = rules["start"], rules["start"] + rules["size"]
        self._layer = Hash(layer_salt, "layer") if layer_salt else None
        self.everybody = self._layer is None and self._coverage == BUCKETS
        self._traffic, self._testers = Hash(rules["salt"], "traffic"), Hash(rules["salt"], "tester")
        self.arm = _arm_of(Hash(rules["salt"], "variant"), arms, [arm["buckets"] for arm in rules["arms"]])

    def forced(self, unit: str) -> AgentConfig | None:
        """The arm that a tester was put into."""
        key = self.testers.get(self._testers.hex(unit)) if self.testers and unit and not self.paused else None
        return self._by_key[key] if key is not None else None

    def control(self, unit: str) -> AgentConfig | None:
        """In a pause: control, for those who may be in it."""
        return self._control if self._layer is None or (unit and self._holds(unit)) else None

    def takes(self, unit: str) -> bool:
        """Whether the unit takes part."""
        if self._layer is not None and not self._holds(unit):
            return False
        return self._coverage == BUCKETS or self._traffic.bucket(unit) < self._coverage

    def _holds(self, unit: str) -> bool:
        return self._layer is not None and self._start <= self._layer.bucket(unit) < self._end


class Agent:
    """One agent of a ruleset."""

    __slots__ = ("_coverage", "_deployed", "_deployment", "_experiments", "_serving", "_testers", "of_all_users")

    def __init__(self, rules: Mapping[str, Any], everything: Mapping[str, Any]) -> None:
        configs = {key: _config(rules["agent_id"], key, one) for key, one in everything["configs"].items()}
        self._serving = configs.get(rules["serving_config_id"])
        self._experiments = [_experiment(one, everything["layers"], configs) for one in rules["experiments"]]
        self._testers = any(one.testers for one in self._experiments)
        self.of_all_users = None if self._testers else _of_all_users(self._experiments)
        share = rules["deployment"]
        self._deployment = Hash(share["salt"], "traffic") if share else None
        self._coverage: int = share["coverage"] if share else 0
        self._deployed = configs[share["config_id"]] if share else None

    def choose(self, names: Names) -> Choice | None:
        """What these names get; None when the server has to be asked."""
        if self._testers:
            for one in self._experiments:
                forced = one.forced(names[one.kind])
                if forced is not None:
                    return forced, "", False
        for one in self._experiments:
            unit = names[one.kind]
            if one.paused:
                control = one.control(unit)
                if control is not None:
                    return control, "", False
            elif unit and (one.everybody or one.takes(unit)):
                return (one.arm(unit), unit, True) if one.local else None
        config = self._deployed if names[0] and self._in_share(names[0]) else self._serving
        return (config, "", False) if config is not None else None

    def _in_share(self, user: str) -> bool:
        """Whether a deployment that serves a share serves this user; never beside an experiment."""
        return not self._experiments and self._deployment is not None and self._deployment.bucket(user) < self._coverage


class Ruleset:
    """All agents of a ruleset, ready to be asked from any thread."""

    def __init__(self, rules: Mapping[str, Any]) -> None:
        self._agents: dict[str, Agent] = {}
        for one in rules["agents"]:
            agent = Agent(one, rules)
            self._agents[one["agent_id"]] = self._agents[one["id"]] = agent

    def choose(self, agent: str, user: str = "", session: str = "", execution: str = "") -> Choice | None:
        """What these names get of an agent, by its external id or ours; None when the server has to be asked.

        Raises ValueError for an impossible name.
        """
        known = self._agents.get(agent)
        if known is None:
            return None
        first = known.of_all_users
        if first is not None and 0 < len(user) <= MAX_UNIT_LENGTH and not session and not execution:
            return first.arm(user), user, True
        if len(user) > MAX_UNIT_LENGTH or len(session) > MAX_UNIT_LENGTH or len(execution) > MAX_UNIT_LENGTH:
            raise ValueError(f"an identifier has at most {MAX_UNIT_LENGTH} characters")
        return known.choose((user, session, execution))


def _arm_of(variant: Hash, arms: Sequence[AgentConfig], buckets: Sequence[int]) -> Callable[[str], AgentConfig]:
    """What finds the arm of a unit that takes part. Hash.bucket once more, without the call and with everything at
    hand: this is asked for every answer.
    """
    begin, ends = variant.begun.copy, list(accumulate(buckets))

    def arm(unit: str) -> AgentConfig:
        digest = begin()
        digest.update(unit.encode())
        return arms[bisect_right(ends, _first(digest.digest())[0] % BUCKETS)]

    return arm


def _of_all_users(experiments: Sequence[Experiment]) -> Experiment | None:
    """The first experiment where it decides for every user, whatever else is known of them."""
    first = next(iter(experiments), None)
    decides = first is not None and first.kind == 0 and first.everybody and first.local and not first.paused
    return first if decides else None


def _config(agent_id: str, config_id: str, told: Mapping[str, Any]) -> AgentConfig:
    return AgentConfig(config_id, told["number"], told.get("content", {}), agent_id=agent_id)


def _experiment(rules: Mapping[str, Any], layers: Mapping[str, Any], configs: Mapping[str, AgentConfig]) -> Experiment:
    arms = [replace(configs[arm["config_id"]], experiment_id=rules["id"]) for arm in rules["arms"]]
    layer = rules["layer"]
    return Experiment(rules, layers[layer]["salt"] if layer else None, arms)
