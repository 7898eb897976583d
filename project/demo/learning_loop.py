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
from learning.engines.prompt.strategies import NEED_A_WRITER, STRATEGIES
from learning.models import (
    Agent,
    AgentConfig,
    DatasetVersion,
    GateReport,
    GateStatus,
    LearningExample,
    ReviewStatus,
    RunStatus,
    TrainingRun,
)
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
REVIEW_PATIENCE = 300  # seconds without a correction to review: the worker prepares them before anybody sees them
# Each question gets the same examples: to read others anew, the local model takes a second or two on small machines.
QUICK = [name for name in STRATEGIES if name not in NEED_A_WRITER | {"nearest"}]
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
            self._open_queue(agent)
        return config

    def review(self, items: Sequence[Item], sent: int, tick: Callable[[int], None]) -> int:
        """The expert works the queue until every correction that was sent is judged; how many items that were.

        An empty queue is not the end: what came in is prepared first. Raises Stalled.
        """
        right_answers = {item.text: item.expected for item in items}
        reviewed, deadline = 0, time.monotonic() + REVIEW_PATIENCE
        while True:
            with acting_as(Role.EXPERT, self.organization_id) as user:
                found = Expert(user, right_answers).review_next(self._queue())
                judged = 0 if found else self._judged()
            if found:
                reviewed, deadline = reviewed + 1, time.monotonic() + REVIEW_PATIENCE
                tick(1)
            elif judged >= sent:
                return reviewed
            elif time.monotonic() > deadline:
                raise Stalled(
                    f"Of {sent} corrections of {self.name} {judged} are reviewed, and no other came to the expert"
                    f" within {REVIEW_PATIENCE} s. Does the worker run, and does somebody else hold them?"
                )
            else:
                time.sleep(POLL)

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
                config={"max_calls": self.task.max_calls, "strategies": QUICK},
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

    def _judged(self) -> int:
        """Examples of this agent that wait for nobody any more."""
        return LearningExample.objects.filter(agent=self._agent()).exclude(review_status=ReviewStatus.PENDING).count()

    def _open_queue(self, agent: Agent) -> None:
        """A queue of the agent's own before its first correction: the demo takes nothing from the desk, nor adds to it.

        Two filters, so that it comes before a queue of the agent's domain.
        """
        default_queue()  # the desk's, made first so that it stays the first
        create_queue(name=f"Demo: {self.name}", agent=agent, domain=self.task.domain)

    def _queue(self) -> AnnotationQueue:
        return AnnotationQueue.objects.get(agent__external_id=self.name, name=f"Demo: {self.name}")

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
