"""The Celery application. Tasks are wake-ups: the row in the database is the message (docs/decisions/0003)."""

import os
import signal
from typing import Any

from celery import Celery
from celery.signals import worker_process_init, worker_ready, worker_shutting_down
from kombu import Queue

from organizations.stopping import ask_to_stop
from organizations.work_queues import LONG, SHORT
from project.services.processes import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
app = Celery("project")
app.config_from_object("django.conf:settings", namespace="CELERY")
# A worker that is not told which queues takes from both, in turns.
app.conf.task_queues = [Queue(name, routing_key=name) for name in (SHORT, LONG)]
app.autodiscover_tasks()


@worker_process_init.connect
def end_with_the_worker(**_: Any) -> None:
    """A pool process must not go on with a task whose worker was killed: the row is claimed again elsewhere."""
    die_with_parent(signal.SIGKILL)


@worker_ready.connect
def make_partitions_at_start(**_: Any) -> None:
    """Beat makes them every six hours; a product that was away for months has none for today."""
    app.send_task("learning.keep_partitions")


@worker_shutting_down.connect
def tell_the_processes(**_: Any) -> None:
    """Training runs and gates put their rows back at the next step, so that nobody waits for them to end."""
    ask_to_stop()
