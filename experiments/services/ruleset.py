"""What a client needs to assign users by itself: salts, shares, arms and configs of every agent."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from experiments.bucketing import BUCKETS
from experiments.models import Deployment, DeploymentStatus, Experiment, Variant
from experiments.models.experiments import LIVE
from learning.models import Agent, AgentConfig

Rules = dict[str, Any]


def build_ruleset() -> tuple[Rules, str]:
    """The rules of the organization in scope, and a fingerprint that changes when they do. Three queries."""
    configs: dict[str, Rules] = {}
    experiments = _experiments(configs)
    deployments = _deployments(configs)
    agents = [
        {
            "id": str(agent.pk),
            "agent_id": agent.external_id,
            "serving_config_id": _note(configs, agent.serving_config),
            "experiment": experiments.get(str(agent.pk)),
            "deployment": deployments.get(str(agent.pk)),
        }
        for agent in Agent.objects.select_related("serving_config").order_by("external_id")
    ]
    rules: Rules = {"buckets": BUCKETS, "agents": agents, "configs": configs}
    return rules, hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()


def _experiments(configs: dict[str, Rules]) -> dict[str, Rules]:
    """By agent. Arms stand in the order of their bucket ranges."""
    found: dict[str, Rules] = {}
    rows = Variant.objects.filter(experiment__status__in=LIVE).select_related("experiment", "config")
    for variant in rows.order_by("experiment_id", "position"):
        experiment: Experiment = variant.experiment
        rules = found.setdefault(
            str(experiment.agent_id),
            {
                "id": str(experiment.pk),
                "status": experiment.status,
                "salt": experiment.salt,
                "coverage": experiment.coverage,
                "arms": [],
            },
        )
        config_id = _note(configs, variant.config)
        rules["arms"].append(
            {"key": variant.key, "buckets": variant.buckets, "config_id": config_id, "is_control": variant.is_control}
        )
    return found


def _deployments(configs: dict[str, Rules]) -> dict[str, Rules]:
    """By agent: those that serve a share. What serves everybody is the agent's serving config."""
    rows = Deployment.objects.filter(status=DeploymentStatus.RAMPING).select_related("config")
    return {
        str(row.agent_id): {
            "id": str(row.pk),
            "salt": row.salt,
            "coverage": row.coverage,
            "config_id": _note(configs, row.config),
        }
        for row in rows
    }


def _note(configs: dict[str, Rules], config: AgentConfig | None) -> str | None:
    if config is None:
        return None
    configs[str(config.pk)] = {"number": config.number, "content": config.content}
    return str(config.pk)
