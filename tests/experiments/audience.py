"""Simulated users of an agent, reported as an application would."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.models import Experiment
from experiments.services.assignment import arm_of
from learning.models import Agent, AgentFeedback, Execution
from learning.services.executions import log_executions

THUMB = {1: "thumbs_up", -1: "thumbs_down"}


def report(agent: Agent, rows: list[dict[str, Any]]) -> list[Execution]:
    """Store executions, each with the fields of the API that differ."""
    always = {"agent_id": agent.external_id, "input": "x", "output": "y"}
    outcomes = log_executions(items=[always | row for row in rows])
    found = Execution.objects.in_bulk([outcome.stored_id() for outcome in outcomes])
    return [found[outcome.stored_id()] for outcome in outcomes]


def rate(execution: Execution, **values: Any) -> AgentFeedback:
    return AgentFeedback.objects.create(
        agent_id=execution.agent_id, execution=execution, user=execution.user, **{"feedback_type": "thumbs_up"} | values
    )


def run_users(
    experiment: Experiment,
    count: int,
    likes: dict[str, float],
    *,
    seed: int = 1,
    before: str = "user",
    more: Callable[[str, np.random.Generator], dict[str, Any]] = lambda arm, rng: {},
) -> list[Execution]:
    """`count` new users ask once, with the config they are given, and give a thumb; `likes` is the share up by arm."""
    rng = np.random.default_rng(seed)
    agent = experiment.agent
    variants = list(experiment.variants.all())
    configs = {variant.key: variant.config_id for variant in variants}
    rows = []
    for number in range(count):
        user = f"{before}-{number}"
        arm = arm_of(experiment, variants, user)
        if arm is not None:
            rows.append({"user_id": user, "variant": arm, "config_id": configs[arm]} | more(arm, rng))
    executions = report(agent, rows)
    AgentFeedback.objects.bulk_create(
        AgentFeedback(
            agent=agent,
            execution=execution,
            user=execution.user,
            feedback_type=THUMB[1 if rng.random() < likes[execution.variant] else -1],
        )
        for execution in executions
        if execution.variant in likes
    )
    return executions
