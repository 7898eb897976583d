"""`manage.py optimize_prompt`: start a prompt optimization, and watch it to its end where that is wanted."""

from __future__ import annotations

import time
from argparse import ArgumentTypeError
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from learning.engines.metrics import METRIC_KINDS
from learning.engines.prompt.goals import ACCURACY, SECOND_GOALS
from learning.engines.prompt.strategies import STRATEGIES
from learning.models import Agent, AgentConfig, DatasetVersion, RunStatus, TrainingRun, TrainingType
from learning.services import training, usage_words
from learning.services.agent_directory import find_agent
from learning.services.run_config import RunConfig
from learning.services.run_estimate import RunEstimate
from learning.services.run_plan import RunPlan, plan_run
from learning.waking import wake_for_run
from organizations.errors import Missing, Refused
from organizations.identifiers import UNSTORABLE, as_uuid
from organizations.parsers import parse_typed
from organizations.scope import organization_scope
from organizations.tasks import find_organization

LOOK_SECONDS = 1.0
PATIENCE_SECONDS = 30.0  # without a worker that takes the run
KIND = TrainingType.PROMPT_OPTIMIZATION
# What the option is called, and the setting of the run that it is.
LIMITS = {"budget_calls": "max_calls", "budget_tokens": "max_tokens", "budget_money": "max_money",
          "budget_seconds": "max_seconds"}  # fmt: skip
SAME = ("metric", "rewrites", "concurrency")


class Command(BaseCommand):
    help = (
        "Look for a better prompt for an agent: variants race on validation examples, and the winner must prove itself "
        "on the sealed test split. A worker of the product does it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--agent", required=True, metavar="NAME", help="the application's name of it, or its id")
        parser.add_argument("--dataset-version", metavar="ID", help="left out: the agent's newest")
        parser.add_argument(
            "--base-config", type=int, metavar="NUMBER", help="an approved config to begin with; left out: what serves"
        )
        parser.add_argument("--budget-calls", type=int, help=f"never passed; left out: {RunConfig.max_calls}")
        parser.add_argument("--budget-tokens", type=int, help="in and out together")
        parser.add_argument("--budget-money", help="in the currency of the price table")
        parser.add_argument("--budget-seconds", type=int)
        parser.add_argument("--metric", help=f"how an answer is scored: {', '.join(METRIC_KINDS)}")
        parser.add_argument(
            "--metric-option", dest="options", action="append", default=[], type=_option, metavar="NAME=VALUE",
            help="what the metric is told; an object as JSON, such as schema={\"type\": \"object\"}",
        )  # fmt: skip
        parser.add_argument("--goal", dest="goals", action="append", help=f"{ACCURACY}, {', '.join(SECOND_GOALS)}")
        parser.add_argument("--strategy", dest="strategies", action="append", help=", ".join(STRATEGIES))
        parser.add_argument("--rewrites", type=int, help="instructions that the model writes itself")
        parser.add_argument("--concurrency", type=int, help="calls at a time")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--name", default="")
        parser.add_argument("--estimate", action="store_true", help="say what it would take, and start nothing")
        parser.add_argument("--wait", action="store_true", help="show how far it is, and what it found")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            organization_id = find_organization(options["organization"])
            with organization_scope(organization_id):
                if options["estimate"]:
                    self._tell(_estimate_lines(_plan(options).estimate()))
                    return
                run = _start(options)
        except Refused as error:
            at = f"{error.field}: " if error.field else ""
            raise CommandError(f"{at}{error.message}") from error
        self._tell([f"Training run {run.pk}: {reverse('training-run', args=[run.pk])}"])
        if options["wait"]:
            self._watch(organization_id, run.pk)

    def _watch(self, organization_id: UUID, run_id: UUID) -> None:
        """Log lines as they come, then the result. Leaving off does not stop the run."""
        seen: UUID | None = None
        began, hinted = time.monotonic(), False
        while True:
            with organization_scope(organization_id):
                run = TrainingRun.objects.select_related("candidate_config").get(pk=run_id)
                rows = run.log_lines.order_by("id")
                lines = list(rows.filter(pk__gt=seen) if seen else rows)
            seen = lines[-1].pk if lines else seen
            self._tell(f"{run.progress_percentage:3.0f} %  {line.message}" for line in lines)
            if run.status not in (RunStatus.PENDING, RunStatus.RUNNING):
                break
            if not hinted and run.status == RunStatus.PENDING and time.monotonic() - began > PATIENCE_SECONDS:
                hinted = True
                self._tell(["No worker has taken it yet. Is the product running? The run waits until then."])
            time.sleep(LOOK_SECONDS)
        self._tell(_result_lines(run))
        if run.status != RunStatus.COMPLETED:
            raise CommandError(run.failure_reason or f"The run was {run.status}.")

    def _tell(self, lines: Any) -> None:
        for line in lines:
            self.stdout.write(line)


