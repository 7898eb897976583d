"""The arm of an experiment that a person who is forgotten was shown, or was put into as a tester, and what they brought
to its sums."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Q

from experiments.models import Experiment, Exposure, ForcedAssignment, OutcomeEvent, OutcomeMark, Unit
from experiments.services.outcome_keeping import take_back
from experiments.services.units import unit_of
from learning.models import Execution
from organizations.erasers import Person


def forget_exposures(person: Person, *, dry_run: bool = False) -> dict[str, int]:
    """Fits organizations.erasers.Eraser. Which arm a unit gets follows from its name and is stored nowhere."""
    theirs = units_of_person(person)
    named = {
        "exposures": Exposure.objects.filter(theirs),
        "testers": ForcedAssignment.objects.filter(theirs),
        "reported outcomes": OutcomeEvent.objects.filter(unit=person.user),
    }
    if dry_run:
        return {name: rows.count() for name, rows in named.items()}
    with transaction.atomic():
        _take_back(theirs)
        counts = {name: rows.delete()[0] for name, rows in named.items()}
        OutcomeMark.objects.filter(theirs).delete()  # last: what is deleted may mark
    return counts


def units_of_person(person: Person) -> Q:
    """Rows with `experiment` and `unit` that are the person's: by the pseudonym, by a session, by an execution."""
    found = Q(unit=person.user, experiment__unit=Unit.USER)
    if person.execution_ids:
        executions = Execution.objects.filter(pk__in=person.execution_ids)
        for unit in (Unit.SESSION, Unit.EXECUTION):
            names = executions.annotate(unit=unit_of(unit)).exclude(unit=None).values("unit")
            found |= Q(experiment__unit=unit, unit__in=names)
    return found


def _take_back(theirs: Q) -> None:
    """Their rows of outcomes, and what these brought to the sums."""
    by_experiment: dict[UUID, list[UUID]] = {}
    for pk, experiment_id in Exposure.objects.filter(theirs).values_list("pk", "experiment_id"):
        by_experiment.setdefault(experiment_id, []).append(pk)
    for experiment in Experiment.objects.filter(pk__in=by_experiment).order_by("pk"):
        take_back(experiment=experiment, ids=by_experiment[experiment.pk])
