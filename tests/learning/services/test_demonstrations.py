from __future__ import annotations

import pytest

from learning.engines.behavior.episodes import RESPOND, Action, Episode, Step
from learning.models import (
    ActionCorrection,
    Agent,
    Demonstration,
    DemonstrationStep,
    ExampleType,
    Execution,
    LearningExample,
)
from learning.services import demonstrations as service
from learning.services.action_corrections import (
    EditedStep,
    correct_execution,
    incorporate_correction,
)
from learning.services.executions import log_execution
from organizations.errors import Conflict, Refused
from organizations.models import AuditEvent
from tests.learning.engines.behavior.worlds import state

pytestmark = pytest.mark.django_db
STEPS = (
    Step("Cancel the order of anna@example.org", Action("look_up", {"email": "anna@example.org"}), "order 7"),
    Step("order 7", Action(RESPOND, {"text": "Done, anna@example.org."}), source="tool"),
)


@pytest.fixture
def execution(agent: Agent) -> Execution:
    outcome = log_execution(
        item={
            "agent_id": agent.external_id, "execution_id": "e1", "user_id": "u1", "input": "Where is order 7?",
            "output": "It is lost.",
            "decisions": [{"decision_point": "search", "input": {"order": 7}, "output": "Error: not found"}],
        }
    )  # fmt: skip
    return Execution.objects.get(pk=outcome.stored_id())


def test_a_demonstration_is_stored_redacted_with_the_example_that_carries_it(agent: Agent) -> None:
    stored = service.add_demonstration(agent=agent, episode=Episode("k", STEPS, 1.0, "t1"), user="u1")

    example = stored.example
    assert (example.example_type, example.user, stored.case) == (ExampleType.DEMONSTRATION, "u1", "t1")
    assert example.input_text == "Cancel the order of <EMAIL_1>"
    assert example.expected_output.startswith(
        '1. look_up(email="<EMAIL_1>")\n   -> order 7\n2. respond: Done, <EMAIL_1>'
    )
    steps = service.steps_of(stored)
    assert steps[0].action.arguments == {"email": "<EMAIL_1>"}
    assert steps[1].source == "tool"
    assert not DemonstrationStep.objects.filter(observation__contains="anna").exists()


def test_it_goes_with_its_example(agent: Agent) -> None:
    stored = service.add_demonstration(agent=agent, episode=Episode("k", STEPS))
    incorporate_correction(agent=agent, original_action=Action("a"), corrected_action=Action("b"), context=state())
    LearningExample.objects.all().delete()

    assert not Demonstration.objects.filter(pk=stored.pk).exists()
    assert not DemonstrationStep.objects.exists() and not ActionCorrection.objects.exists()


def test_what_is_too_long_or_there_already_is_refused(agent: Agent) -> None:
    with pytest.raises(Refused, match="at most 200 steps"):
        service.add_demonstration(agent=agent, episode=Episode("k", STEPS * 101))
    with pytest.raises(Refused, match="characters"):
        huge = Step("x", Action("a", {"text": "y" * service.MOST_CHARACTERS}))
        service.add_demonstration(agent=agent, episode=Episode("k", (huge,)))
    with pytest.raises(Refused, match="needs an observation"):
        service.add_demonstration(agent=agent, episode=Episode("k", (Step(" ", Action("a")),)))
    service.add_demonstration(agent=agent, episode=Episode("k", STEPS), external_id="d1")
    with pytest.raises(Conflict, match="already"):
        service.add_demonstration(agent=agent, episode=Episode("k", STEPS), external_id="d1")


