"""Deployments: what serves each agent, how that came about, and the way back."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from experiments.models import Deployment, DeploymentEvent
from experiments.pages.forms import DeploymentForm
from experiments.services.deployments import deploy_config, promote_deployment, rollback_deployment
from experiments.services.overview import serving_deployments
from learning.models import Agent
from organizations.errors import Refused
from organizations.identifiers import storable
from organizations.models import Role
from organizations.permissions import page

SHOWN = 50


@page()
def deployment_list(request: HttpRequest) -> HttpResponse:
    """What is before users now, and the newest steps of the history."""
    events = DeploymentEvent.objects.select_related("deployment__agent", "deployment__config").order_by("-id")[:SHOWN]
    live = serving_deployments()
    served = {deployment.agent_id for deployment in live if deployment.status == "serving"}
    unserved = Agent.objects.exclude(pk__in=served).select_related("serving_config").order_by("name")[:SHOWN]
    context = {"deployments": live, "unserved": unserved, "events": events}
    return render(request, "experiments/deployments.html", context)


@page(role=Role.ADMIN, methods=("GET", "POST"))
def deployment_create(request: HttpRequest) -> HttpResponse:
    """Serve an approved config to everybody or a share."""
    form = DeploymentForm(request.POST or None, initial={"config": request.GET.get("config")})
    if request.method == "POST" and form.is_valid():
        config = form.cleaned_data["config"]
        try:
            deployment = deploy_config(agent=config.agent, config=config, share=form.cleaned_data["share"])
        except Refused as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, f"Config {config.number} serves {deployment.share:g} % of the users.")
            return redirect("deployments")
    return render(request, "experiments/deployment_new.html", {"form": form})


@page(role=Role.ADMIN, methods=("POST",))
def deployment_rollback(request: HttpRequest, deployment_id: UUID) -> HttpResponse:
    """Back to the config before, with one click."""
    deployment = _find(deployment_id)
    try:
        rollback_deployment(deployment=deployment, reason=storable(request.POST.get("reason", ""), 2000))
    except Refused as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"Config {deployment.config.number} no longer serves.")
    return redirect("deployments")


@page(role=Role.ADMIN, methods=("POST",))
def deployment_promote(request: HttpRequest, deployment_id: UUID) -> HttpResponse:
    """Widen the share; everybody unless the form says how many."""
    deployment = _find(deployment_id)
    try:
        share = float(request.POST.get("share") or 100)
        promote_deployment(deployment=deployment, share=share)
    except ValueError:
        messages.error(request, "The share must be a number.")
    except Refused as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"Config {deployment.config.number} serves {deployment.share:g} % of the users.")
    return redirect("deployments")


def _find(deployment_id: UUID) -> Deployment:
    deployment = Deployment.objects.select_related("config").filter(pk=deployment_id).first()
    if deployment is None:
        raise Http404("There is no such deployment in this organization.")
    return deployment
