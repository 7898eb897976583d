"""What a run asks of which model, and how many tokens that takes: from earlier runs, else from texts and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count
from django.db.models.functions import Length, NullIf

from learning.engines.holds import longest_answer
from learning.engines.judge import RUBRIC, TASK
from learning.engines.metrics import METRIC_KINDS
from learning.engines.types import Prompt
from learning.models import Agent, DatasetVersion, Execution, RunStatus, Split, TrainingRun
from learning.services.prices import named
from learning.services.run_config import RunConfig, calibration_calls

LOOKED_AT = 20  # finished runs of the organization, the newest
WORTH_COUNTING = 20  # calls: a run whose answers were all remembered tells nothing about speed
SAMPLE = 200  # examples whose length is measured, and executions whose tokens are
CHARACTERS_PER_TOKEN = 4
SHOWN = 4  # examples that a candidate shows on average, as chat turns
GRADE = "GRADE: 4"  # what a judge answers


@dataclass(frozen=True)
class Pace:
    """What one call took in earlier runs: tokens in and out (None: ask the texts), seconds (None: nobody knows).

    `unreported`: the endpoint did not tell the tokens of all of the agent's calls. `answer_tokens`: what an answer of
    the agent takes by its newest executions; None where an earlier run tells, or too few of them do.
    """

    input_tokens: float | None
    output_tokens: float | None
    seconds: float | None
    runs: int
    unreported: bool = False
    answer_tokens: float | None = None


@dataclass(frozen=True)
class Use:
    """What a run takes of one model, in tokens."""

    model: str
    input_tokens: float
    output_tokens: float

    def scaled(self, inside: float, outside: float) -> Use:
        return Use(self.model, self.input_tokens * inside, self.output_tokens * outside)


def models_asked(content: Mapping[str, Any], wishes: RunConfig) -> list[str]:
    """The models that a run asks, each once: the config's own, and the one that grades."""
    models = [content.get("model") or ""]
    if METRIC_KINDS[wishes.metric].needs_expert_scores:
        models.append(grader(wishes))
    return list({named(model): model for model in models}.values())


def grader(wishes: RunConfig) -> str:
    """The model of the judge; empty for the default one."""
    return wishes.metric_options.get("model") or ""


def uses_of(version: DatasetVersion, content: Mapping[str, Any], wishes: RunConfig, pace: Pace) -> list[Use]:
    """What the calls take, of each model that is asked.

    Earlier runs know the tokens of all their calls together: the texts tell how they divide into answers and grades.
    """
    graded = grading_calls(wishes)
    answered, model = wishes.max_calls - graded, content.get("model") or ""
    if pace.input_tokens is None or pace.output_tokens is None:
        return _by_texts(version, content, wishes, pace, answered, graded)
    inside, outside = wishes.max_calls * pace.input_tokens, wishes.max_calls * pace.output_tokens
    if not graded:
        return [Use(model, inside, outside)]
    uses = _by_texts(version, content, wishes, pace, answered, graded)
    inside /= sum(one.input_tokens for one in uses)
    outside /= sum(one.output_tokens for one in uses)
    return [one.scaled(inside, outside) for one in uses]


def grading_calls(wishes: RunConfig) -> int:
    """The calls that grade: one for each answer, and those that compare the judge with experts."""
    calibration, each = calibration_calls(wishes.metric), METRIC_KINDS[wishes.metric].calls_per_answer
    answers = (wishes.max_calls - calibration - wishes.rewrites) // each
    return calibration + answers * (each - 1)


def recent_pace(agent: Agent, metric: str) -> Pace:
    """From the newest finished runs with this metric: tokens of this agent's own, speed of its own or else anybody's.

    With another metric an answer may take another call, of another length.
    """
    rows = TrainingRun.objects.filter(status=RunStatus.COMPLETED, llm_calls__gte=WORTH_COUNTING, seconds__gt=0)
    rows = rows.filter(config__metric=metric)
    figures = rows.values("agent_id", "llm_calls", "input_tokens", "output_tokens", "estimated_calls", "seconds")
    found: list[Any] = list(figures.order_by("-created_at")[:LOOKED_AT])
    own = [row for row in found if row["agent_id"] == agent.pk]
    told = [row for row in own if row["input_tokens"]]  # runs of earlier releases may not know what they took
    return Pace(
        input_tokens=_per_call(told, "input_tokens"),
        output_tokens=_per_call(told, "output_tokens"),
        seconds=_per_call(own or found, "seconds"),
        runs=len(own or found),
        unreported=any(row["estimated_calls"] or not row["input_tokens"] for row in own),
        answer_tokens=None if told else _logged_answers(agent),
    )


def _logged_answers(agent: Agent) -> float | None:
    """The tokens of an answer of the agent, by what the application logged; None where too few say. One query."""
    newest = Execution.objects.filter(agent=agent).order_by("-started_at")[:SAMPLE]
    told = newest.aggregate(told=Count("output_tokens"), tokens=Avg("output_tokens"))
    return float(told["tokens"]) if told["told"] >= WORTH_COUNTING else None


def _by_texts(
    version: DatasetVersion, content: Mapping[str, Any], wishes: RunConfig, pace: Pace, answered: int, graded: int
) -> list[Use]:
    """From the length of the prompt and of examples; a token is about 4 characters. One query."""
    items = version.items.exclude(split=Split.TEST).order_by("id")[:SAMPLE]
    means = items.aggregate(
        asked=Avg(Length("input_text")),
        wanted=Avg(Length("expected_output")),
        said=Avg(NullIf(Length("original_output"), 0)),
    )
    asked, wanted, said = (float(means[name] or 0) for name in ("asked", "wanted", "said"))
    prompt = len(str(content.get("system_prompt", ""))) + len(str(content.get("input_template", "")))
    read, written = prompt + SHOWN * (asked + wanted) + asked, _written(wanted, said, content, pace)
    uses = [_use(content.get("model") or "", answered, read, written)]
    if graded:
        task = len(TASK) + len(wishes.metric_options.get("rubric", RUBRIC))
        uses.append(_use(grader(wishes), graded, task + asked + wanted + written, len(GRADE)))
    return uses


def _written(wanted: float, said: float, content: Mapping[str, Any], pace: Pace) -> float:
    """The characters of an answer: of those that the agent logged, else of the right or the corrected ones.

    Of these the longer: before its prompt is good, a model says more than is wanted. `max_tokens` cuts them all.
    """
    logged = None if pace.answer_tokens is None else pace.answer_tokens * CHARACTERS_PER_TOKEN
    written = max(CHARACTERS_PER_TOKEN, wanted, said) if logged is None else logged
    limit = longest_answer(Prompt.from_content(content).request(""))
    return written if limit is None else min(written, limit * CHARACTERS_PER_TOKEN)


def _use(model: str, calls: int, read: float, written: float) -> Use:
    """So many calls with so many characters each."""
    return Use(model, calls * read / CHARACTERS_PER_TOKEN, calls * written / CHARACTERS_PER_TOKEN)


def _per_call(rows: Sequence[dict[str, Any]], key: str) -> float | None:
    calls = sum(row["llm_calls"] for row in rows)
    return sum(row[key] for row in rows) / calls if calls else None
