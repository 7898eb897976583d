"""Pages of learning, under /admin/learning/."""

from django.urls import path

from learning.pages import agents, bulk_actions, clusters, datasets, examples, executions, gates, jobs, rules, training

urlpatterns = [
    path("agents/", agents.agent_list, name="agents"),
    path("agents/<uuid:agent_id>/", agents.agent_detail, name="agent"),
    path("agents/<uuid:agent_id>/configs/new/", agents.config_write, name="config-new"),
    path("datasets/", datasets.dataset_list, name="datasets"),
    path("datasets/new/", datasets.dataset_create, name="dataset-new"),
    path("datasets/<uuid:dataset_id>/", datasets.dataset_detail, name="dataset"),
    path("datasets/<uuid:dataset_id>/publish", datasets.dataset_publish, name="dataset-publish"),
    path("examples/", examples.example_list, name="examples"),
    path("examples/clusters/", clusters.cluster_list, name="example-clusters"),
    path("examples/bulk/", bulk_actions.bulk_action, name="examples-bulk"),
    path("executions/", executions.execution_list, name="executions"),
    path("gates/<uuid:report_id>/", gates.gate_detail, name="gate"),
    path("gates/<uuid:report_id>/again", gates.gate_again, name="gate-again"),
    path("gates/<uuid:report_id>/approve", gates.gate_approve, name="gate-approve"),
    path("gates/<uuid:report_id>/reject", gates.gate_reject, name="gate-reject"),
    path("jobs/", jobs.job_list, name="jobs"),
    path("jobs/<uuid:job_id>/", jobs.job_detail, name="job"),
    path("jobs/<uuid:job_id>/cancel", jobs.job_cancel, name="job-cancel"),
    path("jobs/<uuid:job_id>/resume", jobs.job_resume, name="job-resume"),
    path("jobs/<uuid:job_id>/undo", jobs.job_undo, name="job-undo"),
    path("rules/", rules.rule_list, name="rules"),
    path("rules/new/", rules.rule_new, name="rule-new"),
    path("rules/standard", rules.rule_standard, name="rule-standard"),
    path("rules/<uuid:rule_id>/", rules.rule_detail, name="rule"),
    path("rules/<uuid:rule_id>/switch", rules.rule_switch, name="rule-switch"),
    path("rules/<uuid:rule_id>/apply", rules.rule_apply, name="rule-apply"),
    path("training/", training.run_list, name="training-runs"),
    path("training/new/", training.run_create, name="training-run-new"),
    path("training/<uuid:run_id>/", training.run_detail, name="training-run"),
    path("training/<uuid:run_id>/cancel", training.run_cancel, name="training-run-cancel"),
]
