"""The demo from its first to its last step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from learning.engines.types import Prompt
from learning.llm import OpenAIModel
from learning.models import Agent, AgentConfig, GateStatus, LlmResponse, RunStatus, TrainingRun
from organizations.scope import organization_scope
from project.demo import data, editor, sign_ins
from project.demo.application import Application, Question
from project.demo.client import Client
from project.demo.learning_loop import Loop, best_plain_content
from project.demo.measurement import Score, gain, measure
from project.demo.people import Staff
from project.demo.plan import Plan, Task
from project.demo.progress import Narrator
from project.demo.result import Result, TaskResult
from project.demo.trial import Outcome, run_trial
from project.services.place import TYPED

STEPS = 15  # one for the editor, eight for the first task, six for the second
STAFF = 20  # people whose comments are learned from


@dataclass(frozen=True)
class Samples:
    """Texts of one task: each is used in one part alone."""

    everything: Sequence[data.Item]
    learning: Sequence[data.Item]
    untouched: Sequence[data.Item]
    trial: Sequence[data.Item]

    @classmethod
    def draw(cls, task: Task, seed: int) -> Samples:
        items = data.read_items(task.name)
        return cls(items, **data.draw(items, task.sizes(), seed))


class Story:
    """Plays the demo against the product at `address`. `write` prints a line."""

    def __init__(self, address: str, plan: Plan, write: Callable[[str], None]) -> None:
        self.address = address
        self.plan = plan
        self.organization_id = sign_ins.seed_for_playing().id
        self.narrator = Narrator(self.organization_id, STEPS, write)
        with organization_scope(self.organization_id):
            self.client = Client(address, api_key=sign_ins.secret_key())
        self.model = OpenAIModel(
            base_url=settings.OPENAI_BASE_URL, api_key=settings.OPENAI_API_KEY, model=settings.DEFAULT_MODEL
        )

    def play(self) -> Result:
        """Every step in order; a step that honestly does not succeed is said, and what follows from it left out."""
        try:
            return self._play()
        except Exception as error:
            self.narrator.finish(f"The demo stopped: {error} Play it again: {TYPED} demo")
            raise

    def _play(self) -> Result:
        answered_before = self._answered_by_worker()
        self._import_edits()
        main = self._play_task(self.plan.main, live=True)
        second = self._play_task(self.plan.second, live=False)
        calls = self.model.meter.calls + self._answered_by_worker() - answered_before
        self.narrator.finish(f"{main.sentence()} {main.form_and_content()}", main.lineage_path)
        return Result(main, second, calls, self.narrator.seconds, self.address)

    def _import_edits(self) -> None:
        edits = data.read_edits()[: self.plan.edits]
        self.narrator.begin("Importing people's edits with their reviewers' decisions", len(edits))
        new = editor.import_edits(self.client, self.organization_id, edits, self.plan.edits_pending, self.narrator.tick)
        waiting = f"{new} edits with their reviewers' decisions; {self.plan.edits_pending} wait at the review desk"
        self.narrator.end(f'Agent "{editor.AGENT}": {waiting if new else "its edits are there already"}')

    def _play_task(self, task: Task, live: bool) -> TaskResult:
        """Learn and measure; with `live` the gate, the experiment and the deployment lie between."""
        loop = Loop(self.organization_id, task, self._free_name(task.name), self.model.model, self.plan.seed)
        samples = Samples.draw(task, self.plan.seed)
        application = Application(self.client, self.model, loop.name, self.narrator.tick)
        self.narrator.begin(f"Registering the agent {loop.name}")
        first = loop.create_agent()
        self.narrator.end(f'Agent "{loop.name}" serves its first config: "{task.question}", no examples')
        sent = self._collect_comments(application, samples)
        run = self._learn(loop, samples, sent)
        outcome = self._go_live(loop, application, run, samples) if live else None
        return self._measure(loop, first, run, samples, outcome)

    def _collect_comments(self, application: Application, samples: Samples) -> int:
        """Let the staff use the agent; how many corrections they sent."""
        items = samples.learning
        self.narrator.begin(f"{application.agent}: {STAFF} colleagues use the agent and comment", len(items))
        staff = Staff(sorted({item.expected for item in samples.everything}), self.plan.seed)
        names = [f"{application.agent}-staff-{number}" for number in range(STAFF)]
        answers = application.serve([Question(names[n % STAFF], item) for n, item in enumerate(items)])
        counts = application.report((answer, staff.react(answer)) for answer in answers)
        said = ", ".join(f"{number} x {kind.replace('_', ' ')}" for kind, number in sorted(counts.items()))
        self.narrator.end(f"The agent answered {len(answers)} real texts; {STAFF} colleagues commented: {said}")
        return counts.get("correction", 0)

    def _learn(self, loop: Loop, samples: Samples, sent: int) -> TrainingRun:
        self.narrator.begin(f"{loop.name}: an expert reviews the corrections one by one", sent)
        reviewed = loop.review(samples.everything, sent, self.narrator.tick)
        self.narrator.end(f"An expert reviewed {reviewed} of {sent} corrections, one by one")
        self.narrator.begin(f"{loop.name}: publishing a dataset version")
        version = loop.publish()
        self.narrator.end(
            f"Dataset version {version.number} published: {version.train_count} train, {version.validation_count}"
            f" validation, {version.test_count} sealed test examples"
        )
        self.narrator.begin(f"{loop.name}: training", loop.task.max_calls)
        run = loop.train(version, self.narrator.set)
        self.narrator.end(_run_sentence(run, version.test_count))
        return run

    def _go_live(self, loop: Loop, application: Application, run: TrainingRun, samples: Samples) -> Outcome | None:
        self.narrator.begin(f"{loop.name}: gate and approval")
        if run.candidate_config is None:
            self.narrator.end("No candidate, so nothing to check or to approve")
            self.narrator.begin(f"{loop.name}: no experiment")
            self.narrator.end("No candidate, so no experiment and nothing to deploy")
            return None
        report = loop.approve(run)
        passed = report.status == GateStatus.PASSED
        found = report.summary
        self.narrator.end(
            f"The gate {report.status}: {found.get('right_before')} of {found.get('checked')} regression cases right"
            f" before, {found.get('right_after')} after" + ("; an administrator approved" if passed else "")
        )
        trial = self.plan.trial
        self.narrator.begin(f"{loop.name}: experiment with fresh users and texts", trial.users * trial.texts_per_user)
        if not passed:
            self.narrator.end("The gate did not pass, so no experiment and nothing to deploy")
            return None
        outcome = run_trial(
            application, self.organization_id, run.candidate_config, samples.trial, trial, self.plan.seed
        )
        self.narrator.end(
            f"Experiment with {outcome.users} fresh users (the demo's own minimum of {trial.minimum_users} users and"
            f" {trial.minimum_hours:g} hours; the product's is 1,000 and 168): {outcome.sentence} "
            + ("The candidate was deployed" if outcome.deployed else "Nothing was deployed")
        )
        return outcome

    def _measure(
        self, loop: Loop, first: AgentConfig, run: TrainingRun, samples: Samples, outcome: Outcome | None
    ) -> TaskResult:
        after = run.candidate_config or first
        prompts = {
            "before": Prompt.from_content(first.content),
            "after": Prompt.from_content(after.content),
            "by hand": Prompt.from_content(loop.task.plain_config(self.model.model)),
            "found": Prompt.from_content(best_plain_content(run, first.content)),
        }
        different = len({prompt.digest for prompt in prompts.values()})
        self.narrator.begin(f"{loop.name}: measuring on untouched texts", different * len(samples.untouched))
        scores = measure(self.model, prompts, samples.untouched, self.narrator.tick)
        result = TaskResult(
            agent=loop.name,
            title=loop.task.title,
            before=scores["before"],
            after=scores["after"],
            plain=max(scores["by hand"], scores["found"], key=_accuracy),
            gain=gain(scores["before"], scores["after"]),
            candidate_id=str(run.candidate_config_id or ""),
            outcome=outcome,
        )
        self.narrator.end(result.sentence())
        return result

    def _free_name(self, name: str) -> str:
        """Each play has agents of its own: reviews, reviews-2, ..."""
        with organization_scope(self.organization_id):
            taken = set(Agent.objects.filter(external_id__startswith=name).values_list("external_id", flat=True))
        number = 1
        while (free := name if number == 1 else f"{name}-{number}") in taken:
            number += 1
        return free

    def _answered_by_worker(self) -> int:
        """Answers that training and gates paid for so far: each is remembered once."""
        with organization_scope(self.organization_id):
            return LlmResponse.objects.count()


def _run_sentence(run: TrainingRun, sealed: int) -> str:
    """`sealed`: test examples of its dataset version. The run decides from the search how many it asks about."""
    if run.status != RunStatus.COMPLETED:
        return f"The training run {run.status}: {run.failure_reason or 'no reason was given'}"
    found: dict[str, Any] = run.metrics
    improvement = found.get("improvement")
    calls = f"{run.llm_calls} calls" if run.llm_calls else "0 calls, the same answers are remembered from earlier"
    if improvement is None:
        return f"Training, {calls}: {found.get('verdict')}"
    low, high = improvement["low"] * 100, improvement["high"] * 100
    return (
        f"Training, {calls}: {found['verdict']} on {improvement['n']} of {sealed} sealed test examples (a gain that"
        f" is plain to see is proven on about half), by {improvement['mean'] * 100:+.0f} points (between {low:+.0f} and"
        f" {high:+.0f})"
    )


def _accuracy(score: Score) -> float:
    return score.accuracy
