"""Waking a worker costs the transaction nothing."""

from __future__ import annotations

import sys

import pytest

from learning.models import Agent, Job, JobKind
from learning.services.jobs import start_job
from learning.waking import wake_for_job

TASKS = "learning.job_tasks"


def test_tasks_load_when_the_transaction_has_let_go_of_its_locks(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    job: Job = start_job(kind=JobKind.IMPORT, title="Import", request={})
    monkeypatch.delitem(sys.modules, TASKS, raising=False)
    wake_for_job(job)
    assert TASKS not in sys.modules
