"""Corrections of actions: what an agent did, what it should have done, and why. Each demonstrates and prefers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction

from learning.engines.behavior import corrections as engine
from learning.engines.behavior.episodes import Action, Episode, State, Step, state_before
from learning.models import (
    ActionCorrection,
    Agent,
    AgentConfig,
    Demonstration,
    DemonstrationSource,
    ExampleType,
    Execution,
    SourceType,
)
from learning.services.demonstrations import add_demonstration, call_text, redacted_steps, steps_of
from learning.services.examples import create_example
from organizations import audit
from organizations.errors import Conflict, Refused

NOTHING = Action("nothing")  # stands for "do nothing" where a text is needed


@dataclass(frozen=True)
class EditedStep:
    """A step as an expert left it. `was`: its place in the recorded execution, None for one that was added."""

    step: Step
    was: int | None = None
    explanation: str = ""


def incorporate_correction(
    *,
    agent: Agent,
    original_action: Action | None,
    corrected_action: Action | None,
    explanation: str = "",
    context: State,
    config: AgentConfig | None = None,
    created_by: Any = None,
    **values: Any,
) -> ActionCorrection:
    """Store a correction with its example, which waits for review: a preference, or what is to be done at all.

    values: of the example: user, execution_id. Raises Refused when it corrects nothing.
    """
    try:
        kind = engine.kind_of(original_action, corrected_action)
    except ValueError as error:
        raise Refused(str(error), "corrected_action") from error
    if config is not None and config.agent_id != agent.pk:
        raise Refused(f"Config {config.number} belongs to another agent.", "config_id")
    original, corrected, state, explanation = _redacted(original_action, corrected_action, context, explanation)
    with transaction.atomic():
        example = create_example(
            agent=agent,
            example_type=ExampleType.PREFERENCE if original else ExampleType.DEMONSTRATION,
            source_type=SourceType.EXPERT_REVIEW,
            input_text=state.observation or state.request,
            input_context={"past": [name for name, _ in state.past]},
            expected_output=call_text(corrected or NOTHING),
            rejected_output=call_text(original) if original else "",
            **values,
        )
        correction = ActionCorrection.objects.create(
            agent=agent, example=example, config=config, kind=kind, original=_json(original),
            corrected=_json(corrected), explanation=explanation, context=state_json(state), created_by=created_by,
        )  # fmt: skip
        audit.record(action="actioncorrection.created", target=correction, after={"kind": kind})
    return correction


def correct_execution(
    *, execution: Execution, recorded: Episode, edited: Sequence[EditedStep], created_by: Any = None
) -> tuple[Demonstration, list[ActionCorrection]]:
    """What an expert made of a recorded execution: a demonstration of it all, and a correction for each changed step.

    Raises Refused when nothing was changed or nothing is left, Conflict when just this was stored already.
    """
    if not edited:
        raise Refused("A demonstration needs at least one step.")
    whole = Episode(recorded.key, tuple(one.step for one in edited), 1.0)
    with transaction.atomic():
        if _is_stored(execution, whole):
            raise Conflict("Just this was stored already, so it was not stored again.")
        found = [
            incorporate_correction(
                agent=execution.agent, original_action=original, corrected_action=corrected, explanation=why,
                context=state, config=execution.config, created_by=created_by, execution_id=str(execution.pk),
                user=execution.user,
            )
            for original, corrected, why, state in _changes(recorded, edited)
        ]  # fmt: skip
        if not found:
            raise Refused("Nothing was changed, so there is nothing to learn.")
        demonstration = add_demonstration(
            agent=execution.agent, episode=whole, source=DemonstrationSource.EXPERT, created_by=created_by,
            execution_id=str(execution.pk), user=execution.user,
        )  # fmt: skip
    return demonstration, found


def _is_stored(execution: Execution, episode: Episode) -> bool:
    """Whether an expert made the same of it before. A form that is sent twice at once waits for itself here."""
    Execution.objects.select_for_update(no_key=True).only("pk").get(pk=execution.pk)
    rows = Demonstration.objects.filter(source=DemonstrationSource.EXPERT, example__source_execution_id=execution.pk)
    steps = redacted_steps(episode.steps)
    return any(steps_of(row) == steps for row in rows)


def as_correction(row: ActionCorrection, case: str) -> engine.Correction:
    """A stored correction for the engine."""
    return engine.Correction(
        key=str(row.pk),
        state=state_from_json(row.context),
        original=_action(row.original),
        corrected=_action(row.corrected),
        explanation=row.explanation,
        case=case,
        at=row.created_at,
        config=str(row.config_id or ""),
    )


def state_json(state: State) -> dict[str, Any]:
    return {
        "request": state.request,
        "observation": state.observation,
        "source": state.source,
        "past": [[name, failed] for name, failed in state.past],
    }


def state_from_json(value: Mapping[str, Any]) -> State:
    """Raises ValueError when it is no state."""
    try:
        past = tuple((str(name), bool(failed)) for name, failed in value.get("past", []))
        return State(str(value.get("request", "")), str(value.get("observation", "")),
                     str(value.get("source", "user")), past)  # fmt: skip
    except (TypeError, ValueError) as error:
        raise ValueError("past must be a list of pairs: the name of an action, and whether it failed.") from error


def _changes(recorded: Episode, edited: Sequence[EditedStep]) -> list[tuple[Action | None, Action | None, str, State]]:
    """(original, corrected, why, state) of each step that was changed, added or taken away."""
    kept = {one.was for one in edited}
    steps = [one.step for one in edited]
    found: list[tuple[Action | None, Action | None, str, State]] = []
    for place, one in enumerate(edited):
        was = None if one.was is None else recorded.steps[one.was].action
        if was is None or (was.name, dict(was.arguments)) != (one.step.action.name, dict(one.step.action.arguments)):
            found.append((was, one.step.action, one.explanation, state_before(steps, place)))
    for place, step in enumerate(recorded.steps):
        if place not in kept:
            found.append((step.action, None, "", state_before(recorded.steps, place)))
    return found


def _redacted(
    original: Action | None, corrected: Action | None, state: State, explanation: str
) -> tuple[Action | None, Action | None, State, str]:
    """All of it with the same placeholders."""
    request, seen, before, after, why = redacted_steps(
        [
            Step(state.request, NOTHING),
            Step(state.observation, NOTHING),
            Step("", original or NOTHING),
            Step("", corrected or NOTHING),
            Step(explanation, NOTHING),
        ]
    )
    return (
        before.action if original else None,
        after.action if corrected else None,
        replace(state, request=request.observation, observation=seen.observation),
        why.observation,
    )


def _json(action: Action | None) -> dict[str, Any] | None:
    return None if action is None else {"name": action.name, "arguments": dict(action.arguments)}


def _action(value: Any) -> Action | None:
    return None if not value else Action(value["name"], value.get("arguments", {}))
