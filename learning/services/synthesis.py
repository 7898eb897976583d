"""Synthetic examples: variants of approved ones, for the train split alone.

Only examples whose cluster is trained on for good are varied, so that no test or validation case comes back in other
words. A variant waits for review like anything else, says what it was made of, and no split but train ever takes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from learning.engines import synthesis as engine
from learning.engines.synthesis import ORIGIN
from learning.engines.types import Completion
from learning.formats.texts import hash_input, normal_text
from learning.models import Agent, Job, JobKind, LearningExample, ReviewStatus, SourceType, Split, SplitAssignment
from learning.services.datasets import TEACHING
from learning.services.jobs import Step, Work, start_job
from learning.services.synthesis_calls import ask
from organizations.errors import Refused
from organizations.scope import current_organization_id

MOST_VARIANTS, MOST_CALLS = 5, 5_000
AT_ONCE = 2  # examples in one step


def start_synthesis(*, agent: Agent, variants: int, most_calls: int, user: Any = None) -> Job:
    """A job that makes up to `variants` of each example of an agent, with at most so many calls of the model.

    Raises Refused, naming the field, for impossible numbers and when there is nothing to be varied.
    """
    if not 1 <= variants <= MOST_VARIANTS:
        raise Refused(f"Ask for 1 to {MOST_VARIANTS} variants of each example.", "variants")
    if not 1 <= most_calls <= MOST_CALLS:
        raise Refused(f"Allow 1 to {MOST_CALLS:,} calls.", "most_calls")
    waiting = origins(agent.pk).count()
    if not waiting:
        raise Refused(
            "No approved example of this agent is in a train split yet, or each was varied already. Publish a dataset "
            "first: what is held back for validation and test is never varied.",
            "agent",
        )
    request = {"agent": str(agent.pk), "variants": variants, "most_calls": most_calls}
    total = min(waiting, most_calls // variants or 1)
    return start_job(
        kind=JobKind.SYNTHESIS, title=f"Variants of examples of {agent.name}", request=request, total=total, user=user
    )


def origins(agent_id: UUID) -> QuerySet[LearningExample]:
    """What may be varied: approved, redacted, and in a cluster that is trained on for good; not varied before."""
    trained = SplitAssignment.objects.filter(split=Split.TRAIN).values("key")
    varied = LearningExample.objects.filter(agent_id=agent_id, source_type=SourceType.SYNTHETIC)
    made_of = [key for key in varied.values_list(f"input_context__{ORIGIN}", flat=True).distinct() if key]
    rows = LearningExample.objects.filter(
        agent_id=agent_id, review_status=ReviewStatus.APPROVED, example_type__in=TEACHING, prepared_version__gt=0,
        is_bridge=False, cluster_key__in=trained,
    )  # fmt: skip
    usable = ~Q(input_text="") & ~Q(expected_output="") & ~Q(source_type=SourceType.SYNTHETIC)
    return rows.filter(usable).exclude(pk__in=made_of).order_by("id")


def work(work: Work) -> Generator[Step, Any, None]:
    """A few examples in each step; the model is asked between the steps, outside of any transaction.

    `result`: {"examples", "variants", "calls", and by reason what could not be used}.
    """
    agent_id, variants = UUID(work.request["agent"]), int(work.request["variants"])
    organization_id = current_organization_id()
    counts = Counter(work.result)
    after, done = UUID(work.cursor.get("after", str(UUID(int=0)))), work.done
    while (left := int(work.request["most_calls"]) - counts["calls"]) >= variants:
        batch = list(origins(agent_id).filter(pk__gt=after)[: min(AT_ONCE, left // variants)])
        if not batch:
            break
        pairs = [(one, number) for one in batch if _can_be_varied(one) for number in range(variants)]
        requests = [_request(one, number) for one, number in pairs]
        # Nothing is written by this step: the transaction ends before the model is asked.
        asked = Step(done, between=lambda: ask(organization_id, work, requests, left))  # noqa: B023  called at once
        replies, calls = yield asked
        counts["calls"] += calls
        counts += _keep(pairs, replies)
        counts["examples"] += len(batch)
        after, done = batch[-1].pk, done + len(batch)
        yield Step(done, cursor={"after": str(after)}, result=dict(counts))
    yield Step(done, done, result=dict(counts))


def _origin(example: LearningExample) -> engine.Origin:
    return engine.Origin(str(example.pk), example.input_text, example.expected_output)


def _can_be_varied(example: LearningExample) -> bool:
    return engine.can_be_varied(_origin(example))


def _request(example: LearningExample, number: int) -> Any:
    # The seed is the example's own, so that a job which is taken up again asks the same and finds the answers kept.
    return engine.variant_request(_origin(example), number, model="", seed=example.pk.int % 1_000_000)


def _keep(pairs: Sequence[tuple[LearningExample, int]], replies: Sequence[Completion]) -> Counter[str]:
    """The usable variants, stored; how many, and by reason what was not usable."""
    counts: Counter[str] = Counter()
    known: set[str] = set()
    standing = _still_origins([origin for origin, _ in pairs])
    for (origin, _), reply in zip(pairs, replies, strict=True):
        text, reason = ("", "refused_by_model") if reply.error else _read(reply.text, origin, known)
        if origin.pk not in standing:
            text, reason = "", "withdrawn"
        elif text and _exists(origin, text):
            text, reason = "", "repeated"
        counts[reason or "variants"] += 1
        if text:
            known.add(normal_text(text))
            _variant(origin, text).save()
    return counts


def _still_origins(examples: Sequence[LearningExample]) -> set[UUID]:
    """Those that may be varied now, and until the transaction ends: somebody is forgotten while a model thinks."""
    ids = {one.pk for one in examples}
    rows = origins(examples[0].agent_id).filter(pk__in=ids) if examples else LearningExample.objects.none()
    return set(rows.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))


def _read(text: str, origin: LearningExample, known: set[str]) -> tuple[str, str]:
    return engine.read_variant(text, _origin(origin), normal=normal_text, known=known)


def _exists(origin: LearningExample, text: str) -> bool:
    return LearningExample.objects.filter(agent_id=origin.agent_id, input_hash=hash_input(text)).exists()


def _variant(origin: LearningExample, text: str) -> LearningExample:
    return LearningExample(
        agent_id=origin.agent_id,
        example_type=origin.example_type,
        source_type=SourceType.SYNTHETIC,
        # The conversation, user or source stays the origin's: what is grouped by them stays in its split.
        input_context=origin.input_context | {ORIGIN: str(origin.pk)},
        source_execution_id=origin.source_execution_id,
        input_text=text,
        expected_output=origin.expected_output,
        domain=origin.domain,
        task_type=origin.task_type,
        complexity=origin.complexity,
        tags=origin.tags,
    )
