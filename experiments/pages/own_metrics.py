"""Metrics that applications report themselves, beside those that are measured anyway."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.forms.models import model_to_dict
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from experiments.metrics import CATALOGUE
from experiments.models import CustomMetric
from experiments.pages.forms import MetricChangeForm, MetricForm
from experiments.services.reported import create_metric, delete_metric, update_metric
from organizations.errors import Refused
from organizations.models import Role
from organizations.permissions import page

SHOWN = 200


@page()
def metric_list(request: HttpRequest) -> HttpResponse:
    """What an experiment can measure."""
    own = CustomMetric.objects.order_by("name")[:SHOWN]
    known = [(name, definition, definition.described()) for name, definition in CATALOGUE.items()]
    return render(request, "experiments/metrics.html", {"own": own, "known": known})


@page(role=Role.ADMIN, methods=("GET", "POST"))
def metric_create(request: HttpRequest) -> HttpResponse:
    """A metric that experiments can measure once the application reports it."""
    form = MetricForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            metric = create_metric(**form.values())
        except Refused as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, f"{metric.label} can be measured now: report it under the name {metric.name}.")
            return redirect("experiment-metrics")
    return render(request, "experiments/metric_new.html", {"form": form})


@page(role=Role.ADMIN, methods=("GET", "POST"))
def metric_change(request: HttpRequest, metric_id: UUID) -> HttpResponse:
    """What is said of a metric, and what decides about it while nothing that measures it goes on."""
    metric = _find(metric_id)
    form = MetricChangeForm(request.POST or None, initial=model_to_dict(metric))
    if request.method == "POST" and form.is_valid():
        try:
            update_metric(metric=metric, **form.values())
        except Refused as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, f"{form.cleaned_data['label']} is changed, for experiments to come.")
            return redirect("experiment-metrics")
    return render(request, "experiments/metric_change.html", {"form": form, "metric": metric})


@page(role=Role.ADMIN, methods=("POST",))
def metric_delete(request: HttpRequest, metric_id: UUID) -> HttpResponse:
    """Nothing can be reported under it any more; what was reported stays."""
    metric = _find(metric_id)
    try:
        delete_metric(metric=metric)
    except Refused as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{metric.label} is gone.")
    return redirect("experiment-metrics")


def _find(metric_id: UUID) -> CustomMetric:
    metric = CustomMetric.objects.filter(pk=metric_id).first()
    if metric is None:
        raise Http404("There is no such metric in this organization.")
    return metric
