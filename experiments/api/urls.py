"""Under /api/learning/."""

from typing import Any

from django.urls import path

from experiments.api.deployments import DeploymentViewSet
from experiments.api.experiments import ExperimentViewSet
from experiments.api.serving import AgentConfigView, RulesetView

LIST: dict[str, Any] = {"get": "list", "post": "create"}
ONE: dict[str, Any] = {"get": "retrieve", "patch": "partial_update"}

urlpatterns = [
    path("experiments", ExperimentViewSet.as_view(LIST), name="experiments"),
    path(
        "experiments/<str:pk>",
        ExperimentViewSet.as_view(ONE),
        name="experiment",
    ),
    path("experiments/<str:pk>/start", ExperimentViewSet.as_view({"post": "start"}), name="experiment-start"),
    path("experiments/<str:pk>/pause", ExperimentViewSet.as_view({"post": "pause"}), name="experiment-pause"),
    path("experiments/<str:pk>/resume", ExperimentViewSet.as_view({"post": "resume"}), name="experiment-resume"),
    path("experiments/<str:pk>/stop", ExperimentViewSet.as_view({"post": "stop"}), name="experiment-stop"),
    path(
        "experiments/<str:pk>/status", ExperimentViewSet.as_view({"patch": "change_status"}), name="experiment-status"
    ),
    path("experiments/<str:pk>/results", ExperimentViewSet.as_view({"get": "results"}), name="experiment-results"),
    path("deployments", DeploymentViewSet.as_view(LIST), name="deployments"),
    path("deployments/<str:pk>", DeploymentViewSet.as_view({"get": "retrieve"}), name="deployment"),
    path("deployments/<str:pk>/promote", DeploymentViewSet.as_view({"post": "promote"}), name="deployment-promote"),
    path("deployments/<str:pk>/rollback", DeploymentViewSet.as_view({"post": "rollback"}), name="deployment-rollback"),
    path("agents/<str:agent>/config", AgentConfigView.as_view(), name="agent-config"),
    path("ruleset", RulesetView.as_view(), name="ruleset"),
]
