"""What other systems' scores are in our words."""

from __future__ import annotations

from typing import Any

import pytest

from learning.imports import langfuse, tensorzero
from learning.imports.vocabulary import Choices, LeftOut, Unusable, from_boolean, from_number


def tensor(value: Any, metric: str = "task_success", choices: Choices | None = None, **more: Any) -> dict[str, Any]:
    row = {"id": "1", "inference_id": "i", "metric_name": metric, "value": value} | more
    return dict(tensorzero.read_row(row, choices or Choices()).item)


def score(
    kind: str | None, value: Any, text: Any = None, choices: Choices | None = None, **more: Any
) -> dict[str, Any]:
    row = {"id": "1", "name": "n", "dataType": kind, "value": value, "stringValue": text, "traceId": "t"} | more
    return dict(langfuse.read_row(row, choices or Choices()).item)


@pytest.mark.parametrize(
    ("value", "low", "high", "stars"),
    [(0, 0, 1, 1), (1, 0, 1, 5), (0.5, 0, 1, 3), (0.125, 0, 1, 2), (0.124, 0, 1, 1), (-1, -1, 1, 1), (7, 0, 10, 4)],
)
def test_a_range_becomes_one_to_five(value: float, low: float, high: float, stars: int) -> None:
    assert from_number("q", value, Choices(ranges={"q": (low, high)})) == {
        "feedback_type": "star_rating",
        "rating": stars,
    }


@pytest.mark.parametrize("value", [0, 6, 2.5, 0.5, float("nan"), float("inf")])
def test_a_number_that_is_no_stars_needs_a_range(value: float) -> None:
    with pytest.raises(Unusable):
        from_number("q", value, Choices())


def test_a_number_outside_of_its_range_is_refused() -> None:
    with pytest.raises(Unusable, match="outside"):
        from_number("q", 1.1, Choices(ranges={"q": (0, 1)}))


def test_lower_can_be_better() -> None:
    choices = Choices(lower_is_better=frozenset({"q"}), ranges={"q": (0, 1)})
    assert from_boolean("q", True, choices) == {"feedback_type": "thumbs_down"}
    assert from_boolean("q", False, choices) == {"feedback_type": "thumbs_up"}
    assert from_number("q", 0, choices)["rating"] == 5


def test_our_dimensions_are_kept_apart_from_satisfaction() -> None:
    assert from_boolean("accuracy", True, Choices()) == {"feedback_type": "detailed_feedback", "accuracy": 5}
    assert from_number("clarity", 2, Choices()) == {"feedback_type": "detailed_feedback", "clarity": 2}


def test_a_demonstration_is_the_text_of_its_blocks() -> None:
    assert tensor("plain", "demonstration")["correction_text"] == "plain"
    assert (
        tensor('[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]', "demonstration")["correction_text"]
        == "a\nb"
    )
    assert tensor({"parsed": {"ä": 1}}, "demonstration")["correction_text"] == '{"ä": 1}'


@pytest.mark.parametrize("value", ['[{"type": "tool_call"}]', "[]", "", None])
def test_a_demonstration_without_text_is_refused(value: Any) -> None:
    with pytest.raises(Unusable):
        tensor(value, "demonstration")


def test_a_row_without_an_id_has_the_same_key_each_time() -> None:
    first, second, other = (tensor(value, id=None)["idempotency_key"] for value in (True, True, False))
    assert first == second != other


def test_a_metric_that_was_not_asked_for_is_left_out() -> None:
    with pytest.raises(LeftOut):
        tensor(True, choices=Choices(metrics=frozenset({"other"})))


@pytest.mark.parametrize(
    ("kind", "value", "text", "expected"),
    [
        ("BOOLEAN", 1, None, {"feedback_type": "thumbs_up"}),
        ("BOOLEAN", "0", "", {"feedback_type": "thumbs_down"}),
        ("BOOLEAN", 0, "False", {"feedback_type": "thumbs_down"}),
        ("CATEGORICAL", 0, "Negative", {"feedback_type": "thumbs_down"}),
        ("CATEGORICAL", 3, "tone", {"feedback_type": "report_issue", "issue_categories": ["tone"]}),
        ("CATEGORICAL", 3, "billing", {"feedback_type": "detailed_feedback", "feedback_text": "n: billing"}),
        ("TEXT", None, "Fine.", {"feedback_type": "detailed_feedback", "feedback_text": "Fine."}),
        (None, 3, None, {"feedback_type": "star_rating", "rating": 3}),
        (None, 0, "good", {"feedback_type": "thumbs_up"}),
    ],
)
def test_each_type_of_score(kind: str | None, value: Any, text: Any, expected: dict[str, Any]) -> None:
    found = score(kind, value, text)
    assert {name: found[name] for name in expected} == expected
    assert found["idempotency_key"] == "langfuse:1"


def test_a_score_of_an_observation_is_of_its_trace_unless_told() -> None:
    assert score("NUMERIC", 3, observationId="o")["execution_id"] == "t"
    assert score("NUMERIC", 3, observationId="o", choices=Choices(by_observation=True))["execution_id"] == "o"
    with pytest.raises(Unusable, match="no observation"):
        score("NUMERIC", 3, choices=Choices(by_observation=True))


def test_what_a_model_has_judged_is_no_persons_feedback_unless_told() -> None:
    with pytest.raises(LeftOut):
        score("NUMERIC", 3, source="EVAL")
    assert score("NUMERIC", 3, source="EVAL", choices=Choices(model_scores=True))["rating"] == 3


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("BOOLEAN", 0.5, None),
        ("NUMERIC", "many", None),
        ("NUMERIC", None, None),
        ("CATEGORICAL", 1, ""),
        ("PICTURE", 1, "x"),
    ],
)
def test_a_score_that_makes_no_sense_is_refused(kind: str, value: Any, text: Any) -> None:
    with pytest.raises(Unusable):
        score(kind, value, text)
