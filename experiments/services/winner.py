"""From a verdict to what serves: always a person's click."""

from __future__ import annotations

from django.db import transaction

from experiments.models import Deployment, Experiment, ExperimentKind
from experiments.services.agent_lock import lock_agent
from experiments.services.deployments import deploy_config
from experiments.services.lifecycle import complete_experiment
from experiments.services.results import latest_analysis
from experiments.stats.terms import Verdict
from organizations.errors import Conflict


def deploy_winner(*, experiment: Experiment, share: float = 100) -> Deployment:
    """Complete a live experiment and put its winning config before `share` percent of the users.

    Raises Conflict while no treatment has won; a live experiment then goes on.
    """
    if experiment.kind == ExperimentKind.AA:
        raise Conflict("An A/A compares a config with itself; there is nothing to deploy.", "kind")
    with transaction.atomic():
        lock_agent(experiment.agent_id)  # before the experiment's row, as a rollback does, or both could wait for ever
        analysis = complete_experiment(experiment=experiment) if experiment.live else latest_analysis(experiment)
        if analysis is None or analysis.winner is None or analysis.verdict != Verdict.TREATMENT:
            raise Conflict("No treatment has won, so there is nothing to deploy.", "verdict")
        config = analysis.winner.config
        return deploy_config(agent=experiment.agent, config=config, share=share, experiment=experiment)
