"""Pages of experiments and deployments, under /admin/learning/."""

from django.urls import path

from experiments.pages import (
    creation,
    deployments,
    experiments,
    introduction,
    layers,
    own_metrics,
    report,
    testers,
)

ONE = "experiments/<uuid:experiment_id>/"

urlpatterns = [
    path("agents/new/", introduction.agent_introduce, name="agent-new"),
    path("experiments/", experiments.experiment_list, name="experiments"),
    path("experiments/new/", creation.experiment_create, name="experiment-new"),
    path("experiments/plan/", creation.experiment_plan, name="experiment-plan"),
    path("experiments/layers/", layers.layer_list, name="layers"),
    path("experiments/layers/new/", layers.layer_create, name="layer-new"),
    path("experiments/layers/<uuid:layer_id>/", layers.layer_change, name="layer"),
    path("experiments/metrics/", own_metrics.metric_list, name="experiment-metrics"),
    path("experiments/metrics/new/", own_metrics.metric_create, name="experiment-metric-new"),
    path("experiments/metrics/<uuid:metric_id>/", own_metrics.metric_change, name="experiment-metric"),
    path("experiments/metrics/<uuid:metric_id>/delete/", own_metrics.metric_delete, name="experiment-metric-delete"),
    path(ONE, experiments.experiment_detail, name="experiment"),
    path(f"{ONE}change/", creation.experiment_change, name="experiment-change"),
    path(f"{ONE}testers/", testers.tester_force, name="testers"),
    path(f"{ONE}testers/release/", testers.tester_release, name="tester-release"),
    path(f"{ONE}report.json", report.report_json, name="experiment-report-json"),
    path(f"{ONE}report.html", report.report_html, name="experiment-report"),
    path(f"{ONE}<slug:step>", experiments.experiment_step, name="experiment-step"),
    path("deployments/", deployments.deployment_list, name="deployments"),
    path("deployments/new/", deployments.deployment_create, name="deployment-new"),
    path("deployments/<uuid:deployment_id>/promote", deployments.deployment_promote, name="deployment-promote"),
    path("deployments/<uuid:deployment_id>/rollback", deployments.deployment_rollback, name="deployment-rollback"),
]
