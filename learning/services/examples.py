"""Learning examples: made from corrections, given by people, judged by reviewers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from learning.models import Agent, AgentFeedback, ExampleType, LearningExample, ReviewStatus, SourceType
from learning.services.compiler import compile_correction
from learning.services.execution_references import look_up_executions
from organizations import audit
from organizations.errors import Conflict, Refused
from organizations.transitions import move


def learn_from_corrections(*, feedback_ids: Sequence[UUID]) -> list[LearningExample]:
    """One example for each of these corrections, in the caller's transaction.

    The texts of an execution that is not known yet are filled in when it comes (`join_early_feedback`).
    """
    if not feedback_ids:
        return []
    corrections = AgentFeedback.objects.filter(pk__in=feedback_ids).select_related("agent", "execution")
    return LearningExample.objects.bulk_create([_example_of(correction) for correction in corrections.order_by("id")])


def _example_of(correction: AgentFeedback) -> LearningExample:
    execution = correction.execution
    return LearningExample(
        agent=correction.agent,
        example_type=ExampleType.CORRECTION,
        source_type=SourceType.USER_FEEDBACK,
        source_execution=execution,
        source_feedback=correction,
        input_text=execution.input if execution else "",
        input_context=execution.context if execution else {},
        original_output=execution.output if execution else "",
        expected_output=correction.correction_text,
        domain=correction.agent.domain,
    )


def create_example(*, agent: Agent, example_type: str, source_type: str, **values: Any) -> LearningExample:
    """An example that somebody gives directly; it waits for review like any other.

    values: fields of LearningExample, and `execution_id` for the execution it came from. Raises Refused when that is
    unknown, Conflict when the agent has an example of this external id.
    """
    reference = values.pop("execution_id", None)
    if reference:
        known = look_up_executions(references=[(agent.pk, reference)]).find(reference=reference, agent_id=agent.pk)
        if known is None:
            raise Refused(f"Agent {agent.external_id!r} has no execution {reference!r}.", "execution_id")
        values["source_execution_id"] = known.id
    values.setdefault("domain", agent.domain)
    try:
        with transaction.atomic():
            example = LearningExample.objects.create(
                agent=agent, example_type=example_type, source_type=source_type, **values
            )
    except IntegrityError as error:
        if not values.get("external_id"):
            raise
        raise Conflict(f"This agent has an example {values['external_id']!r} already.", "external_id") from error
    audit.record(action="example.created", target=example, after={"type": example_type, "source": source_type})
    return example


def approve_example(
    *,
    example: LearningExample,
    expected_output: str | None = None,
    quality_score: float | None = None,
    rejected_output: str | None = None,
    approval: UUID | None = None,
) -> None:
    """It may enter datasets, and teaches in the forms of the correction compiler.

    expected_output: the reviewer's own wording; quality_score: 0-1; rejected_output: the worse of two outputs, where
    reviewers compared them; approval: the annotation that approved it.
    """
    others = {} if rejected_output is None else {"rejected_output": rejected_output}
    texts = (example.expected_output, example.rejected_output)
    _judge(example, ReviewStatus.APPROVED, expected_output, quality_score, **others)
    if texts != (example.expected_output, example.rejected_output):
        example.prepared_version = 0  # as the database has it now
    compile_correction(example=example, approval=approval)


def reject_example(*, example: LearningExample, quality_score: float | None = None) -> None:
    """It is never learned from."""
    _judge(example, ReviewStatus.REJECTED, None, quality_score)


def return_example(
    *, example: LearningExample, expected_output: str | None = None, quality_score: float | None = None
) -> None:
    """It needs another look before it may be learned from."""
    _judge(example, ReviewStatus.NEEDS_REVISION, expected_output, quality_score)


def _judge(
    example: LearningExample, verdict: str, expected_output: str | None, quality_score: float | None, **values: Any
) -> None:
    """Raises Conflict when somebody else judged it meanwhile, or when it has this verdict already."""
    if expected_output is not None:
        values["expected_output"] = expected_output
    if quality_score is not None:
        values["quality_score"] = quality_score
    move(example, verdict, field="review_status", **values)
