"""Layers: which experiments exclude each other, what is free, and the share that is in none."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from experiments.bucketing import BUCKETS, percent_of
from experiments.models import Experiment, Layer
from experiments.models.experiments import LIVE
from experiments.pages.forms import LayerForm
from experiments.services.layers import create_layer, free_share, update_layer
from organizations.errors import Refused
from organizations.models import Role
from organizations.permissions import page

SHOWN = 100


@dataclass(frozen=True, slots=True)
class Range:
    """A piece of a layer, in percent: the holdout, what is free, or what an experiment has taken."""

    kind: str
    start: float
    size: float
    experiment: Experiment | None = None


@page()
def layer_list(request: HttpRequest) -> HttpResponse:
    """All layers with what takes part of them."""
    layers = [(layer, ranges_of(layer), free_share(layer)) for layer in Layer.objects.order_by("name")[:SHOWN]]
    return render(request, "experiments/layers.html", {"layers": layers})


@page(role=Role.ADMIN, methods=("GET", "POST"))
def layer_create(request: HttpRequest) -> HttpResponse:
    """A name and a holdout."""
    form = LayerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            layer = create_layer(**form.cleaned_data)
        except Refused as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, f"Layer {layer.name} is there: choose it in the form of an experiment.")
            return redirect("layers")
    return render(request, "experiments/layer_form.html", {"form": form})


@page(role=Role.ADMIN, methods=("GET", "POST"))
def layer_change(request: HttpRequest, layer_id: UUID) -> HttpResponse:
    """Another name, or another holdout while no experiment runs in it."""
    layer = Layer.objects.filter(pk=layer_id).first()
    if layer is None:
        raise Http404("There is no such layer in this organization.")
    form = LayerForm(request.POST or None, initial={"name": layer.name, "holdout": layer.holdout_share})
    if request.method == "POST" and form.is_valid():
        try:
            update_layer(layer=layer, **form.cleaned_data)
        except Refused as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, "The layer is changed.")
            return redirect("layers")
    return render(request, "experiments/layer_form.html", {"form": form, "layer": layer})


def ranges_of(layer: Layer) -> list[Range]:
    """The layer from its first bucket to its last."""
    live = Experiment.objects.filter(layer=layer, status__in=LIVE, layer_start__isnull=False)
    found = [Range("holdout", 0, layer.holdout_share)] if layer.holdout else []
    end = layer.holdout
    for experiment in live.select_related("agent").order_by("layer_start"):
        start = experiment.layer_start or 0
        if start > end:
            found.append(_free(end, start))
        found.append(Range("taken", percent_of(start), experiment.layer_share, experiment))
        end = start + experiment.layer_buckets
    return [*found, _free(end, BUCKETS)] if end < BUCKETS else found


def _free(start: int, end: int) -> Range:
    return Range("free", percent_of(start), percent_of(end - start))
