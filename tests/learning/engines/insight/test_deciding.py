"""Recommendations, the effect of applied improvements, and the learner as a whole."""

from __future__ import annotations

import math

import numpy as np
import pytest

from learning.engines.insight import HumanFeedbackLearner, Opinions
from learning.engines.insight.harm import effect_of
from learning.engines.insight.rates import rate_of
from learning.engines.insight.recommendations import recommend
from learning.engines.insight.terms import Term
from learning.engines.insight.thresholds import Threshold
from learning.engines.insight.words import aspect_words, feature_words, number


def threshold(feature: str, above: bool) -> Threshold:
    return Threshold(feature, 120.4, 100, 130, above, rate_of(40, 50), rate_of(10, 50), 0.001)


def test_an_instruction_names_whole_words() -> None:
    cut = Threshold("answer.words", 32.4, 32, 33, False, rate_of(40, 50), rate_of(10, 50), 0.001)
    assert recommend([cut], [], [])[0].instruction == "Keep the answer under 32 words."


def test_what_an_instruction_can_change_carries_one_and_comes_first() -> None:
    word = Term("unfortunately", 1, 9, -2.0, -4.0, 0.001)
    terms, fast, short = recommend([threshold("duration_ms", False), threshold("answer.words", False)], [word], [])[
        ::-1
    ]
    assert short.instruction == "Keep the answer under 120 words." and short.evidence["cut"] == 120.4
    assert "80% (40 of 50)" in short.reason and not fast.instruction and not terms.instruction
    assert "unfortunately in 9 failed and 1 successful cases" in terms.reason
    assert recommend([], [], []) == []


def test_an_effect_is_told_when_there_are_enough_on_both_sides() -> None:
    assert effect_of(19, 19, 50, 100).low is None and effect_of(40, 40, 40, 40).low is None
    bad, good = effect_of(10, 100, 80, 100), effect_of(80, 100, 10, 100)
    assert bad.harmful and not bad.helpful and good.helpful and not good.harmful
    assert bad.difference == pytest.approx(-0.7) and bad.low < -0.7 < bad.high
    with pytest.raises(ValueError, match="impossible"):
        effect_of(3, 2, 0, 0)


def test_looking_again_and_again_seldom_withdraws_what_does_no_harm() -> None:
    rng, withdrawn = np.random.default_rng(0), 0
    for _ in range(200):
        one, other = rng.random((2, 300)) < 0.6
        sums = zip(one.cumsum()[::10], other.cumsum()[::10], range(1, 301, 10), strict=True)
        withdrawn += any(effect_of(int(a), n, int(b), n).harmful for a, b, n in sums)
    assert withdrawn <= 10  # 5 % at the most on the harmful side alone; about 1 % are expected


def test_names_are_words() -> None:
    assert feature_words("input.words") == "length of the question in words"
    assert feature_words("metadata.queue") == "“queue” of the metadata" and feature_words("my_own") == "my own"
    assert aspect_words("user.rating") == "stars" and aspect_words("own_one") == "own one"
    assert [number(value) for value in (12345.6, 12.34, 0.1234)] == ["12,346", "12.3", "0.12"]


def test_one_look_tells_everything_and_calls_progress() -> None:
    rng, n = np.random.default_rng(1), 120
    words = rng.normal(100, 20, n)
    quality = np.clip(0.6 - (words - 100) / 60 + 0.05 * rng.normal(size=n), 0, 1)
    opinions = Opinions(
        {"answer.words": words, "similarity_to_correction": quality}, {"user.rating": np.round(1 + 4 * quality)},
        rng.integers(0, 10, n), np.arange(n), ["fine" if one > 0.6 else "sorry" for one in quality],
    )  # fmt: skip
    told: list[str] = []
    learner = HumanFeedbackLearner(progress=lambda step, total, message: told.append(message))
    found = learner.learn(opinions, quality, {"long": words > 110})
    assert found.n == found.judged == n and found.quality.used and told[-1] == "Done"
    assert found.quality.model.features == ("answer.words",), "what is known only afterwards foretells nothing"
    assert {one.word for one in found.terms} == {"fine", "sorry"} and found.patterns[0].significant
    assert found.recommendations[0].instruction.startswith("Keep the answer under")


def test_nothing_at_all_is_a_result() -> None:
    empty = np.zeros(0)
    opinions = Opinions({}, {}, empty.astype(np.int64), empty.astype(np.int64))
    found = HumanFeedbackLearner().learn(opinions, empty, {})
    assert (found.n, found.correlations, found.profiles, found.recommendations) == (0, [], [], [])
    assert found.quality.reason == "There are 0 opinions; 50 are needed." and not math.isnan(found.n)
