"""The quick checks take what the serializer takes, as the serializer would, and refuse nothing by themselves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework import serializers

from learning.api.serializers.compiled import CompiledSerializer, Unsure
from learning.api.serializers.executions import NewExecutionSerializer
from learning.api.serializers.feedback import NewFeedbackSerializer
from learning.api.serializers.fields import ExternalId, StrictSerializer, Text

THUMB = {"agent_id": "a", "feedback_type": "thumbs_up"}
RUN = {
    "agent_id": "a", "execution_id": "e", "input": "x", "context": {"a": [1]}, "duration_ms": 5, "cost": 0.1,
    "started_at": "2026-01-02T03:04:05Z", "decisions": [{"decision_point": "p", "alternatives": [None]}],
}  # fmt: skip
SERIALIZERS = {NewFeedbackSerializer: THUMB, NewExecutionSerializer: RUN}
CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])  # these the parser has refused
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.text(CHARACTERS, max_size=5),
    st.sampled_from(["", " ", " a", "a" * 201, "4.0", "true", "completed", "correction", "1e3", "٣", "2026-01-01"]),
    st.sampled_from([1, 5, 0, 6, 1.0, 2.5, -1, 2**31, 10**400, True]),
    st.lists(st.text(CHARACTERS, max_size=3), max_size=3),
    st.sampled_from([["incorrect"], ["incorrect", "incorrect"], [" tone"], [1], [None], [True], [[]], ["x"] * 21]),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from([[{"decision_point": "p"}], [{"decision_point": 5, "confidence": "0.5"}], [{}], [5], [None]]),
)  # fmt: skip


def verdict(check: Any, data: Any) -> Any:
    try:
        return check(data)
    except serializers.ValidationError as error:
        return error.detail


@pytest.mark.parametrize("kind", SERIALIZERS, ids=lambda kind: kind.__name__)
@settings(max_examples=400)
@given(data=st.data())
def test_every_value_is_judged_as_the_serializer_judges_it(kind: Any, data: st.DataObject) -> None:
    names = [*kind().fields, "unknown"]
    body = SERIALIZERS[kind] | data.draw(st.dictionaries(st.sampled_from(names), ODD, max_size=4))
    for name in data.draw(st.lists(st.sampled_from(names), max_size=2)):
        body.pop(name, None)
    ours, theirs = (
        verdict(check, body) for check in (CompiledSerializer(kind()).run_validation, kind().run_validation)
    )
    assert ours == theirs
    assert repr(sorted(ours.items(), key=str)) == repr(sorted(theirs.items(), key=str)), "the same types too"


@pytest.mark.parametrize("data", [None, [], "text", 5, {"feedback_type": []}])
def test_what_is_no_object_is_refused_by_the_serializer(data: Any) -> None:
    compiled = CompiledSerializer(NewFeedbackSerializer())
    assert verdict(compiled.run_validation, data) == verdict(NewFeedbackSerializer().run_validation, data)


@pytest.mark.parametrize("kind", SERIALIZERS, ids=lambda kind: kind.__name__)
def test_what_is_in_order_never_needs_the_serializer(kind: Any) -> None:
    assert CompiledSerializer(kind()).take(SERIALIZERS[kind])


@pytest.mark.parametrize(
    "change", [{"feedback_type": "applause"}, {"rating": 6}, {"rating": "5"}, {"agent_id": " a"}, {"unknown": 1}]
)
def test_what_is_not_certainly_good_is_left_to_the_serializer(change: dict[str, Any]) -> None:
    with pytest.raises(Unsure):
        CompiledSerializer(NewFeedbackSerializer()).take(THUMB | change)


def test_a_rule_outside_of_the_fields_cannot_be_forgotten() -> None:
    class Custom(StrictSerializer):
        name = ExternalId()

        def validate_name(self, value: str) -> str:
            return value.upper()

    class Filled(StrictSerializer):
        name = Text(default="x")

    for kind in (Custom, Filled):
        with pytest.raises(TypeError, match="name"):
            CompiledSerializer(kind())


def test_a_field_with_a_rule_of_its_own_is_asked_itself() -> None:
    def no_x(value: str) -> None:
        if value == "x":
            raise serializers.ValidationError("no x")

    class Custom(StrictSerializer):
        name = Text(validators=[no_x])

    compiled = CompiledSerializer(Custom())
    assert compiled.take({"name": "y"}) == {"name": "y"}
    with pytest.raises(Unsure):
        compiled.take({"name": "x"})
