"""Stations 6 and 7: the candidate against the serving config on fresh users and inputs, and the winner deployed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from experiments.models import Analysis, Experiment
from experiments.models.analyses import VerdictChoice
from experiments.services.analysis import analyse_experiment
from experiments.services.creation import create_experiment, halves
from experiments.services.lifecycle import complete_experiment, start_experiment
from experiments.services.winner import deploy_winner
from learning.models import AgentConfig
from organizations.models import Role
from project.demo.accounts import acting_as
from project.demo.application import Application, Question
from project.demo.data import Item
from project.demo.people import Visitor
from project.demo.plan import Trial

# At most one execution in ten may fail more often than with control, or the candidate does not win.
METRICS = [
    {"name": "net_satisfaction", "role": "success", "margin": 0},
    {"name": "error_rate", "role": "guardrail", "margin": 0.15},
]


@dataclass(frozen=True)
class Outcome:
    """How the experiment ended. `deployed`: the candidate serves everybody now."""

    verdict: str
    sentence: str
    users: int
    looks: int
    deployed: bool


def run_trial(
    application: Application,
    organization_id: UUID,
    candidate: AgentConfig,
    items: Sequence[Item],
    trial: Trial,
    seed: int,
) -> Outcome:
    """Visitors come in groups; after each group the experiment is looked at, which its statistics allow."""
    experiment = _start(organization_id, candidate, trial)
    rng = random.Random(seed)
    analysis: Analysis | None = None
    for look in range(trial.looks):
        visitors = [Visitor(look * trial.users_per_look + number) for number in range(trial.users_per_look)]
        _visit(application, visitors, items, trial.texts_per_user, rng)
        with acting_as(Role.ADMIN, organization_id):
            analysis = analyse_experiment(experiment=experiment)
        if analysis.verdict != VerdictChoice.INCONCLUSIVE:
            break
    if analysis is None:
        raise ValueError("An experiment needs at least one look.")
    return _end(organization_id, experiment, analysis)


def _start(organization_id: UUID, candidate: AgentConfig, trial: Trial) -> Experiment:
    with acting_as(Role.ADMIN, organization_id) as user:
        candidate = AgentConfig.objects.select_related("agent__serving_config").get(pk=candidate.pk)
        agent = candidate.agent
        if agent.serving_config is None:
            raise ValueError("The agent must serve something to compare with.")
        experiment = create_experiment(
            agent=agent,
            name=f"{agent.external_id}: config {candidate.number} against {agent.serving_config.number}",
            arms=halves(candidate=candidate, control=agent.serving_config),
            metrics=METRICS,
            created_by=user,
            hypothesis="Users are more content with the candidate.",
            minimum_units=trial.minimum_users,
            minimum_hours=trial.minimum_hours,
            planned_units=trial.users,
        )
        return start_experiment(experiment=experiment)


def _visit(
    application: Application, visitors: Sequence[Visitor], items: Sequence[Item], texts: int, rng: random.Random
) -> None:
    by_name = {visitor.name(application.agent): visitor for visitor in visitors}
    questions = [Question(name, item) for name in by_name for item in rng.sample(list(items), texts)]
    answers = application.serve(questions)
    application.report((answer, by_name[answer.user].rate(answer)) for answer in answers)


def _end(organization_id: UUID, experiment: Experiment, analysis: Analysis) -> Outcome:
    won = analysis.verdict == VerdictChoice.TREATMENT
    with acting_as(Role.ADMIN, organization_id):
        experiment.refresh_from_db()
        if won:
            deploy_winner(experiment=experiment)
        else:
            complete_experiment(experiment=experiment)
    return Outcome(analysis.verdict, analysis.sentence, analysis.total_units, analysis.number, won)
