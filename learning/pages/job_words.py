"""What a job did as a person reads it: figures, tables, and where to go on from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.urls import reverse

from learning.formats.catalogue import FORMATS
from learning.models import Agent, DatasetVersion, ExampleRule, Job, JobKind, SourceType, TrainingDataset
from learning.services.job_list import named_problems
from organizations.identifiers import as_uuid

MOST_SHOWN = 200  # rows of one table of a result
MOST_NAMES = 50  # names in one line
WORDS = {
    "unused": "Not used",
    "unchanged": "Known already, or unchanged",
    "updated": "Replaced",
    "is_new": "New content",
    "left": "Left as they are",
    "answers_only": "An answer alone: no action to learn from",
    "demonstrated": "Had a demonstration already",
    "without_user_id": "Without a user_id",
    "format": "Read as",
    "reason": "What was wrong",
}
FIRST = (
    "format",
    "rows",
    "new",
    "updated",
    "unchanged",
    "refused",
    "dataset",
    "version",
    "examples",
)  # before all else
PROBLEM = (
    "file",
    "line",
    "field",
    "example",
    "execution",
    "reason",
)  # the columns of what was refused, where they say something


class Cell(NamedTuple):
    """A value under the heading of its column, and where it leads."""

    column: str
    value: Any
    url: str = ""


@dataclass(frozen=True)
class Table:
    """A list of what a job found, such as the lines that an import refused; `more`: how many are not shown."""

    name: str
    columns: list[str]
    rows: list[list[Cell]]
    more: int = 0


@dataclass(frozen=True)
class Outcome:
    """A job's result: single figures, and tables."""

    figures: list[tuple[str, Any]]
    tables: list[Table]


class Link(NamedTuple):
    text: str
    url: str


def read_outcome(result: Mapping[str, Any]) -> Outcome:
    """Any result as figures and tables: lists of objects and mappings become tables, lists of names one line."""
    figures: list[tuple[str, Any]] = []
    tables: list[Table] = []
    for key in sorted(result, key=lambda key: FIRST.index(key) if key in FIRST else len(FIRST)):
        value = result[key]
        if key == "unit" or value is None or value in ([], {}):
            continue
        if key == "problems":
            tables.append(refused_rows(result))
        elif isinstance(value, Mapping):
            tables.append(_table(_words(key), [{"what": name, "count": one} for name, one in value.items()]))
        elif isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
            tables.append(_table(_words(key), value))
        else:
            figures.append((_words(key), _figure(key, value)))
    return Outcome(figures, tables)


def refused_rows(result: Mapping[str, Any], most: int = MOST_SHOWN) -> Table:
    """What was refused and why, one in each row."""
    problems = named_problems(result.get("problems", []))
    columns = [name for name in PROBLEM if any(problem.get(name) not in (None, "") for problem in problems)]
    unit = str(result.get("unit", "line")).capitalize()
    headings = {name: unit if name == "line" else _words(name) for name in columns}
    rows = [[_cell(name, headings[name], problem.get(name)) for name in columns] for problem in problems[:most]]
    return Table("Problems", list(headings.values()), rows, max(len(problems), _refused(result)) - len(rows))


def links_of(job: Job) -> list[Link]:
    """Where a person goes from the job: to what it was asked for, and to what it made."""
    request = job.request
    links = _to_dataset(job)
    wishes = request.get("wishes", {})
    if job.kind == JobKind.IMPORT and job.result.get("new") and not wishes.get("dry_run"):
        source, agent = wishes.get("source_type", SourceType.IMPORT), wishes.get("agent_id")
        links.append(_examples(job, "The examples that came from files", source, agent))
    if job.kind == JobKind.SYNTHESIS and job.result.get("variants"):
        links.append(_examples(job, "The synthetic examples", SourceType.SYNTHETIC, request.get("agent")))
    if job.kind == JobKind.DEMONSTRATIONS:
        links += _to_behavior(job)
    if job.kind == JobKind.INSIGHT:
        links += _to_insights(job)
    return links + (_to_rule(job) if job.kind == JobKind.RULES else [])


