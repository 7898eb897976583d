"""Under /api/learning/."""

from typing import Any

from django.urls import path

from experiments.api.deployments import DeploymentViewSet
from experiments.api.experiments import ExperimentViewSet
from experiments.api.exposures import ExposureBatchView
from experiments.api.layers import LayerViewSet
from experiments.api.reported import MetricViewSet, OutcomeBatchView, OutcomesView
from experiments.api.serving import AgentConfigView, RulesetView

LIST: dict[str, Any] = {"get": "list", "post": "create"}
ONE: dict[str, Any] = {"get": "retrieve", "patch": "partial_update"}


def steps(noun: str, viewset: Any, *names: str) -> list[Any]:
    """One address for each thing that is done to a row."""
    return [path(f"{noun}s/<str:pk>/{n}", viewset.as_view({"post": n}), name=f"api-{noun}-{n}") for n in names]


urlpatterns = [
    path("experiments", ExperimentViewSet.as_view(LIST), name="api-experiments"),
    path("experiments/<str:pk>", ExperimentViewSet.as_view(ONE), name="api-experiment"),
    *steps("experiment", ExperimentViewSet, "start", "pause", "resume", "stop"),
    path("experiments/<str:pk>/status", ExperimentViewSet.as_view({"patch": "change_status"}), name="api-status"),
    path("experiments/<str:pk>/results", ExperimentViewSet.as_view({"get": "results"}), name="api-results"),
    path(
        "experiments/<str:pk>/testers",
        ExperimentViewSet.as_view({"get": "testers", "post": "force"}),
        name="api-testers",
    ),
    path(
        "experiments/<str:pk>/testers/release",
        ExperimentViewSet.as_view({"post": "release"}),
        name="api-tester-release",
    ),
    path("layers", LayerViewSet.as_view(LIST), name="api-layers"),
    path("layers/<str:pk>", LayerViewSet.as_view(ONE), name="api-layer"),
    path("exposures/batch", ExposureBatchView.as_view(), name="api-exposures"),
    path("metrics", MetricViewSet.as_view(LIST), name="api-metrics"),
    path("metrics/<str:pk>", MetricViewSet.as_view(ONE | {"delete": "destroy"}), name="api-metric"),
    path("outcomes", OutcomesView.as_view(), name="api-outcomes"),
    path("outcomes/batch", OutcomeBatchView.as_view(), name="api-outcome-batch"),
    path("deployments", DeploymentViewSet.as_view(LIST), name="api-deployments"),
    path("deployments/<str:pk>", DeploymentViewSet.as_view({"get": "retrieve"}), name="api-deployment"),
    *steps("deployment", DeploymentViewSet, "promote", "rollback"),
    path("agents/<str:agent>/config", AgentConfigView.as_view(), name="api-agent-config"),
    path("ruleset", RulesetView.as_view(), name="api-ruleset"),
]
