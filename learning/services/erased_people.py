"""Whose data: the rows of a person by their pseudonym, the words in them, and the words of others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Min, Q

from learning.engines.quotes import Quotes, texts_in
from learning.engines.synthesis import ORIGIN
from learning.formats.rows import USER_NAMES
from learning.models import (
    AgentConfig,
    AgentFeedback,
    Decision,
    Execution,
    LearningExample,
    RetrievalEvent,
    TelemetrySpan,
)
from learning.services.erased_behavior import words_of_steps
from organizations.erasers import Person
from organizations.scope import current_organization_id

SAMPLE = 2_000  # rows of others, of each kind, whose words are nobody's own
PATH = "$.** ? (" + " || ".join(f'@."{name}" == $user' for name in USER_NAMES) + ")"
OWN_ROWS = """
SELECT id FROM {table} t WHERE organization_id = %(organization)s AND ({own} OR {carried})
"""
CARRIED = "jsonb_path_exists({column}, %(path)s::jsonpath, jsonb_build_object('user', %(user)s::text))"
# An example that was imported or given with a user has no execution or feedback that would say whose it is.
OWN_EXAMPLES = """
  t."user" = %(user)s OR t.source_execution_id = ANY(%(executions)s) OR t.source_feedback_id = ANY(%(feedback)s)
"""
# Examples made of examples: variants, which name their origin, and rows of our exports that came back. These are named
# after the example, or carry its external id; then the same input tells them from rows that only share a number.
COPIES = f"""
SELECT t.id FROM learning_learningexample t
WHERE t.organization_id = %(organization)s AND NOT t.id = ANY(%(known)s) AND (
  t.input_context->>'{ORIGIN}' = ANY(%(names)s) OR t.external_id = ANY(%(names)s)
  OR t.external_id <> '' AND (t.external_id, t.input_text) IN (
    SELECT o.external_id, o.input_text FROM learning_learningexample o
    WHERE o.organization_id = %(organization)s AND o.id = ANY(%(ids)s) AND o.external_id <> ''))
"""  # noqa: S608  our own names


@dataclass(frozen=True)
class Found:
    """A person's rows, the spans of their traces, and when the first of all these came."""

    person: Person
    since: datetime | None
    span_ids: tuple[UUID, ...] = ()

    def __bool__(self) -> bool:
        person = self.person
        return bool(person.execution_ids or person.feedback_ids or person.example_ids or self.span_ids)


def find_person(user: str) -> Found:
    """Every execution, piece of feedback and example that is the person's or was made from what is, and open spans."""
    executions = _ids("learning_execution", user, '"user" = %(user)s', ["context", "metadata"])
    feedback = _ids("learning_agentfeedback", user, '"user" = %(user)s OR execution_id = ANY(%(executions)s)', [],
                    executions=executions)  # fmt: skip
    examples = _ids("learning_learningexample", user, OWN_EXAMPLES, ["input_context"], executions=executions,
                    feedback=feedback)  # fmt: skip
    person = Person(user, tuple(executions), tuple(feedback), with_copies(examples))
    spans = spans_of(person)
    rows = ((Execution, executions), (AgentFeedback, feedback), (LearningExample, person.example_ids),
            (TelemetrySpan, spans))  # fmt: skip
    firsts = [
        model._default_manager.filter(pk__in=ids).aggregate(first=Min("created_at"))["first"]
        for model, ids in rows
        if ids
    ]
    return Found(person, min(firsts, default=None), tuple(spans))


def with_copies(example_ids: Sequence[UUID]) -> tuple[UUID, ...]:
    """These examples after what was made of them, at any remove: what is deleted in this order leaves no orphan."""
    known = list(example_ids)
    newest = known
    while newest:
        names = [str(pk) for pk in newest]
        given: dict[str, Any] = {
            "organization": current_organization_id(), "known": known, "ids": newest, "names": names
        }  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(COPIES, given)
            newest = [row[0] for row in cursor.fetchall()]
        known = [*newest, *known]
    return tuple(known)


