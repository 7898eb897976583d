"""Looks at running experiments. Beat starts it; a missed look is made up by the next one."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.db import DatabaseError
from django.utils import timezone

from experiments.models import Experiment, ExperimentStatus
from experiments.services.analysis import analyse_experiment
from experiments.services.bandits import move_shares
from experiments.services.lifecycle import stop_if_harmful
from experiments.services.results import latest_analysis
from experiments.services.standing import renew_if_full
from organizations.errors import Refused
from organizations.scope import organization_scope
from organizations.tasks import each_organization

log = logging.getLogger(__name__)
# Looks are dense at first and thin out, so that a week of looking stays a few hundred rows.
SHARE_OF_AGE = 0.02
SHORTEST, LONGEST = timedelta(seconds=50), timedelta(hours=1)


@shared_task(name="experiments.analyse_running")
def analyse_running_experiments() -> int:
    """Look at every running experiment that is due; how many were looked at."""
    return sum(each_organization(_analyse_those_of))


def _analyse_those_of(organization_id: UUID) -> int:
    with organization_scope(organization_id):
        running = Experiment.objects.filter(status=ExperimentStatus.RUNNING)
        due = [experiment.pk for experiment in running if is_due(experiment)]
    done = 0
    for experiment_id in due:
        try:  # one experiment that cannot be analysed must not keep the others from it
            with organization_scope(organization_id):
                experiment = Experiment.objects.get(pk=experiment_id)
                analysis = analyse_experiment(experiment=experiment)
            done += 1
            with organization_scope(organization_id):
                stop_if_harmful(experiment=experiment, analysis=analysis)
                move_shares(experiment=experiment, analysis=analysis)
                renew_if_full(experiment=experiment, analysis=analysis)
        except Refused as refusal:  # such as: ended meanwhile
            log.warning("Experiment %s: %s", experiment_id, refusal)
        except (ArithmeticError, DatabaseError, ValueError):
            log.exception("Experiment %s could not be analysed", experiment_id)
    return done


def is_due(experiment: Experiment) -> bool:
    """Whether a running experiment should be looked at again."""
    last = latest_analysis(experiment)
    if last is None or experiment.started_at is None:
        return True
    now = timezone.now()
    pause = min(max((now - experiment.started_at) * SHARE_OF_AGE, SHORTEST), LONGEST)
    return now - last.created_at >= pause
