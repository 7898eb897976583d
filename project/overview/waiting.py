"""What waits for the person who looks: each thing in a line, with the page where it is done. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse

from annotation.models import SlotKind
from annotation.services.overview import count_open_flags, count_waiting
from experiments.services.overview import stopped_for_harm, undeployed_winners
from learning.services.job_list import failed_jobs
from learning.services.waiting import failed_runs, undecided_gates
from organizations.actors import Actor


@dataclass(frozen=True)
class Waiting:
    """What to do, and where."""

    text: str
    url: str


def waits_for(actor: Actor) -> list[Waiting]:
    """What this person may do and nobody has done yet."""
    found: list[Waiting] = []
    if actor.can_administer:
        found += _to_administer()
    if actor.can_manage:
        found += _to_manage(actor)
    return found


def _to_administer() -> Iterator[Waiting]:
    for report in undecided_gates():
        config = f"{report.config.agent.name}, config {report.config.number}"
        passed, failed = "passed its gate: approve or reject it", "failed its gate: reject it or check again"
        text = passed if report.awaits_decision else failed
        yield Waiting(f"{config} {text}", reverse("gate", args=[report.pk]))
    for experiment in undeployed_winners():
        text = f"{experiment.agent.name}, experiment {experiment.name}: the treatment wins and is not deployed"
        yield Waiting(text, reverse("experiment", args=[experiment.pk]))
    for experiment in stopped_for_harm():
        text = f"{experiment.agent.name}, experiment {experiment.name}: it was stopped for harm; see what went wrong"
        yield Waiting(text, reverse("experiment", args=[experiment.pk]))
    for run in failed_runs():
        yield Waiting(f"Training run {run.name} failed", reverse("training-run", args=[run.pk]))


def _to_manage(actor: Actor) -> Iterator[Waiting]:
    flags = count_open_flags()
    if flags:
        yield Waiting(f"{flags} item{'s' if flags > 1 else ''} set aside by reviewers", reverse("review-flags"))
    disputes = count_waiting(kind=SlotKind.ADJUDICATION)
    if disputes:
        text = f"{disputes} item{'s' if disputes > 1 else ''} on which reviewers do not agree"
        yield Waiting(text, reverse("adjudication"))
    for job in failed_jobs(actor=actor):
        yield Waiting(f"{job.title}: failed", reverse("job", args=[job.pk]))
