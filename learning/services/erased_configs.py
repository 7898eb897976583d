"""Configs that were built from a person's data: what quotes the person goes, and the rest is marked.

A config is built from a dataset version when the run that made it learned from a train or validation item of the
person, and so is what was made from such a config. It serves on, without the quotes, until somebody makes it anew: the
receipt names it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from learning.engines.behavior.update import KEY
from learning.engines.quotes import Quotes
from learning.engines.safety.hostile import HOSTILE
from learning.engines.types import Prompt
from learning.formats.texts import hash_input
from learning.models import (
    Agent,
    AgentConfig,
    DatasetExample,
    DatasetVersion,
    GateReport,
    GateStatus,
    LearningExample,
    RunStatus,
    Split,
    TrainingRun,
)
from learning.services import evaluation_chunks
from learning.services.erased_behavior import Demonstrated, demonstrated_by, without_person
from learning.services.training import end_of_work
from organizations import audit
from organizations.erasers import Person
from organizations.transitions import LostRace, move

STOPPED = "A person whose data it learned from is being erased. Start it again with the newest version."


@dataclass(frozen=True)
class Shown:
    """What a config may show of a person: (input, right answer) and the hashes of inputs that are theirs alone, and
    what they did step by step.
    """

    pairs: frozenset[tuple[str, str]]
    hashes: frozenset[str]
    steps: Demonstrated


def stop_work(*, version_ids: Collection[UUID] = (), config_ids: Collection[UUID] = ()) -> None:
    """End the runs that read these versions or work with these configs, and let the gates that do begin again.

    A worker that goes on finds at its next step that the work is no longer its own, and writes nothing.
    """
    reading = Q(dataset_version__in=version_ids) | Q(base_config__in=config_ids, status=RunStatus.RUNNING)
    for run in TrainingRun.objects.filter(reading, status__in=[RunStatus.PENDING, RunStatus.RUNNING]):
        try:
            move(run, RunStatus.CANCELLED, failure_reason=STOPPED, finished_at=timezone.now(), **end_of_work(run))
        except LostRace:
            continue  # it came to its own end meanwhile
        evaluation_chunks.forget_run(run_id=run.pk)  # what it would have asked next
    agents = DatasetVersion.objects.filter(pk__in=version_ids).values("dataset__agent")
    checking = (
        Q(training_run__dataset_version__in=version_ids)
        | Q(training_run=None, config__agent__in=agents)  # a draft is checked on the newest version
        | Q(training_run__base_config__in=config_ids)
        | Q(config__in=config_ids)
        | Q(config__parent__in=config_ids)
    )
    for report in GateReport.objects.filter(checking, status=GateStatus.RUNNING):
        try:
            move(report, GateStatus.PENDING)  # its attempt stays: the next one must have another number
        except LostRace:
            continue


def built_from(person: Person) -> list[str]:
    """The configs that learned from the person: proposed by a run that read them, or made of such a config."""
    read = DatasetExample.objects.filter(example_id__in=person.example_ids, split__in=[Split.TRAIN, Split.VALIDATION])
    runs = TrainingRun.objects.filter(dataset_version__in=read.values("version_id"))
    found = set(AgentConfig.objects.filter(training_run__in=runs).values_list("pk", flat=True))
    reached = found
    while reached:
        made = AgentConfig.objects.filter(training_run__isnull=False, training_run__base_config__in=reached)
        reached = set(made.values_list("pk", flat=True)) - found
        found |= reached
    return sorted(map(str, found))


def mark_configs(*, config_ids: Collection[str]) -> None:
    """They were built from data that is erased now."""
    AgentConfig.objects.filter(pk__in=config_ids, erased_at=None).update(
        erased_at=timezone.now(), updated_at=timezone.now()
    )


def shown_of(person: Person) -> Shown:
    """What prompts may show word for word. An input that somebody else sent too is not the person's alone."""
    rows = LearningExample.objects.filter(pk__in=person.example_ids)
    items = DatasetExample.objects.filter(example_id__in=person.example_ids)
    pairs = {*rows.values_list("input_text", "expected_output"), *items.values_list("input_text", "expected_output")}
    hashes = {hash_input(text) for text, _ in pairs if text}
    others = LearningExample.objects.filter(input_hash__in=hashes).exclude(pk__in=person.example_ids)
    theirs = set(others.values_list("input_hash", flat=True))
    pairs = {pair for pair in pairs if hash_input(pair[0]) not in theirs}
    return Shown(frozenset(pairs), frozenset(hashes - theirs), demonstrated_by(person))


def cut_configs(*, shown: Shown, quotes: Quotes) -> Iterator[UUID]:
    """Take what shows or quotes the person out of configs; yields those that were changed."""
    for config in AgentConfig.objects.order_by("pk").iterator():
        content = _without(config.content, shown, quotes)
        if content != config.content:
            now = timezone.now()
            AgentConfig.objects.filter(pk=config.pk).update(
                content=content, content_hash=Prompt.from_content(content).digest, erased_at=now, updated_at=now
            )
            audit.record(action="agentconfig.erased", target=config, after={"number": config.number})
            yield config.pk


def drop_cases(*, person: Person) -> int:
    """Take the person's examples out of the cases that gates have checked; how many there were."""
    keys, dropped = {str(pk) for pk in person.example_ids}, 0
    for report in GateReport.objects.exclude(cases=[]).order_by("pk").iterator():
        cases = [case for case in report.cases if str(case.get("name", "")).removeprefix(HOSTILE) not in keys]
        if len(cases) < len(report.cases):
            dropped += len(report.cases) - len(cases)
            GateReport.objects.filter(pk=report.pk).update(cases=cases, updated_at=timezone.now())
    return dropped


def to_retrain(*, config_ids: Collection[str], cut: Collection[str]) -> list[dict[str, Any]]:
    """What the receipt says of the configs: those that serve come first."""
    serving = set(Agent.objects.exclude(serving_config=None).values_list("serving_config_id", flat=True))
    rows = AgentConfig.objects.filter(pk__in=[*config_ids, *cut]).select_related("agent").order_by("agent__name", "pk")
    told = [
        {
            "agent": row.agent.external_id,
            "config": row.number,
            "config_id": str(row.pk),
            "serves": row.pk in serving,
            "quoted": str(row.pk) in cut,
        }
        for row in rows
    ]
    return sorted(told, key=lambda one: not one["serves"])


def _without(content: dict[str, Any], shown: Shown, quotes: Quotes) -> dict[str, Any]:
    """A prompt without demonstrations that show the person, and without quotes in its instruction."""
    demonstrations, prompt = content.get("examples", []), Prompt.with_template_of(content)
    kept = [one for one in demonstrations if not _shows(one, prompt, shown) and not quotes.found_in([*one.values()])]
    own_way = ("examples", "model", "parameters", KEY)
    cut = {name: quotes.cut(content[name]) for name in content if name not in own_way}
    if content.get(KEY):
        cut[KEY] = without_person(content[KEY], shown.steps, quotes)
    if "{input}" not in cut.get("input_template", "{input}"):
        cut["input_template"] = "{input}"
    return {**content, **cut, **({"examples": kept} if "examples" in content else {})}


def _shows(one: dict[str, Any], prompt: Prompt, shown: Shown) -> bool:
    """A run puts inputs into the template, a person who writes a config may not."""
    asked, answer = one.get("input", ""), one.get("output")
    inputs = {asked, prompt.unwrap(asked)}
    return any((text, answer) in shown.pairs or hash_input(text) in shown.hashes for text in inputs)
