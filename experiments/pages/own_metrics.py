"""Metrics that applications report themselves, beside those that are measured anyway."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from experiments.metrics import CATALOGUE
from experiments.models import CustomMetric
from experiments.pages.forms import MetricForm
from experiments.services.reported import create_metric
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