def spans_of(person: Person) -> list[UUID]:
    """The spans of the person's traces; they are kept for a day, so that there are few."""
    own = _ids("learning_telemetryspan", person.user, "execution_id = ANY(%(executions)s)", ["reading"],
               executions=list(person.execution_ids))  # fmt: skip
    traces = TelemetrySpan.objects.filter(pk__in=own).values("trace_id")
    return list(TelemetrySpan.objects.filter(trace_id__in=traces).values_list("pk", flat=True))


def quotes_of(found: Found) -> Quotes:
    """What counts as quoting the person: runs of words that are theirs alone, names in them, and the pseudonym."""
    names = [found.person.user] if len(found.person.user) > 4 else []
    return Quotes.of(_words(found), known=_others(found), names=names)


def _ids(table: str, user: str, own: str, carried: list[str], **given: Any) -> list[UUID]:
    paths = " OR ".join(CARRIED.format(column=column) for column in carried) or "false"
    given |= {"organization": current_organization_id(), "user": user, "path": PATH}
    with connection.cursor() as cursor:
        cursor.execute(OWN_ROWS.format(table=table, own=f"({own})", carried=f"({paths})"), given)
        return [row[0] for row in cursor.fetchall()]


def _words(found: Found) -> Iterator[str]:
    person = found.person
    executions = Q(execution_id__in=person.execution_ids)
    for row in Execution.objects.filter(pk__in=person.execution_ids).iterator():
        yield from (row.external_id, row.input, row.output)
        yield from _said(row.context)
        yield from texts_in(list(_values(row.metadata)))
    for decision in Decision.objects.filter(executions).iterator():
        yield from (decision.reasoning, *texts_in([decision.input, decision.output, decision.alternatives]))
    for event in RetrievalEvent.objects.filter(executions).iterator():
        yield event.query
    for span in TelemetrySpan.objects.filter(pk__in=found.span_ids).iterator():
        yield from texts_in(list(_values(span.reading)))
    for said in AgentFeedback.objects.filter(pk__in=person.feedback_ids).iterator():
        yield from (said.feedback_text, said.correction_text, said.execution_external_id)
    for example in LearningExample.objects.filter(pk__in=person.example_ids).iterator():
        yield from _texts_of(example)
        yield from _said(example.input_context)
    yield from words_of_steps(Q(example_id__in=person.example_ids))


def _others(found: Found) -> Iterator[str]:
    """Texts that say nothing about the person: newest rows of others, and prompts that were there before."""
    person = found.person
    rows = Execution.objects.exclude(pk__in=person.execution_ids).order_by("-id")[:SAMPLE]
    for row in rows.iterator():
        yield from (row.input, row.output, *texts_in([row.context, row.metadata]))
    said = AgentFeedback.objects.exclude(pk__in=person.feedback_ids).order_by("-id")[:SAMPLE]
    for one in said.iterator():
        yield from (one.feedback_text, one.correction_text)
    for example in LearningExample.objects.exclude(pk__in=person.example_ids).order_by("-id")[:SAMPLE].iterator():
        yield from _texts_of(example)
    yield from words_of_steps(~Q(example_id__in=person.example_ids), most=SAMPLE)
    models = AgentConfig.objects.values_list("content__model", flat=True).distinct()
    yield from (name for name in (*models, settings.DEFAULT_MODEL) if name)
    if found.since is not None:
        for config in AgentConfig.objects.filter(created_at__lt=found.since).iterator():
            yield from texts_in(config.content)


def _texts_of(example: LearningExample) -> Iterable[str]:
    return (example.input_text, example.original_output, example.expected_output, example.rejected_output)


def _said(context: Any) -> Iterator[str]:
    """What a context tells, without what the application told the model about its task."""
    if isinstance(context, Mapping):
        turns = context.get("conversation")
        if isinstance(turns, list):
            yield from texts_in(
                [turn.get("content") if isinstance(turn, Mapping) else turn for turn in turns if _of_people(turn)]
            )
        yield from texts_in([value for name, value in context.items() if name != "conversation"])
    else:
        yield from texts_in(context)


def _of_people(turn: Any) -> bool:
    return not (isinstance(turn, Mapping) and turn.get("role") in ("system", "developer"))


def _values(value: Any) -> Iterator[Any]:
    """The values of a JSON object at any depth: its keys are the application's words."""
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _values(one)
    elif isinstance(value, list):
        for one in value:
            yield from _values(one)
    else:
        yield value
