"""The quality predictor: it beats two baselines or is not used, and is kept as plain numbers."""

from __future__ import annotations

import json
import math
import time

import numpy as np
import pytest

from learning.engines.insight.fitting import Candidate
from learning.engines.insight.quality import learn_quality
from learning.engines.insight.saved import SavedModel

RNG = np.random.default_rng(0)
N = 240
X = {"a": RNG.normal(size=N), "b": np.where(RNG.uniform(size=N) < 0.2, np.nan, RNG.normal(size=N)), "c": np.ones(N)}
WHO, CASES = np.arange(N) % 6, np.arange(N) // 2
SAID = np.clip(0.5 + 0.2 * X["a"] + 0.05 * (WHO - 2.5) + 0.1 * RNG.normal(size=N), 0, 1)


@pytest.fixture(scope="module")
def learned():
    return learn_quality(X, SAID, WHO, CASES)


def test_it_is_used_when_it_is_clearly_better_than_both_baselines(learned) -> None:
    assert learned.used and learned.gain.low > 0 and learned.n == N and learned.cases == N // 2
    assert learned.error < min(learned.mean_error, learned.reviewer_error)
    assert learned.model.features == ("a", "b")
    assert 0.8 <= learned.coverage <= 1


def test_what_is_kept_as_json_predicts_the_same_with_reasons(learned) -> None:
    kept = SavedModel.from_json(json.loads(json.dumps(learned.model.as_json())))
    good, bad = kept.predict({"a": 1.5, "b": None}), kept.predict({"a": -1.5})
    assert good.quality > 0.65 > 0.35 > bad.quality and good.low <= good.quality <= good.high
    assert good.reasons[0].feature == "a" and good.reasons[0].effect > 0 > bad.reasons[0].effect
    assert kept.predict({"a": math.inf}).quality == kept.predict({}).quality


def test_a_prediction_takes_a_few_milliseconds() -> None:
    table = np.column_stack([np.nan_to_num(X["b"] + shift) for shift in range(20)])
    names = tuple(f"f{place}" for place in range(20))
    saved = Candidate("boosting", 75).fit(table, SAID, names, 0).saved
    began = time.process_time()
    for row in table[:10].tolist():
        saved.predict(dict(zip(names, row, strict=True)))
    assert (time.process_time() - began) / 10 < 0.02


def test_noise_and_constants_are_not_used_and_say_why() -> None:
    noise = learn_quality(X, RNG.uniform(size=N), WHO, CASES)
    assert not noise.used and "not clearly better" in noise.reason and noise.gain.low <= 0
    assert "the same" in learn_quality(X, np.ones(N), WHO, CASES).reason
    assert "No feature" in learn_quality({"c": X["c"]}, SAID, WHO, CASES).reason
    assert "cases" in learn_quality(X, SAID, WHO, np.zeros(N, np.int64)).reason
    few = learn_quality(X, np.where(np.arange(N) < 30, SAID, np.nan), WHO, CASES)
    assert few.reason == "There are 30 opinions; 50 are needed." and not few.used


def test_features_get_no_credit_for_knowing_the_reviewers() -> None:
    """Some judge more strictly than others, and no feature says anything."""
    rng, who = np.random.default_rng(1), np.repeat(np.arange(120), 6)
    said = np.clip(0.5 + 0.15 * rng.normal(size=120)[who] + 0.25 * rng.normal(size=720), 0, 1)
    found = learn_quality({"noise": rng.normal(size=720)}, said, who, np.arange(720))
    assert not found.used and found.error < found.mean_error


@pytest.mark.parametrize("candidate", [Candidate("ridge", 1.0), Candidate("boosting", 20)])
def test_our_reading_of_a_model_predicts_what_it_predicts(candidate: Candidate) -> None:
    table = np.column_stack([X["a"], X["b"]])
    fitted = candidate.fit(table, SAID, ("a", "b"), 0)
    assert [fitted.saved.raw(row) for row in table.tolist()] == pytest.approx(fitted.predict(table).tolist(), abs=1e-9)


@pytest.mark.parametrize("kept", [{}, {"kind": "ridge"}, [], {"kind": "boosting", "features": "a"}])
def test_what_is_no_model_is_refused(kept) -> None:
    with pytest.raises(ValueError, match="no quality model"):
        SavedModel.from_json(kept)


def test_a_tree_that_goes_round_in_circles_is_refused() -> None:
    kept = {"kind": "boosting", "features": ["a"], "usual": [0], "scale": [1], "margin": 0.1, "confidence": 0.9}
    with pytest.raises(ValueError, match="circles"):
        SavedModel.from_json(kept | {"body": {"baseline": 0, "trees": [[[0, 0.0, 1, 0, 0, 0.0]]]}})
