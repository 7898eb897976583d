"""Looks at running experiments. Beat starts it; a missed look is made up by the next one."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID

from celery import shared_task
from django.db import DatabaseError
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from experiments.models import Analysis, Experiment, ExperimentStatus
from experiments.services.analysis import analyse_experiment
from experiments.services.bandits import move_shares
from experiments.services.lifecycle import stop_if_harmful
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
        due = due_experiments()
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


def due_experiments() -> list[UUID]:
    """Running experiments that should be looked at again. One query, however many run."""
    newest = Analysis.objects.filter(experiment=OuterRef("pk")).order_by("-number")
    running = Experiment.objects.filter(status=ExperimentStatus.RUNNING)
    looked = running.annotate(looked_at=Subquery(newest.values("created_at")[:1]))
    rows = looked.values_list("pk", "started_at", "looked_at")
    return [pk for pk, started_at, looked_at in rows if is_due(started_at, looked_at)]


def is_due(started_at: datetime | None, looked_at: datetime | None) -> bool:
    """Whether what started and was looked at last then should be looked at again."""
    if started_at is None or looked_at is None:
        return True
    now = timezone.now()
    pause = min(max((now - started_at) * SHARE_OF_AGE, SHORTEST), LONGEST)
    return now - looked_at >= pause
