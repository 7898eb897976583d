"""What a client needs to assign units by itself: salts, shares, arms and configs of every agent."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from experiments.bucketing import BUCKETS
from experiments.models import (
    Deployment,
    DeploymentStatus,
    Experiment,
    ExperimentKind,
    ForcedAssignment,
    Variant,
)
from experiments.models.experiments import LIVE
from learning.models import Agent, AgentConfig
from organizations.errors import Missing
from organizations.identifiers import find_by_any_id

Rules = dict[str, Any]


def build_ruleset(*, agent: str = "", contents: bool = True) -> tuple[Rules, str]:
    """The rules of the organization in scope, and a fingerprint that changes when they do. Three queries.

    `agent` leaves the others out; without `contents` configs are told by their numbers alone, for those who may know
    who gets which and not what it says. Raises Missing for an unknown agent.
    """
    book = _Book(contents)
    agents = _agents(agent)
    one = agents[0] if agent else None
    experiments = _experiments(book, one)
    deployments = _deployments(book, one)
    listed = [
        {
            "id": str(row.pk),
            "agent_id": row.external_id,
            "serving_config_id": book.note(row.serving_config),
            "experiments": experiments.get(str(row.pk), []),
            "deployment": deployments.get(str(row.pk)),
        }
        for row in agents
    ]
    rules: Rules = {"buckets": BUCKETS, "agents": listed, "layers": book.layers, "configs": book.configs}
    return rules, hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()


class _Book:
    """Configs and layers that the rules refer to, each once."""

    def __init__(self, contents: bool) -> None:
        self.contents = contents
        self.configs: dict[str, Rules] = {}
        self.layers: dict[str, Rules] = {}

    def note(self, config: AgentConfig | None) -> str | None:
        if config is None:
            return None
        content = {"content": config.content} if self.contents else {}
        self.configs[str(config.pk)] = {"number": config.number} | content
        return str(config.pk)

    def note_layer(self, experiment: Experiment) -> str | None:
        if experiment.layer is None:
            return None
        self.layers[str(experiment.layer_id)] = {"salt": experiment.layer.salt, "holdout": experiment.layer.holdout}
        return str(experiment.layer_id)


def _agents(name: str) -> list[Agent]:
    rows: QuerySet[Agent] = Agent.objects.select_related("serving_config")
    if not name:
        return list(rows.order_by("external_id"))
    found = find_by_any_id(rows, name)
    if found is None:
        raise Missing(f"There is no agent {name!r}.", "agent_id")
    return [found]


def _experiments(book: _Book, agent: Agent | None) -> dict[str, list[Rules]]:
    """By agent, in the order in which they are asked. Arms stand in the order of their bucket ranges."""
    found: dict[str, list[Rules]] = {}
    testers = ForcedAssignment.objects.filter(variant=OuterRef("pk"), released_at=None).order_by("digest")
    rows = Variant.objects.filter(experiment__status__in=LIVE).exclude(experiment__kind=ExperimentKind.AA)
    if agent is not None:
        rows = rows.filter(experiment__agent=agent)
    rows = rows.select_related("experiment__layer", "config").order_by("experiment_id", "position")
    for variant in rows.annotate(testers=ArraySubquery(testers.values("digest"))):
        experiment: Experiment = variant.experiment
        of_agent = found.setdefault(str(experiment.agent_id), [])
        if not of_agent or of_agent[-1]["id"] != str(experiment.pk):
            of_agent.append(_rules_of(book, experiment))
        of_agent[-1]["arms"].append(
            {
                "key": variant.key,
                "buckets": variant.buckets,
                "config_id": book.note(variant.config),
                "is_control": variant.is_control,
            }
        )
        of_agent[-1]["testers"] |= dict.fromkeys(variant.testers, variant.key)
    return found


def _rules_of(book: _Book, experiment: Experiment) -> Rules:
    """A bandit is not `local`: who is in which arm is known to the server alone, which has to be asked."""
    return {
        "id": str(experiment.pk),
        "status": experiment.status,
        "unit": experiment.unit,
        "local": experiment.kind != ExperimentKind.BANDIT,
        "salt": experiment.salt,
        "coverage": experiment.coverage,
        "layer": book.note_layer(experiment),
        "start": experiment.layer_start or 0,
        "size": experiment.layer_buckets,
        "arms": [],
        "testers": {},
    }


def _deployments(book: _Book, agent: Agent | None) -> dict[str, Rules]:
    """By agent: those that serve a share. What serves everybody is the agent's serving config."""
    rows = Deployment.objects.filter(status=DeploymentStatus.RAMPING).select_related("config")
    if agent is not None:
        rows = rows.filter(agent=agent)
    return {
        str(row.agent_id): {
            "id": str(row.pk),
            "salt": row.salt,
            "coverage": row.coverage,
            "config_id": book.note(row.config),
        }
        for row in rows
    }
