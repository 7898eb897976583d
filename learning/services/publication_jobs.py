"""Publishing what is too much for a request: as a job that prepares step by step and then publishes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from learning.models import DatasetVersion, Job, JobKind, JobStatus, TrainingDataset
from learning.services import jobs
from learning.services.datasets import eligible_examples, newest_number
from learning.services.heartbeats import kept_alive
from learning.services.jobs import Step, Work
from learning.services.preparation import BATCH, prepare_waiting_of
from learning.services.publication import publish_version
from learning.services.redaction_rules import mark_outdated
from organizations.errors import Refused

LARGE = 5_000  # eligible examples; publishing more takes longer than a request may


def publish_or_queue(*, dataset: TrainingDataset, user: Any = None) -> DatasetVersion | Job:
    """A version at once, or the job that makes it where there is much to choose from; wake a worker for that.

    Raises Refused when nothing is eligible.
    """
    eligible = eligible_examples(dataset).count()
    if eligible <= LARGE:
        return publish_version(dataset=dataset)
    return open_publication(dataset) or jobs.start_job(
        kind=JobKind.PUBLICATION,
        title=f"Publish {dataset.name}",
        request={"dataset": str(dataset.pk)},
        total=eligible,
        user=user,
    )


def open_publication(dataset: TrainingDataset) -> Job | None:
    """The job that publishes this dataset already."""
    waiting = Job.objects.filter(kind=JobKind.PUBLICATION, status__in=[JobStatus.PENDING, JobStatus.RUNNING])
    return waiting.filter(request__dataset=str(dataset.pk)).first()


def work(work: Work) -> Iterator[Step]:
    """Prepare what still has to be, a step for each batch; then publish in one step, which cannot be divided."""
    dataset = TrainingDataset.objects.select_related("agent").filter(pk=work.request["dataset"]).first()
    if dataset is None:
        raise Refused("The dataset is not there any more.")
    total = eligible_examples(dataset).count()
    while mark_outdated():  # the rules of redaction may have changed
        yield Step(work.done, total)
    unprepared = eligible_examples(dataset).filter(prepared_version=0).count()
    yield Step(total - unprepared, total)
    while done := prepare_waiting_of(eligible_examples(dataset), limit=BATCH):
        unprepared = max(0, unprepared - done)
        yield Step(total - unprepared, total)
    before = newest_number(dataset)
    with kept_alive(work):
        version = publish_version(dataset=dataset)
    told = {"dataset": dataset.name, "version": version.number, "examples": version.total}
    yield Step(total, total, result=told | {"is_new": version.number > before})