def _wishes(options: dict[str, Any]) -> dict[str, Any]:
    """The settings that were given, by the names of the API."""
    named = LIMITS | {name: name for name in SAME}
    wishes = {setting: options[name] for name, setting in named.items() if options[name] is not None}
    wishes |= {name: options[name] for name in ("goals", "strategies") if options[name]}
    told = dict(options["options"])
    return wishes | ({"metric_options": told} if told else {})


def _plan(options: dict[str, Any]) -> RunPlan:
    agent = find_agent(name=options["agent"])
    version = _version(options["dataset_version"])
    return plan_run(agent, version, _base_config(agent, options["base_config"]), KIND, _wishes(options))


def _start(options: dict[str, Any]) -> TrainingRun:
    agent = find_agent(name=options["agent"])
    run = training.start_training_run(
        agent=agent,
        dataset_version=_version(options["dataset_version"]),
        base_config=_base_config(agent, options["base_config"]),
        name=options["name"],
        config=_wishes(options),
        seed=options["seed"],
    )
    wake_for_run(run)
    return run


def _version(key: str | None) -> DatasetVersion | None:
    """Raises Missing."""
    if key is None:
        return None
    wanted = as_uuid(key)
    version = DatasetVersion.objects.filter(pk=wanted).first() if wanted else None
    if version is None:
        raise Missing(f"There is no dataset version {key!r}.", "dataset_version_id")
    return version


def _base_config(agent: Agent, number: int | None) -> AgentConfig | None:
    """Raises Missing."""
    if number is None:
        return None
    config = AgentConfig.objects.filter(agent=agent, number=number).first() if 0 < number < 2**31 else None
    if config is None:
        raise Missing(f"The agent has no config {number}.", "base_config_id")
    return config


def _estimate_lines(told: RunEstimate) -> Iterator[str]:
    kept = f"{told.kept_calls:,} kept for calls that are lost"
    yield f"calls     at most {told.calls:,}, of them about {told.confirmation_calls:,} to confirm, {kept}"
    yield f"gate      at most {told.gate_calls:,} calls more, where there is a candidate; no limit holds for them"
    yield f"tokens    about {told.input_tokens:,} in, {told.output_tokens:,} out, from {told.tokens_from}"
    unpriced = " and ".join(told.unpriced)
    money = f"not known: no price for {unpriced}" if told.money is None else f"about {told.money.normalize():f}"
    yield f"money     {money}"
    yield f"duration  {'not known before a first run' if told.seconds is None else f'about {told.seconds:,.0f} s'}"
    yield from told.warnings


def _result_lines(run: TrainingRun) -> Iterator[str]:
    """The outcome for people; the page of the run has it in full."""
    found = run.metrics if isinstance(run.metrics, dict) else {}
    gain = found.get("improvement")
    if found.get("verdict"):
        yield f"{found['verdict'].capitalize()}."
    if gain:
        low, high = 100 * gain["low"], 100 * gain["high"]
        yield f"Gain {100 * gain['mean']:+.1f} points [{low:+.1f}, {high:+.1f}] on {gain['n']:,} sealed test examples."
        if correction := found.get("tried", {}).get("correction"):
            yield f"Tested once: {correction}."
    if run.candidate_config:
        before = run.candidate_config.training_run_id != run.pk
        then = "An earlier run proposed it" if before else "Its gate comes next, then a person decides"
        yield f"Candidate: config {run.candidate_config.number}. {then}."
    yield from (f"- {advice}" for advice in found.get("recommendations", []))
    paid = "" if run.cost is None else f"; money: {usage_words.money(run)}"
    tokens = f"{usage_words.tokens_in(run)} in, {usage_words.tokens_out(run)} out"
    yield f"It took {run.llm_calls:,} calls; tokens: {tokens}{paid}."
    yield from filter(None, [usage_words.how_counted(run)])


def _option(text: str) -> tuple[str, Any]:
    """NAME=VALUE; a value that begins with { is JSON, within the bounds of the API's own."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE, such as rubric=...")
    if UNSTORABLE.search(value):
        raise ArgumentTypeError(f"{name} holds a character that cannot be stored.")
    if not value.lstrip().startswith("{"):
        return name, value
    try:
        return name, parse_typed(value)
    except ValueError as error:
        raise ArgumentTypeError(f"{name}: {error}") from error
