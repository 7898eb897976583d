from __future__ import annotations

import math
import socket
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learning.engines.metrics import METRIC_KINDS, METRICS, resolve_metric


@pytest.mark.parametrize(
    ("name", "output", "expected", "score"),
    [
        ("exact", " positive\n", "positive", 1.0),
        ("exact", "Positive", "positive", 0.0),
        ("normalised", "Positive.", "positive", 1.0),
        ("normalised", "very  Good", "very good", 1.0),
        ("normalised", "not positive", "positive", 0.0),
        ("token_f1", "a b c d", "a b", 2 * (2 / 4) * 1 / (2 / 4 + 1)),
        ("token_f1", "x", "y", 0.0),
        ("token_f1", "", "", 1.0),
        ("token_f1", "a a", "a", 2 / 3),
        ("same_json", '{"a": 1, "b": [2]}', '{"b":[2],"a":1}', 1.0),
        ("same_json", '{"a": 1}', '{"a": 2}', 0.0),
        ("same_json", "not json", "not json ", 1.0),
    ],
)
def test_a_metric_gives_the_score_worked_out_by_hand(name: str, output: str, expected: str, score: float) -> None:
    assert METRICS[name](output, expected) == pytest.approx(score)


@given(st.sampled_from(sorted(METRICS)), st.text(), st.text())
def test_scores_lie_between_0_and_1_and_the_wanted_text_gets_1(name: str, output: str, expected: str) -> None:
    assert 0.0 <= METRICS[name](output, expected) <= 1.0
    assert METRICS[name](expected, expected) == 1.0


def test_a_users_own_metric_works_when_the_operator_allows_it() -> None:
    assert resolve_metric("operator.eq", allowed_paths=["operator.eq"])("a", "a") == 1


def test_a_path_that_nobody_allowed_is_not_imported() -> None:
    with pytest.raises(ValueError, match="exact, normalised, token_f1"):
        resolve_metric("os.system")


@pytest.mark.parametrize(
    ("output", "expected", "letters", "phrases"),
    [
        # By sacrebleu 2.6.0 (chrF2, sentence) and nltk 3.10 (sentence_gleu); the second pair is nltk's own example.
        ("the cat sat on the mat", "the cat is sitting on the mat", 0.469501, 0.409091),
        (
            "It is a guide to action which ensures that the military always obeys the commands of the party",
            "It is a guide to action that ensures that the military will forever heed Party commands",
            0.630506,
            0.439394,
        ),
        ("abc", "abd", 0.388889, 0.0),
        ("a", "abc", 0.384615, 0.0),
        ("Der Hund", "The dog", 0.053763, 0.0),
    ],
)
def test_chrf_and_gleu_give_the_figures_of_other_programs(
    output: str, expected: str, letters: float, phrases: float
) -> None:
    assert METRICS["chrf"](output, expected) == pytest.approx(letters, abs=1e-6)
    assert METRICS["gleu"](output, expected) == pytest.approx(phrases, abs=1e-6)


SCHEMA = {
    "type": "object",
    "properties": {"id": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$"}, "n": {"type": "integer", "minimum": 1}},
    "required": ["id"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("output", "score"),
    [
        ('{"id": "AB-12", "n": 3}', 1.0),
        ('{"id": "ab-12"}', 0.0),
        ('{"id": "AB-12", "n": 0}', 0.0),
        ('{"n": 3}', 0.0),
        ('{"id": "AB-12", "more": 1}', 0.0),
        ('Here it is: {"id": "AB-12"}', 0.0),
        ("", 0.0),
        ("[" * 100_000, 0.0),
    ],
)
def test_an_answer_must_be_json_that_fits_the_schema(output: str, score: float) -> None:
    assert resolve_metric("json_schema", options={"schema": SCHEMA})(output, "anything") == score


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "thing"},
        {"patternProperties": {"a": {}}},
        {"pattern": "(?=a)b"},
        {"pattern": "(" * 9},
        {"a": "x" * 30_000},
        {"$ref": "#"},  # for ever
        {"properties": {"n": {"$ref": "#/$defs/number"}}},  # there is none
    ],
)
def test_a_schema_that_is_none_or_too_much_is_refused(schema: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="schema"):
        resolve_metric("json_schema", options={"schema": schema})


def test_a_schema_may_refer_to_itself_where_that_ends_and_hold_references_as_data() -> None:
    tree = {"$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["n"]}},
            "properties": {"root": {"$ref": "#/$defs/node"}, "kind": {"const": {"$ref": "elsewhere"}}}}  # fmt: skip
    metric = resolve_metric("json_schema", options={"schema": tree})
    assert metric('{"root": {"n": 1, "next": {"n": 2}}}', "") == 1.0
    assert metric('{"root": {"n": 1, "next": {}}}', "") == 0.0


def test_a_slow_pattern_of_a_schema_costs_no_time() -> None:
    metric = resolve_metric("json_schema", options={"schema": {"type": "string", "pattern": "^(a+)+$"}})
    started = time.perf_counter()
    assert metric('"' + "a" * 5_000 + '!"', "") == 0.0
    assert time.perf_counter() - started < 2


def test_a_schema_fetches_nothing_from_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", lambda *a, **k: pytest.fail("a schema opened a connection"))
    with pytest.raises(ValueError, match=r"schema\.json', which is not in it"):
        resolve_metric("json_schema", options={"schema": {"$ref": "http://127.0.0.1:9/schema.json"}})


class Angles:
    """Each text is a direction in the plane, named by its degrees."""

    name, dimensions = "angles", 2

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def embed(self, texts):  # type: ignore[no-untyped-def]
        self.embedded += texts
        return np.array([[math.cos(math.radians(float(text))), math.sin(math.radians(float(text)))] for text in texts])


def test_nearness_in_meaning_is_the_cosine_of_the_vectors_and_never_below_0() -> None:
    embedder = Angles()
    metric = resolve_metric("embedding", embedder=embedder)
    assert metric("60", "0") == pytest.approx(0.5)
    assert metric("180", "0") == 0.0
    assert (metric("", ""), metric("", "0"), metric(" 7", "7 ")) == (1.0, 0.0, 1.0)
    assert embedder.embedded == ["60", "0", "180"], "a text is embedded once"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("exact", {"schema": {}}, "exact has no option 'schema'"),
        ("json_schema", {}, "needs the option 'schema'"),
        ("json_schema", {"schema": "x"}, "must be an object"),
        ("judge", {"rubric": 3}, "must be a text"),
        ("judge", {"rubric": " "}, "rubric has 1 to"),
        ("embedding", {}, "needs an embedding model"),
    ],
)
def test_a_wrong_option_is_refused_by_name(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resolve_metric(name, options=options)


def test_every_metric_that_is_offered_can_be_made() -> None:
    given = {"json_schema": {"schema": {}}}
    for name in METRIC_KINDS:
        assert resolve_metric(name, options=given.get(name), embedder=Angles())
    assert set(METRICS) <= set(METRIC_KINDS)