def test_who_gave_the_same_name_a_moment_ago_is_met_by_a_conflict_and_not_by_the_database(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.add_demonstration(agent=agent, episode=Episode("k", STEPS), external_id="d1")
    monkeypatch.setattr(service, "_check_new", lambda agent, external_id: None)  # it looked before the other one wrote
    with pytest.raises(Conflict, match="already"):
        service.add_demonstration(agent=agent, episode=Episode("k", STEPS), external_id="d1")
    assert LearningExample.objects.filter(agent=agent, external_id="d1").count() == 1


def test_chats_are_imported_once_and_all_or_none(agent: Agent) -> None:
    chat = {"id": "c1", "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}

    assert len(service.import_chats(agent=agent, chats=[chat])) == 1
    assert service.import_chats(agent=agent, chats=[chat]) == []
    with pytest.raises(Refused, match="no message of an assistant") as refusal:
        service.import_chats(agent=agent, chats=[{**chat, "id": "c2"}, {"messages": [{"role": "user"}]}])
    assert refusal.value.field == "chats.1"
    assert Demonstration.objects.count() == 1


def test_the_decisions_of_an_execution_are_its_steps(execution: Execution) -> None:
    steps = service.episode_of_execution(execution).steps

    assert [step.action.name for step in steps] == ["search", RESPOND]
    assert steps[0].failed and steps[0].action.arguments == {"order": 7}
    assert (steps[1].observation, steps[1].source) == ("Error: not found", "tool")


def test_a_conversation_with_tool_calls_tells_more_than_decisions(execution: Execution) -> None:
    calls = [{"id": "1", "function": {"name": "find", "arguments": "{}"}}]
    execution.context = {"conversation": [{"role": "user", "content": "q"}, {"role": "assistant", "tool_calls": calls}]}
    names = [step.action.name for step in service.episode_of_execution(execution).steps]
    assert names == ["find", RESPOND]


def test_an_execution_that_did_nothing_is_refused(agent: Agent) -> None:
    with pytest.raises(Refused, match="Nothing is known"):
        service.episode_of_execution(Execution(agent=agent, input="hi", context={}))


def test_an_edit_makes_a_demonstration_and_a_correction_of_each_change(execution: Execution) -> None:
    recorded = service.episode_of_execution(execution)
    asked = Step("Error: not found", Action(RESPOND, {"text": "Which order?"}), source="tool")
    edited = [EditedStep(recorded.steps[0], 0), EditedStep(asked, 1, "ask first")]
    demonstration, corrections = correct_execution(execution=execution, recorded=recorded, edited=edited)

    assert demonstration.example.source_execution_id == execution.pk and demonstration.reward == 1
    assert [(one.kind, one.explanation) for one in corrections] == [("wording", "ask first")]
    assert corrections[0].context["past"] == [["search", True]]
    assert corrections[0].example.rejected_output == "respond: It is lost."
    assert AuditEvent.objects.filter(action="actioncorrection.created").count() == 1


def test_the_same_edit_is_stored_once_however_often_its_form_is_sent(execution: Execution) -> None:
    recorded = service.episode_of_execution(execution)
    added = EditedStep(Step("Where is order 7?", Action("log_in", {"as": "anna@example.org"})))
    kept = [EditedStep(step, place) for place, step in enumerate(recorded.steps)]
    correct_execution(execution=execution, recorded=recorded, edited=[added, *kept])
    with pytest.raises(Conflict, match="stored already"):
        correct_execution(execution=execution, recorded=recorded, edited=[added, *kept])
    assert (Demonstration.objects.count(), ActionCorrection.objects.count()) == (1, 1)
    correct_execution(execution=execution, recorded=recorded, edited=[added, kept[0]])
    assert Demonstration.objects.count() == 2


def test_added_and_removed_steps_are_corrections_too(execution: Execution) -> None:
    recorded = service.episode_of_execution(execution)
    added = Step("Where is order 7?", Action("log_in"))
    _, corrections = correct_execution(
        execution=execution, recorded=recorded, edited=[EditedStep(added), EditedStep(recorded.steps[1], 1)]
    )
    assert sorted(one.kind for one in corrections) == ["missing_action", "needless_action"]


def test_an_edit_that_changes_nothing_stores_nothing(execution: Execution) -> None:
    recorded = service.episode_of_execution(execution)
    same = [EditedStep(step, place) for place, step in enumerate(recorded.steps)]
    for edited in (same, []):
        with pytest.raises(Refused):
            correct_execution(execution=execution, recorded=recorded, edited=edited)
    assert not Demonstration.objects.exists()


def test_a_correction_that_corrects_nothing_is_refused(agent: Agent) -> None:
    for pair in ((None, None), (Action("a"), Action("a"))):
        with pytest.raises(Refused) as refusal:
            incorporate_correction(agent=agent, original_action=pair[0], corrected_action=pair[1], context=state("hi"))
        assert refusal.value.field == "corrected_action"
