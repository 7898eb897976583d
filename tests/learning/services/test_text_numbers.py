"""What texts are like in numbers is computed once, and again when a text or the function changes."""

from __future__ import annotations

import math
from typing import Any

import pytest

from learning.engines.insight import text_features
from learning.models import AgentFeedback, Execution, LearningExample, TextNumbers
from learning.services import text_numbers
from learning.services.text_numbers import case_of, correction_numbers, example_numbers, execution_numbers
from organizations.models import Organization
from tests import factories

# What version 1 of the functions gives for this text. Another result is another version: raise
# learning.engines.insight.text_features.VERSION together with these numbers.
TEXT = "I think it may work:\n- run `make`\n- wait 2.5 minutes\nIs that ok? See the manual."
GIVEN = {
    "words": 15.0, "sentence_words": 7.5, "reading_ease": 92.0625, "list_share": 0.5, "code_share": 0.075,
    "hedges": 13.333333, "questions": 1.0, "numbers": 6.666667,
}  # fmt: skip


def test_another_result_is_another_version() -> None:
    assert text_features.VERSION == 1
    found = text_features.text_features(TEXT)
    assert {name: round(value, 6) for name, value in found.items()} == GIVEN
    assert round(text_features.similarity("Yes, you may.", "Yes, you must."), 6) == 0.666667


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts whose numbers were computed."""
    seen: list[str] = []
    compute = text_features.text_features

    def counted(text: str) -> dict[str, float]:
        seen.append(text)
        return compute(text)

    monkeypatch.setattr(text_numbers, "text_features", counted)
    return seen


def numbers(execution: Execution) -> dict[str, float]:
    return execution_numbers([execution.pk])[execution.pk].values


def test_numbers_are_computed_once(scope: Organization, computed: list[str]) -> None:
    execution = factories.make_execution(factories.make_agent(), input="May I?", output="Yes, you may.")
    first = numbers(execution)
    assert numbers(execution) == first and computed == ["Yes, you may."]
    assert (first["answer.words"], first["input.words"]) == (3, 2)
    other = factories.make_execution(execution.agent, output="No.")
    found = execution_numbers([execution.pk, other.pk])
    assert set(found) == {execution.pk, other.pk} and computed == ["Yes, you may.", "No."]
    assert found[execution.pk].case == case_of(" may  I?") != "" == found[other.pk].case


def test_a_changed_text_is_counted_anew_and_one_that_goes_is_forgotten(scope: Organization) -> None:
    execution = factories.make_execution(factories.make_agent(), output="Yes.")
    example = factories.make_example(execution.agent, original_output="No.")
    numbers(execution), example_numbers([example.pk])
    Execution.objects.update(status="failed")
    LearningExample.objects.update(domain="x")
    assert TextNumbers.objects.count() == 2, "no text has changed"
    Execution.objects.update(output="Yes, you may.")
    LearningExample.objects.update(original_output="No, you may not.")
    assert numbers(execution)["answer.words"] == 3
    assert example_numbers([example.pk])[example.pk].values["answer.words"] == 4
    LearningExample.objects.all().delete()
    execution.delete()
    assert not TextNumbers.objects.exists()


def test_numbers_of_an_earlier_version_are_counted_anew(scope: Organization, computed: list[str]) -> None:
    execution = factories.make_execution(factories.make_agent(), output="Yes.")
    numbers(execution)
    TextNumbers.objects.update(version=0, numbers=[7.0] * 10)
    assert numbers(execution)["answer.words"] == 1 and len(computed) == 2
    assert TextNumbers.objects.get().version == text_features.VERSION


def test_nothing_is_stored_where_a_page_only_looks(scope: Organization) -> None:
    execution = factories.make_execution(factories.make_agent(), output="")
    found = execution_numbers([execution.pk], keep=False)[execution.pk]
    assert found.values["answer.words"] == 0 and math.isnan(found.values["answer.hedges"])
    assert not TextNumbers.objects.exists()


def correction(execution: Execution, text: str) -> Any:
    return AgentFeedback.objects.create(
        agent=execution.agent, execution=execution, feedback_type="correction", correction_text=text
    )


def test_the_likeness_of_a_correction_follows_both_texts(scope: Organization) -> None:
    execution = factories.make_execution(factories.make_agent(), output="Yes, you may.")
    said = correction(execution, "Yes, you must.")

    def likeness() -> float:
        return correction_numbers([said.pk])[said.pk].values["similarity_to_correction"]

    assert likeness() == pytest.approx(2 / 3)
    Execution.objects.update(output="Yes, you must.")
    assert likeness() == 1
    AgentFeedback.objects.update(correction_text="Never.")
    assert likeness() == 0 and correction_numbers([said.pk])[said.pk].values["words"] == 1
    said.delete()
    assert not TextNumbers.objects.exists()
