"""The correction compiler: one approval teaches in several forms, from redacted texts alone, linked to the approval."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from learning.models import Agent, CompiledCorrection, CompiledKind, LearningExample
from learning.services.compiler import compiled_forms, compiled_rows, forms_of
from learning.services.examples import approve_example, reject_example
from learning.services.preparation import prepare_examples
from learning.services.review import begin_review
from organizations.models import Organization
from tests import factories


@pytest.fixture
def agent(scope: Organization) -> Agent:
    return factories.make_agent()


def stored(example: LearningExample) -> dict[str, Any]:
    return dict(CompiledCorrection.objects.filter(example=example).values_list("kind", "content"))


def prepared(agent: Agent, **values: Any) -> LearningExample:
    example = factories.make_example(agent, **values)
    prepare_examples(example_ids=[example.pk])
    return LearningExample.objects.get(pk=example.pk)


def test_one_approval_yields_every_form_and_each_is_linked_to_it(agent: Agent) -> None:
    example = prepared(agent, input_text="Good?", original_output="no", expected_output="yes")
    annotation = uuid4()
    approve_example(example=example, quality_score=0.9, approval=annotation)
    assert stored(example) == {
        "sft_row": {"messages": [{"role": "user", "content": "Good?"}, {"role": "assistant", "content": "yes"}]},
        "few_shot": {"input": "Good?", "output": "yes"},
        "preference_pair": {"input": "Good?", "chosen": "yes", "rejected": "no"},
        "judge_label": {"input": "Good?", "output": "no", "verdict": "wrong", "better": "yes", "score": 0.9},
        "regression_case": {"input": "Good?", "expected": "yes", "must_not_equal": "no"},
    }
    assert set(CompiledCorrection.objects.values_list("approval", flat=True)) == {annotation}


def test_an_approval_that_changes_the_text_waits_until_it_is_redacted(agent: Agent) -> None:
    example = prepared(agent, input_text="Who?")
    approve_example(example=example, expected_output="Ask ann@example.com", approval=uuid4())
    assert set(stored(example)) == set(CompiledKind.values)
    assert not any(stored(example).values())
    assert compiled_forms(example) == []
    prepare_examples(example_ids=[example.pk])
    assert stored(example)["few_shot"] == {"input": "Who?", "output": "Ask <EMAIL_1>"}
    assert "ann@" not in str(stored(example))
    assert CompiledCorrection.objects.filter(approval=None).count() == 0


def test_approving_again_replaces_the_forms(agent: Agent) -> None:
    example = prepared(agent, input_text="Good?", original_output="no", expected_output="yes")
    approve_example(example=example)
    begin_review(example=example)
    approve_example(example=example, expected_output="no")
    prepare_examples(example_ids=[example.pk])
    forms = stored(example)
    assert "preference_pair" not in forms
    assert forms["judge_label"]["verdict"] == "right"
    assert forms["regression_case"]["must_not_equal"] is None


def test_what_is_not_approved_any_more_shows_no_form_and_loses_them_with_its_next_preparation(agent: Agent) -> None:
    example = prepared(agent)
    approve_example(example=example)
    begin_review(example=example)
    reject_example(example=example)
    assert compiled_forms(example) == []
    prepare_examples(example_ids=[example.pk])
    assert stored(example) == {}


def test_an_import_that_nobody_reviewed_has_its_forms_without_an_approval(agent: Agent) -> None:
    example = prepared(agent, review_status="approved")
    assert stored(example) == {}
    [row] = compiled_rows([example], CompiledKind.FEW_SHOT)
    assert (row.content["output"], row.approval) == ("positive", None)


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ({"example_type": "preference", "rejected_output": "worse"}, {"preference_pair", "judge_label"}),
        ({"example_type": "failure", "expected_output": ""}, {"judge_label"}),
        ({"original_output": " positive "}, {"sft_row", "few_shot", "judge_label", "regression_case"}),
        ({"input_text": " "}, set()),
    ],
)
def test_only_the_forms_that_the_texts_allow_are_made(agent: Agent, values: Any, kinds: set[str]) -> None:
    assert set(forms_of(factories.make_example(agent, **values))) == kinds
