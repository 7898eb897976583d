"""Where a person may be quoted by what was made from their data: prompts, figures, logs, notes, the audit.

Their own rows are deleted whole (erased_rows.py). What others sent is theirs and is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models

from learning.engines.quotes import Quotes
from learning.models import Job
from organizations import audit
from organizations.erasers import erase_written_once, erasing
from organizations.models import AuditEvent, OrganizationModel

BATCH = 300
# Rows of people (deleted with the person, or somebody else's), sums, names that people gave, and what is no text.
LEFT_ALONE = {
    "learning.Agent", "learning.AgentFeedback", "learning.CompiledCorrection", "learning.DatasetExample",
    "learning.Decision", "learning.Demonstration", "learning.DemonstrationStep", "learning.ErasureReceipt",
    "learning.Execution", "learning.ExecutionKey",
    "learning.FeedbackIssueRollup", "learning.FeedbackRollup", "learning.FeedbackRollupMark",
    "learning.FeedbackRollupProgress", "learning.LearningExample", "learning.LlmResponse", "learning.RetrievalEvent",
    "learning.SplitAssignment", "learning.TelemetrySpan", "annotation.AnnotationDraft", "annotation.ExpertAnnotation",
    "annotation.GoldItem", "annotation.ItemFlag", "annotation.Rubric", "annotation.Slot", "organizations.ApiKey",
    "organizations.AuditSeal", "organizations.Membership", "experiments.Exposure", "experiments.MetricResult",
    "experiments.Analysis", "experiments.OutcomeEvent", "experiments.OutcomeMark", "experiments.OutcomeSum",
    "experiments.UnitOutcome",
    "learning.AgentConfig", "organizations.AuditEvent",  # looked through in their own way
}  # fmt: skip
# The application may only add these rows; their texts are blanked by a function of the owner.
WRITTEN_ONCE = {"learning.TrainingRunLog": "message", "experiments.DeploymentEvent": "note"}


def cut_quotes(*, quotes: Quotes, job_id: Any) -> Iterator[tuple[str, int]]:
    """Cut quotes out of every table where there may be some; after each batch what it is called and how many rows.

    The job that erases keeps its request until it is done.
    """
    for model in apps.get_models():
        label = model._meta.label
        if issubclass(model, OrganizationModel) and label not in LEFT_ALONE and (fields := _texts(model)):
            rows = model._default_manager.exclude(pk=job_id) if model is Job else model._default_manager.all()
            for batch in _batches(rows, fields):
                yield _name(model), _cut(model, batch, fields, quotes)
    for events in _batches(AuditEvent.objects.exclude(salt=""), ["before", "after"]):
        told = [event.pk for event in events if quotes.found_in([event.before, event.after])]
        with erasing():
            erased = audit.erase_told(event_ids=told)
        yield "audit events", erased


def _cut(model: type[models.Model], rows: list[Any], fields: list[str], quotes: Quotes) -> int:
    if (column := WRITTEN_ONCE.get(model._meta.label)) is not None:
        quoting = [row.pk for row in rows if quotes.found_in(getattr(row, column))]
        with erasing():
            return erase_written_once(table=model._meta.db_table, column=column, ids=quoting)
    changed = 0
    for row in rows:
        cut = {name: _fitting(row, name, quotes.cut(getattr(row, name))) for name in fields}
        new = {name: value for name, value in cut.items() if value != getattr(row, name)}
        if new:
            with erasing():
                changed += model._default_manager.filter(pk=row.pk).update(**new)
    return changed


def _fitting(row: models.Model, name: str, value: Any) -> Any:
    longest = getattr(row._meta.get_field(name), "max_length", None)
    return value[:longest] if isinstance(value, str) and longest else value


def _texts(model: type[models.Model]) -> list[str]:
    """The fields that hold free text: not keys, hashes, choices, or names that must be unique."""
    unique = {name for one in model._meta.constraints for name in getattr(one, "fields", ())}
    wanted: list[str] = []
    for field in model._meta.local_fields:
        named = isinstance(field, models.CharField) and field.max_length is not None and field.max_length >= 200
        text = isinstance(field, models.TextField | models.JSONField | ArrayField) or named
        if text and not field.choices and field.name not in unique:
            wanted.append(field.name)
    return wanted


def _batches(rows: Any, fields: list[str]) -> Iterator[list[Any]]:
    last = None
    while True:
        page = rows.order_by("pk").only("pk", *fields)
        found = list((page if last is None else page.filter(pk__gt=last))[:BATCH])
        if not found:
            return
        yield found
        last = found[-1].pk


def _name(model: type[models.Model]) -> str:
    return str(model._meta.verbose_name_plural)
