"""Demonstrations: how a piece of work is done, step by step. Redacted before anything is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from learning.engines.behavior.chats import episode_of_chat, is_failure
from learning.engines.behavior.episodes import RESPOND, TOOL, USER, Action, Episode, Step
from learning.models import (
    Agent,
    Decision,
    Demonstration,
    DemonstrationSource,
    DemonstrationStep,
    ExampleType,
    Execution,
    LearningExample,
    SourceType,
)
from learning.services.examples import create_example
from learning.services.redaction_rules import recognizers
from organizations.errors import Conflict, Refused
from organizations.redaction.redactor import redact_texts

MOST_STEPS = 200
MOST_CHARACTERS = 500_000  # of all steps together
LONGEST_TRANSCRIPT = 50_000  # characters of the example's text
LONGEST_VALUE = 300  # characters of an argument or outcome in the transcript
ORIGINS = {
    DemonstrationSource.IMPORT: SourceType.IMPORT,
    DemonstrationSource.EXPERT: SourceType.EXPERT_REVIEW,
    DemonstrationSource.EXECUTION: SourceType.EXECUTION_LOG,
}


def add_demonstration(
    *,
    agent: Agent,
    episode: Episode,
    source: str = DemonstrationSource.API,
    created_by: Any = None,
    **values: Any,
) -> Demonstration:
    """Store a demonstration with the example that carries it; it waits for review like any other.

    values: of the example: user, execution_id, external_id, domain, task_type, tags. Raises Refused for one that is too
    long, Conflict when the agent has one of this external id.
    """
    _check_size(episode)
    _check_new(agent, values.get("external_id", ""))
    steps = redacted_steps(episode.steps)
    with transaction.atomic():
        example = create_example(
            agent=agent,
            example_type=ExampleType.DEMONSTRATION,
            source_type=ORIGINS.get(DemonstrationSource(source), SourceType.DEMONSTRATION),
            input_text=steps[0].observation,
            expected_output=transcript(steps),
            **values,
        )
        demonstration = Demonstration.objects.create(
            agent=agent, example=example, source=source, reward=episode.reward, case=episode.group[:200],
            created_by=created_by,
        )  # fmt: skip
        DemonstrationStep.objects.bulk_create(
            _row(demonstration, position, step) for position, step in enumerate(steps)
        )
    return demonstration


def import_chats(*, agent: Agent, chats: Sequence[Mapping[str, Any]]) -> list[Demonstration]:
    """Store logged chats in the OpenAI form: each {"messages", "id", "reward", "case", "user_id"}. All or none.

    One that was imported before is left out. Raises Refused naming the chat that cannot be read.
    """
    known = set(
        LearningExample.objects.filter(
            agent=agent, external_id__in=[str(chat["id"]) for chat in chats if chat.get("id")]
        ).values_list("external_id", flat=True)
    )
    stored = []
    with transaction.atomic():
        for place, chat in enumerate(chats):
            name = str(chat.get("id") or "")
            if name and name in known:
                continue
            known.add(name)
            episode = read_chat(chat, f"chats.{place}")
            stored.append(
                add_demonstration(
                    agent=agent, episode=episode, source=DemonstrationSource.IMPORT, external_id=name,
                    user=str(chat.get("user_id") or ""),
                )
            )  # fmt: skip
    return stored


def read_chat(chat: Mapping[str, Any], field: str) -> Episode:
    """The episode that a logged chat tells. Raises Refused naming what cannot be read."""
    try:
        return episode_of_chat(
            chat.get("messages") or [], key=field, reward=chat.get("reward"), group=str(chat.get("case") or "")
        )
    except (ValueError, TypeError) as error:
        raise Refused(str(error), field) from error


def episode_of_execution(execution: Execution) -> Episode:
    """What a recorded execution did, as far as it was reported: its conversation with tool calls, or its decisions.

    OpenTelemetry spans of tools are decisions by then. Raises Refused when nothing is known but that it ran.
    """
    conversation = execution.context.get("conversation") if isinstance(execution.context, dict) else None
    if isinstance(conversation, list) and any(_calls(turn) for turn in conversation):
        said = [*conversation, {"role": "assistant", "content": execution.output}] if execution.output else conversation
        return read_chat({"messages": said}, "execution_id")
    steps, seen, source = [], execution.input, USER
    for decision in execution.decisions.order_by("position")[:MOST_STEPS]:
        outcome = _as_text(decision.output)
        action = _action_of(decision)
        steps.append(Step(seen, action, outcome, is_failure(outcome), source))
        seen, source = outcome, TOOL
    if execution.output:
        steps.append(Step(seen, Action(RESPOND, {"text": execution.output}), source=source))
    if not steps:
        raise Refused("Nothing is known of what this execution did: it has no answer, no decision and no tool call.")
    return Episode(str(execution.pk), tuple(steps))


def _action_of(decision: Decision) -> Action:
    try:
        return Action(decision.decision_point, _as_arguments(decision.input))
    except ValueError as error:
        raise Refused(f"Decision {decision.position + 1} of this execution is no action: {error}") from error


def redacted_steps(steps: Sequence[Step]) -> list[Step]:
    """The steps without personal data; the same value has the same placeholder in all of them."""
    texts = {
        str(place): {"observation": step.observation, "arguments": dict(step.action.arguments), "outcome": step.outcome}
        for place, step in enumerate(steps)
    }
    found = redact_texts(texts, recognizers()).texts
    return [
        Step(
            found[str(place)]["observation"],
            Action(step.action.name, found[str(place)]["arguments"]),
            found[str(place)]["outcome"],
            step.failed,
            step.source,
        )
        for place, step in enumerate(steps)
    ]


def transcript(steps: Sequence[Step]) -> str:
    """The steps for a person to read: one line each action, its outcome below."""
    lines = []
    for number, step in enumerate(steps, start=1):
        lines.append(f"{number}. {call_text(step.action)}")
        if step.outcome:
            lines.append(f"   -> {_short(step.outcome)}")
    return "\n".join(lines)[:LONGEST_TRANSCRIPT]


def call_text(action: Action) -> str:
    """An action as a call; an answer as what was said."""
    if action.name == RESPOND and set(action.arguments) == {"text"}:
        return f"{RESPOND}: {_short(str(action.arguments['text']))}"
    given = ", ".join(f"{name}={_short(json.dumps(value, ensure_ascii=False))}" for name, value in
                      action.arguments.items())  # fmt: skip
    return f"{action.name}({given})"


def steps_of(demonstration: Demonstration) -> list[Step]:
    """The stored steps in their order."""
    return [step_of(row) for row in demonstration.steps.order_by("position")]


def step_of(row: DemonstrationStep) -> Step:
    return Step(row.observation, Action(row.action, row.arguments), row.outcome, row.failed, row.source)


def _row(demonstration: Demonstration, position: int, step: Step) -> DemonstrationStep:
    return DemonstrationStep(
        demonstration=demonstration, position=position, observation=step.observation, source=step.source,
        action=step.action.name, arguments=dict(step.action.arguments), outcome=step.outcome, failed=step.failed,
    )  # fmt: skip


def _check_size(episode: Episode) -> None:
    if len(episode.steps) > MOST_STEPS:
        raise Refused(f"A demonstration has at most {MOST_STEPS} steps, not {len(episode.steps):,}.", "steps")
    size = sum(
        len(step.observation) + len(step.outcome) + len(json.dumps(dict(step.action.arguments)))
        for step in episode.steps
    )
    if size > MOST_CHARACTERS:
        raise Refused(f"A demonstration has at most {MOST_CHARACTERS:,} characters, not {size:,}.", "steps")
    if not episode.steps[0].observation.strip():
        raise Refused("The first step needs an observation: what the agent was asked.", "steps")


def _check_new(agent: Agent, external_id: str) -> None:
    if external_id and LearningExample.objects.filter(agent=agent, external_id=external_id).exists():
        raise Conflict(f"This agent has an example {external_id!r} already.", "external_id")


def _calls(turn: Any) -> bool:
    return isinstance(turn, Mapping) and bool(turn.get("tool_calls") or turn.get("function_call"))


def _as_arguments(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else ({} if value in (None, "") else {"input": value})


def _as_text(value: Any) -> str:
    if value in (None, "", {}):
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]} ..."


def find_demonstration(demonstration_id: UUID) -> Demonstration | None:
    """The demonstration with its agent and example; None when the organization has no such one."""
    rows = Demonstration.objects.select_related("agent", "example", "created_by")
    return rows.filter(pk=demonstration_id).first()
