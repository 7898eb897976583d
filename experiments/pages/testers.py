"""Testers of an experiment: put into an arm by hand, and let go again."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from experiments.models import Variant
from experiments.pages.experiments import find_experiment
from experiments.pages.forms import TesterForm
from experiments.services.testers import force_unit, release_unit
from organizations.errors import Refused
from organizations.identifiers import storable
from organizations.models import Role
from organizations.permissions import page


@page(role=Role.ADMIN, methods=("POST",))
def tester_force(request: HttpRequest, experiment_id: UUID) -> HttpResponse:
    """Whoever is named gets the arm while the experiment runs, and counts nowhere."""
    experiment = find_experiment(experiment_id)
    form = TesterForm(request.POST, arms=list(Variant.objects.filter(experiment=experiment)))
    if form.is_valid():
        given = form.cleaned_data
        try:
            force_unit(experiment=experiment, created_by=request.user, **given)
        except Refused as error:
            messages.error(request, error.message)
        else:
            messages.success(request, f"{given['unit']} gets {given['variant']} and counts nowhere.")
    else:
        messages.error(request, "; ".join(f"{form[name].label}: {found[0]}" for name, found in form.errors.items()))
    return redirect("experiment", experiment_id=experiment.pk)


@page(role=Role.ADMIN, methods=("POST",))
def tester_release(request: HttpRequest, experiment_id: UUID) -> HttpResponse:
    """The buckets decide again; the unit stays out of the analysis."""
    experiment = find_experiment(experiment_id)
    unit = storable(request.POST.get("unit", ""), 200)
    try:
        release_unit(experiment=experiment, unit=unit)
    except Refused as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{unit} gets what its bucket says again.")
    return redirect("experiment", experiment_id=experiment.pk)
