"""Pages of learning, under /admin/learning/."""

from django.urls import path

from learning.pages import agents, datasets, executions, gates, jobs, training

urlpatterns = [
    path("agents/", agents.agent_list, name="agents"),
    path("agents/<uuid:agent_id>/", agents.agent_detail, name="agent"),
    path("agents/<uuid:agent_id>/configs/new/", agents.config_write, name="config-new"),
    path("datasets/", datasets.dataset_list, name="datasets"),
    path("datasets/new/", datasets.dataset_create, name="dataset-new"),
    path("datasets/<uuid:dataset_id>/", datasets.dataset_detail, name="dataset"),
    path("datasets/<uuid:dataset_id>/publish", datasets.dataset_publish, name="dataset-publish"),
    path("executions/", executions.execution_list, name="executions"),
    path("gates/<uuid:report_id>/", gates.gate_detail, name="gate"),
    path("gates/<uuid:report_id>/again", gates.gate_again, name="gate-again"),
    path("gates/<uuid:report_id>/approve", gates.gate_approve, name="gate-approve"),
    path("gates/<uuid:report_id>/reject", gates.gate_reject, name="gate-reject"),
    path("jobs/", jobs.job_list, name="jobs"),
    path("jobs/<uuid:job_id>/", jobs.job_detail, name="job"),
    path("jobs/<uuid:job_id>/cancel", jobs.job_cancel, name="job-cancel"),
    path("jobs/<uuid:job_id>/resume", jobs.job_resume, name="job-resume"),
    path("training/", training.run_list, name="training-runs"),
    path("training/new/", training.run_create, name="training-run-new"),
    path("training/<uuid:run_id>/", training.run_detail, name="training-run"),
    path("training/<uuid:run_id>/cancel", training.run_cancel, name="training-run-cancel"),
]
