"""A job that publishes does its long work in steps, whatever that work is."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from learning.models import DatasetVersion, Job, JobKind, LearningExample
from learning.services import datasets, jobs, publication, publication_jobs
from learning.services.preparation import prepare_waiting
from learning.services.redaction_rules import mark_outdated
from organizations.models import Organization
from organizations.redaction_patterns import create_pattern
from tests import factories


def test_after_a_change_of_redaction_rules_examples_are_prepared_in_steps(
    scope: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = factories.make_agent()
    for number in range(5):
        factories.make_example(agent, review_status="approved", input_text=f"Where is CASE-{number}?")
    prepare_waiting()
    assert not mark_outdated()
    create_pattern(name="CASE", pattern=r"CASE-\d+")
    left = []

    def publish(**asked: Any) -> DatasetVersion:
        left.append(LearningExample.objects.filter(prepared_version=0).count())
        left.append(LearningExample.objects.filter(input_text__contains="CASE-").count())
        return publication.publish_version(**asked)

    monkeypatch.setattr(publication_jobs, "publish_version", publish)
    monkeypatch.setattr(publication_jobs, "mark_outdated", partial(mark_outdated, limit=2))
    monkeypatch.setattr(publication_jobs, "BATCH", 2)
    dataset = datasets.create_dataset(name="Cases", agent=agent)
    request = {"dataset": str(dataset.pk)}
    job: Job = jobs.start_job(kind=JobKind.PUBLICATION, title="Publish Cases", request=request)
    claimed = jobs.claim_job(job_id=job.pk)
    assert claimed is not None
    steps = list(publication_jobs.work(claimed))
    assert left == [0, 0], "nothing is left for the one step that cannot be divided"
    assert [step.done for step in steps] == [0, 0, 0, 2, 4, 5, 5]
