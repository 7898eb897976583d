"""Pages of experiments and deployments, under /admin/learning/."""

from django.urls import path

from experiments.pages import deployments, experiments, introduction, report

urlpatterns = [
    path("agents/new/", introduction.agent_introduce, name="agent-new"),
    path("experiments/", experiments.experiment_list, name="experiments"),
    path("experiments/new/", experiments.experiment_create, name="experiment-new"),
    path("experiments/<uuid:experiment_id>/", experiments.experiment_detail, name="experiment"),
    path("experiments/<uuid:experiment_id>/report.json", report.report_json, name="experiment-report-json"),
    path("experiments/<uuid:experiment_id>/report.html", report.report_html, name="experiment-report"),
    path("experiments/<uuid:experiment_id>/<slug:step>", experiments.experiment_step, name="experiment-step"),
    path("deployments/", deployments.deployment_list, name="deployments"),
    path("deployments/new/", deployments.deployment_create, name="deployment-new"),
    path("deployments/<uuid:deployment_id>/promote", deployments.deployment_promote, name="deployment-promote"),
    path("deployments/<uuid:deployment_id>/rollback", deployments.deployment_rollback, name="deployment-rollback"),
]