def _to_insights(job: Job) -> list[Link]:
    key = as_uuid(job.request.get("agent", ""))
    agent = Agent.objects.filter(pk=key).first() if key else None
    return [Link(f"What was learned about {agent.name}", reverse("insights", args=[agent.pk]))] if agent else []


def _to_behavior(job: Job) -> list[Link]:
    key = as_uuid(job.request.get("agent", ""))
    agent = Agent.objects.filter(pk=key).first() if key else None
    if agent is None:
        return []
    made = [_examples(job, "The demonstrations, to review", SourceType.EXECUTION_LOG, agent.pk)]
    return [*(made if job.result.get("demonstrations") else []),
            Link(f"Behavior of {agent.name}", reverse("behavior", args=[agent.pk]))]  # fmt: skip


def _to_dataset(job: Job) -> list[Link]:
    key = as_uuid(job.request.get("dataset", ""))
    dataset = TrainingDataset.objects.filter(pk=key).first() if key else None
    if dataset is None:
        return []
    links = [Link(f"The dataset {dataset.name}", reverse("dataset", args=[dataset.pk]))]
    if job.kind == JobKind.IMPORT and job.request["wishes"]["dry_run"]:
        links.append(Link("What it would bring", reverse("dataset-import-checked", args=[dataset.pk, job.pk])))
    number = job.result.get("version")
    if number and DatasetVersion.objects.filter(dataset=dataset, number=number).exists():
        links.append(Link(f"Version {number}", reverse("dataset-version", args=[dataset.pk, number])))
    return links


def _to_rule(job: Job) -> list[Link]:
    key = as_uuid(job.request.get("rule", ""))
    rule = ExampleRule.objects.filter(pk=key).first() if key else None
    if rule is None:
        return []
    links = [Link(f"The rule {rule.name}", reverse("rule", args=[rule.pk]))]
    if job.result.get("examples"):
        links.append(_examples(job, "The examples of such rules", rule.source, rule.agent_id))
    return links


def _examples(job: Job, text: str, source: str, agent: Any) -> Link:
    """The examples of that source that came since the day on which the job began."""
    day = (job.started_at or job.created_at).date()
    given = {"source": str(source), "agent": str(agent) if agent else "", "since": day.isoformat()}
    asked = urlencode({name: value for name, value in given.items() if value})
    return Link(f"{text} since {day.day} {day:%b}", f"{reverse('examples')}?{asked}")


def _table(name: str, values: Sequence[Mapping[str, Any]]) -> Table:
    keys = list(dict.fromkeys(str(key) for row in values[:MOST_SHOWN] for key in row))
    rows = [[_cell(key, _words(key), row.get(key)) for key in keys] for row in values[:MOST_SHOWN]]
    return Table(name, [_words(key) for key in keys], rows, max(0, len(values) - MOST_SHOWN))


def _cell(key: str, column: str, value: Any) -> Cell:
    if key == "example" and (example := as_uuid(str(value))):
        return Cell(column, value, reverse("example", args=[example]))
    if key == "execution" and (execution := as_uuid(str(value))):
        return Cell(column, value, reverse("execution", args=[execution]))
    return Cell(column, _said(value))


def _figure(key: str, value: Any) -> Any:
    if key == "format" and value in FORMATS:
        return FORMATS[value].label
    return _said(value)


def _said(value: Any) -> Any:
    """Numbers and texts as they are, anything else in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{_words(name).lower()}: {_said(one)}" for name, one in value.items())
    if isinstance(value, list):
        more = f" and {len(value) - MOST_NAMES:,} more" if len(value) > MOST_NAMES else ""
        return ", ".join(str(_said(one)) for one in value[:MOST_NAMES]) + more
    return value


def _refused(result: Mapping[str, Any]) -> int:
    refused = result.get("refused", 0)
    return refused if isinstance(refused, int) else 0


def _words(key: Any) -> str:
    return WORDS.get(str(key), str(key).replace("_", " ").capitalize())
