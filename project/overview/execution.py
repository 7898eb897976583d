"""The page of one execution: what came in, what happened, what went out, what people said, what was made of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from annotation.services.lineage import annotations_of
from annotation.word_diff import Segment, diff_words
from experiments.services.lineage import arm_of
from learning.api.serializers.execution_detail import document_of
from learning.models import AgentFeedback, LearningExample
from learning.services.execution_search import named_executions
from learning.services.execution_story import ExecutionStory, Learned, Step, find_execution, problem_text, story_of
from organizations.identifiers import as_uuid
from organizations.models import Role
from organizations.permissions import page
from project.overview.charts import Bar, waterfall

DIMENSIONS = ("rating", "accuracy", "helpfulness", "clarity", "completeness")
COLOURS = {"llm": 1, "tool": 2, "retriever": 3}  # of the waterfall; anything else is 4
ONE_LINE = 80  # characters of JSON
LONGEST_SUM = 2000  # characters of a value in a list of values; the raw data hold all of it


@dataclass(frozen=True)
class Said:
    """A piece of feedback: its numbers (1-5), and its correction against what the agent said."""

    row: AgentFeedback
    numbers: list[tuple[str, int]]
    segments: list[Segment]


@dataclass(frozen=True)
class Made:
    """An example that was made from the execution, who reviewed it, and the configs that learned from it."""

    example: LearningExample
    reviews: list[Any]
    learned: list[Learned]


@page(role=Role.MANAGER)
def execution_page(request: HttpRequest, execution_id: str) -> HttpResponse:
    """By our id. By the application's name it leads there, or to the list where several agents have one so called."""
    uuid = as_uuid(execution_id)
    execution = find_execution(uuid) if uuid else None
    if execution is None:
        return _by_name(execution_id)
    story = story_of(execution)
    return render(request, "overview/execution.html", _context(story))


def _by_name(name: str) -> HttpResponse:
    found = named_executions(name) if "\x00" not in name else []
    if not found:
        raise Http404("There is no such execution in this organization.")
    if len(found) > 1:
        return redirect(f"{reverse('executions')}?{urlencode({'find': name})}")
    return redirect("execution", execution_id=found[0].pk)


def _context(story: ExecutionStory) -> dict[str, Any]:
    execution = story.execution
    arm = None
    if execution.config_id and execution.variant:
        arm = arm_of(config_id=execution.config_id, key=execution.variant, moment=execution.started_at)
    reviews = annotations_of(example.pk for example in story.examples)
    metadata = execution.metadata if isinstance(execution.metadata, dict) else {}
    return {
        "story": story,
        "execution": execution,
        "arm": arm,
        "problem": problem_text(metadata.get("error")),
        "facts": _readable(story.facts),
        "metadata": _readable({name: value for name, value in metadata.items() if name != "error"}),
        "decisions": [
            (each, _told(each.input), _told(each.output), _told(each.alternatives)) for each in story.decisions
        ],
        "waterfall": waterfall(title="Steps by time", bars=[_bar(step) for step in story.steps]),
        "feedback": [_said(row, execution.output) for row in story.feedback],
        "examples": [Made(each, reviews.get(each.pk, []), story.learned.get(each.pk, [])) for each in story.examples],
        "raw": json.dumps(document_of(story), ensure_ascii=False, indent=2, default=str),
    }


def _said(row: AgentFeedback, output: str) -> Said:
    numbers = [(name, value) for name in DIMENSIONS if (value := getattr(row, name)) is not None]
    return Said(row, numbers, diff_words(output, row.correction_text) if row.correction_text else [])


def _bar(step: Step) -> Bar:
    note = " ".join(word for word in (step.kind, step.model) if word)
    return Bar(step.name, note, step.depth, step.begins_ms, step.lasts_ms, COLOURS.get(step.kind, 4), step.failed)


def _readable(values: dict[str, Any]) -> dict[str, str]:
    return {name: _told(value)[:LONGEST_SUM] for name, value in values.items()}


def _told(value: Any) -> str:
    """Any JSON as text: words as they are, nothing as nothing."""
    if value in (None, "", {}, []):
        return ""
    if isinstance(value, str):
        return value
    short = json.dumps(value, ensure_ascii=False)
    return short if len(short) <= ONE_LINE else json.dumps(value, ensure_ascii=False, indent=1)
