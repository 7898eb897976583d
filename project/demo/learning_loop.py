"""From users' corrections to a candidate config that a person has approved: stations 1 to 5 for one agent."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from annotation.models import AnnotationQueue
from annotation.services.queues import create_queue, default_queue
from experiments.services.deployments import deploy_config
from learning.models import Agent, AgentConfig, DatasetVersion, GateReport, GateStatus, RunStatus, TrainingRun
from learning.services import agents, datasets, gate, publication, training
from learning.services.agent_directory import create_agent
from learning.training_tasks import run_training
from organizations.models import Role
from organizations.scope import organization_scope
from project.demo.accounts import acting_as
from project.demo.data import Item
from project.demo.people import Expert
from project.demo.plan import Task

POLL = 0.5  # seconds
RUN_PATIENCE = 1500  # seconds: a run on a busy machine, and once more after a lost worker
ENDED = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)
Watch = Callable[[int, int, str], None]  # done, total, what happens now


class Stalled(Exception):
    """Something that the worker should have done did not happen in time."""


@dataclass(frozen=True)
class Loop:
    """One agent on its way. `name` is its external id: a new one for each play of the demo."""

    organization_id: UUID
    task: Task
    name: str
    model: str
    seed: int

    def create_agent(self) -> AgentConfig:
        """The administrator registers the agent with its first config and lets it serve."""
        with acting_as(Role.ADMIN, self.organization_id):
            agent = create_agent(
                external_id=self.name,
                name=f"{self.task.title} ({self.name})",
                domain=self.task.domain,
                task_types=[self.task.task_type],
                description="Made by the demo.",
            )
            config = agents.create_first_config(agent=agent, content=self.task.first_config(self.model))
            deploy_config(agent=agent, config=config)
        return config

    def review(self, items: Sequence[Item], tick: Callable[[int], None]) -> int:
        """The expert works the queue until nothing is left; how many items that were."""
        right_answers = {item.text: item.expected for item in items}
        reviewed = 0
        while True:
            with acting_as(Role.EXPERT, self.organization_id) as user:
                if not Expert(user, right_answers).review_next(self._queue()):
                    return reviewed
            reviewed += 1
            tick(1)

    def publish(self) -> DatasetVersion:
        """The manager publishes what was approved."""
        with acting_as(Role.MANAGER, self.organization_id):
            dataset = datasets.create_dataset(name=f"Corrections of {self.name}", agent=self._agent())
            return publication.publish_version(dataset=dataset)

    def train(self, version: DatasetVersion, watch: Watch) -> TrainingRun:
        """The administrator starts a run; the worker does it. Returns it when it has ended."""
        with acting_as(Role.ADMIN, self.organization_id) as user:
            run = training.start_training_run(
                agent=self._agent(),
                dataset_version=version,
                config={"max_calls": self.task.max_calls},
                seed=self.seed,
                user=user,
            )
            run_training.delay_on_commit(organization_id=self.organization_id, run_id=run.pk)

        def look() -> TrainingRun | None:
            now = TrainingRun.objects.select_related("candidate_config__agent").get(pk=run.pk)
            done = round(now.progress_percentage * now.total_steps / 100)
            watch(done, now.total_steps, f"Training: {now.current_step or now.status}")
            return now if now.status in ENDED else None

        return self._wait(look, "training run")

    def approve(self, run: TrainingRun) -> GateReport:
        """Wait for the gate, then the administrator approves the candidate if it has passed."""

        def look() -> GateReport | None:
            report = training.gate_report(run)
            return report if report and report.status in (GateStatus.PASSED, GateStatus.FAILED) else None

        report = self._wait(look, "gate")
        if report.status == GateStatus.PASSED:
            with acting_as(Role.ADMIN, self.organization_id) as user:
                gate.approve_config(report=report, user=user, note="The demo's administrator.")
        return report

    def _agent(self) -> Agent:
        return Agent.objects.get(external_id=self.name)

    def _queue(self) -> AnnotationQueue:
        """A queue of the task's own: the demo's expert takes nothing away from people at the review desk."""
        default_queue()  # the desk's, made first so that it stays the first
        name = f"Demo: {self.task.domain}"
        known = AnnotationQueue.objects.filter(name=name).first()
        return known or create_queue(name=name, domain=self.task.domain)

    def _wait(self, look: Callable[[], Any], name: str) -> Any:
        """Look until something comes back. Raises Stalled."""
        deadline = time.monotonic() + RUN_PATIENCE
        while time.monotonic() < deadline:
            with organization_scope(self.organization_id):
                found = look()
            if found is not None:
                return found
            time.sleep(POLL)
        raise Stalled(f"The {name} did not end within {RUN_PATIENCE} s. Does the worker run?")


def best_plain_content(run: TrainingRun, first: dict[str, Any]) -> dict[str, Any]:
    """The best prompt without examples that the run found, as the content of a config; `first` when it found none."""
    plain = next((one for one in run.metrics.get("variants", ()) if one["examples"] == 0), None)
    return first | {"system_prompt": plain["system_prompt"], "examples": []} if plain else first
