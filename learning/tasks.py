"""Where Celery finds the tasks of learning; each noun has a module of its own."""

from learning.evaluation_tasks import help_run
from learning.gate_tasks import run_gate, sweep_gates
from learning.insight_tasks import learn_from_feedback
from learning.intake_tasks import join_missed_feedback, keep_partitions
from learning.job_tasks import run_job, run_long_job, sweep_jobs
from learning.preparation_tasks import prepare_all_examples
from learning.retention_tasks import apply_retention
from learning.rollup_tasks import sum_up_all_feedback
from learning.rule_tasks import learn_by_all_rules
from learning.telemetry_tasks import forget, write_overdue
from learning.training_tasks import run_training, sweep_training

__all__ = [
    "apply_retention",
    "forget",
    "help_run",
    "join_missed_feedback",
    "keep_partitions",
    "learn_by_all_rules",
    "learn_from_feedback",
    "prepare_all_examples",
    "run_gate",
    "run_job",
    "run_long_job",
    "run_training",
    "sum_up_all_feedback",
    "sweep_gates",
    "sweep_jobs",
    "sweep_training",
    "write_overdue",
]
