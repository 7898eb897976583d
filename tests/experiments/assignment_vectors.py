"""Rulesets and askers made from a seed, for every client to answer alike (docs/assignment.md)."""

from __future__ import annotations

import hashlib
import random
from typing import Any

from experiments.bucketing import BUCKETS, Slot, Split, assign, takes_part, tester_digest

SEED = 20_261_122
CASES = 10_000
NAMES = ("user", "session", "execution")
ODD = ("Zoë", "用户-7", "🙂", "a:b:traffic", " ", "0", "x" * 200, "🙂" * 200)
Case = dict[str, Any]


def make_rules(seed: int = SEED) -> dict[str, Any]:
    """Forty agents: with nothing, a deployment, one experiment of every unit and status, or several in a layer."""
    rng = random.Random(seed)
    layers = {f"layer-{n}": {"salt": rng.randbytes(16).hex(), "holdout": rng.choice([0, 500])} for n in range(4)}
    configs = {f"config-{n}": {"number": n, "content": {}} for n in range(12)}
    agents = [_agent(rng, number, list(layers), list(configs)) for number in range(40)]
    return {"buckets": BUCKETS, "agents": agents, "layers": layers, "configs": configs}


def make_cases(rules: dict[str, Any], seed: int = SEED, count: int = CASES) -> list[Case]:
    """Who asks for which agent: with all names, some or none; testers among them."""
    rng = random.Random(seed + 1)
    cases = []
    for number in range(count):
        agent = rng.choice(rules["agents"])
        names = {name: f"{name}-{number}" for name in NAMES if rng.random() < 0.8}
        if rng.random() < 0.1:
            names[rng.choice(NAMES)] = rng.choice(ODD)
        if rng.random() < 0.05:
            names["user"] = f"tester-{rng.randrange(3)}"
        cases.append({"agent": agent["agent_id"], **names})
    return cases


def expected(rules: dict[str, Any], case: Case) -> str:
    """What the reference gives: "config|variant|unit", or "ask" when the server has to be asked."""
    agent = next(one for one in rules["agents"] if one["agent_id"] == case["agent"])
    for one in agent["experiments"]:
        unit = case.get(one["unit"], "")
        key = one["testers"].get(tester_digest(one["salt"], unit)) if unit and one["status"] == "running" else None
        if key:
            return _told(next(arm for arm in one["arms"] if arm["key"] == key)["config_id"], key)
    for one in agent["experiments"]:
        told = _by_experiment(rules, one, case.get(one["unit"], ""))
        if told:
            return told
    share, user = agent["deployment"], case.get("user")
    if share and user and not agent["experiments"] and takes_part(share["salt"], user, share["coverage"]):
        return _told(share["config_id"])
    return _told(agent["serving_config_id"])


def digest_of(answers: list[str]) -> str:
    """SHA-256 of the answers, a line each: what docs/assignment.md publishes."""
    return hashlib.sha256("\n".join(answers).encode()).hexdigest()


def _by_experiment(rules: dict[str, Any], one: dict[str, Any], unit: str) -> str:
    layer = rules["layers"][one["layer"]] if one["layer"] else None
    slot = Slot(layer["salt"], one["start"], one["size"]) if layer else None
    if one["status"] == "paused":
        control = next(arm["config_id"] for arm in one["arms"] if arm["is_control"])
        return _told(control) if slot is None or (unit and slot.holds(unit)) else ""
    split = Split(tuple((arm["key"], arm["buckets"]) for arm in one["arms"]))
    key = assign(one["salt"], unit, one["coverage"], split, slot) if unit else None
    if key is None:
        return ""
    if not one["local"]:
        return "ask"
    return _told(next(arm for arm in one["arms"] if arm["key"] == key)["config_id"], key, unit)


def _told(config: str, variant: str = "", unit: str = "") -> str:
    return f"{config}|{variant}|{unit}"


def _agent(rng: random.Random, number: int, layers: list[str], configs: list[str]) -> dict[str, Any]:
    plain = {"id": f"id-{number}", "agent_id": f"agent-{number}", "serving_config_id": rng.choice(configs)}
    if number < 5:
        share = {"id": "d", "salt": rng.randbytes(16).hex(), "coverage": rng.randrange(1, BUCKETS)}
        return plain | {"experiments": [], "deployment": share | {"config_id": rng.choice(configs)} if number else None}
    if number < 25:
        return plain | {"experiments": [_experiment(rng, configs, None, 0, BUCKETS)], "deployment": None}
    layer, ends = rng.choice(layers), sorted(rng.sample(range(500, BUCKETS), 4))
    ranges = [(ends[0], ends[1] - ends[0]), (ends[2], ends[3] - ends[2])]
    return plain | {"experiments": [_experiment(rng, configs, layer, *one) for one in ranges], "deployment": None}


def _experiment(rng: random.Random, configs: list[str], layer: str | None, start: int, size: int) -> dict[str, Any]:
    salt, arms = rng.randbytes(16).hex(), rng.randrange(2, 5)
    ends = [0, *sorted(rng.sample(range(1, BUCKETS), arms - 1)), BUCKETS]
    chosen = rng.sample(configs, arms)
    return {
        "id": f"experiment-{salt[:6]}", "status": rng.choice(["running"] * 4 + ["paused"]), "unit": rng.choice(NAMES),
        "local": rng.random() < 0.9, "salt": salt, "coverage": rng.choice([BUCKETS, rng.randrange(1, BUCKETS)]),
        "layer": layer, "start": start, "size": size,
        "arms": [
            {"key": f"arm-{n}", "buckets": ends[n + 1] - ends[n], "config_id": chosen[n], "is_control": n == 0}
            for n in range(arms)
        ],
        "testers": {tester_digest(salt, f"tester-{n}"): "arm-1" for n in range(2) if rng.random() < 0.5},
    }  # fmt: skip
