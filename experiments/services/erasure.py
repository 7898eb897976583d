"""The arm of an experiment that a person who is forgotten was shown, or was put into as a tester, and what they brought
to its sums."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

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
        "reported outcomes": OutcomeEvent.objects.filter(_reported_of(person)),
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
        for kind in (Unit.SESSION, Unit.EXECUTION):
            found |= Q(_names(person, kind, agent="experiment__agent"), experiment__unit=kind)
    return found


def _reported_of(person: Person) -> Q:
    """Reported outcomes say no kind of unit: what is another user's by its name stays, where all are numbered alike."""
    found = Q(unit=person.user)
    if person.execution_ids:
        others = Execution.objects.filter(agent=OuterRef("agent"), user=OuterRef("unit")).exclude(user=person.user)
        named = Q(_names(person, Unit.SESSION, agent="agent")) | Q(_names(person, Unit.EXECUTION, agent="agent"))
        found |= named & ~Q(Exists(others))
    return found


def _names(person: Person, kind: Unit, *, agent: str) -> Exists:
    """Whether an execution of the person, and of the row's agent, carries the row's `unit`."""
    own = Execution.objects.filter(pk__in=person.execution_ids, agent=OuterRef(agent))
    return Exists(own.annotate(carried=unit_of(kind)).filter(carried=OuterRef("unit")))


def _take_back(theirs: Q) -> None:
    """Their rows of outcomes, and what these brought to the sums."""
    by_experiment: dict[UUID, list[UUID]] = {}
    for pk, experiment_id in Exposure.objects.filter(theirs).values_list("pk", "experiment_id"):
        by_experiment.setdefault(experiment_id, []).append(pk)
    for experiment in Experiment.objects.filter(pk__in=by_experiment).order_by("pk"):
        take_back(experiment=experiment, ids=by_experiment[experiment.pk])
