"""Reviewer models: strictness, weights, shrinkage, leave-one-out; and preferred answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from learning.engines.insight.preferences import describe_reviewers, weigh_aspects
from learning.engines.insight.reviewers import fit_reviewers


def reviewed(sizes: list[int], severity: list[float], seed: int = 0):
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(len(sizes)), sizes)
    x = rng.normal(size=len(who))
    said = np.clip(0.6 - np.array(severity)[who] + 0.1 * x + 0.15 * rng.normal(size=len(who)), 0, 1)
    return x, said, who


def test_deviations_are_near_those_of_statsmodels_mixed_model() -> None:
    rng = np.random.default_rng(1)
    severity = rng.normal(0, 0.12, 15).tolist()
    x, said, who = reviewed([40] * 15, severity)
    model = fit_reviewers(x[:, None], said, who)
    frame = pd.DataFrame({"said": said, "x": x, "who": who})
    wanted = smf.mixedlm("said ~ x", frame, groups=frame["who"]).fit()
    effects = np.array([wanted.random_effects[place].iloc[0] for place in range(15)])
    assert np.abs(model.own[:, 0] - effects).max() < 0.02
    assert model.noise == pytest.approx(wanted.scale, rel=0.05)


def test_leaving_one_out_is_what_a_fit_without_it_says() -> None:
    x, said, who = reviewed([6, 9, 12], [0.1, 0.0, -0.1])
    model = fit_reviewers(x[:, None], said, who)
    guess = model.left_out(x[:, None], said, who)[4]
    # the same penalised regression without the fifth row, the variances as they are
    rows = model.scaling.design(x[:, None])
    wide = np.zeros((len(said), 8))
    wide[:, :2] = rows
    for place, code in enumerate(who):
        wide[place, 2 + 2 * code : 4 + 2 * code] = rows[place]
    from learning.engines.insight.reviewers import _solve

    keep = np.arange(len(said)) != 4
    grams = np.array([rows[keep & (who == r)].T @ rows[keep & (who == r)] for r in range(3)])
    sums = np.array([rows[keep & (who == r)].T @ said[keep & (who == r)] for r in range(3)])
    whole = np.array([rows[who == r].T @ rows[who == r] for r in range(3)])
    # the variance of the common slopes is not kept, so it is solved for from the fit itself
    slopes = _slopes(model, whole, np.array([rows[who == r].T @ said[who == r] for r in range(3)]))
    state = _solve(grams, sums, model.spread, slopes, model.noise)
    assert guess == pytest.approx(float(rows[4] @ (state.common + state.own[who[4]])), abs=1e-6)


def _slopes(model, grams, sums) -> float:
    from scipy.optimize import brentq

    from learning.engines.insight.reviewers import _solve

    def off(log: float) -> float:
        return float(_solve(grams, sums, model.spread, np.exp(log), model.noise).common[1] - model.common[1])

    return float(np.exp(brentq(off, -12, 5)))


def test_five_opinions_are_drawn_to_the_mean_and_five_hundred_speak_for_themselves() -> None:
    x, said, who = reviewed([500, 5, 500, 500, 500], [0.2, 0.2, 0.0, -0.1, -0.1])
    profiles = {one.reviewer: one for one in describe_reviewers({"x": x}, said, who)}
    assert profiles[0].own_share > 0.98 > profiles[1].own_share
    raw = said.mean() - said[who == 1].mean()
    assert abs(profiles[1].severity.value) < abs(raw)
    assert profiles[0].severity.value > profiles[2].severity.value > profiles[3].severity.value
    assert profiles[1].severity.high - profiles[1].severity.low > profiles[0].severity.high - profiles[0].severity.low


@pytest.mark.parametrize("alike", range(1, 12))
def test_features_that_move_together_and_foretell_all_opinions_give_a_sound_model(alike: int) -> None:
    rng = np.random.default_rng(3)
    x = np.exp(5 * rng.normal(size=60))
    features = np.column_stack([x, *(x * -(3.0**times) for times in range(alike)), *rng.normal(size=(2, 60))])
    who, said = np.arange(60) % 3, x / x.max()
    model = fit_reviewers(features, said, who)
    assert (np.linalg.eigvalsh(model.of_sum) > 0).all()
    assert np.abs(model.predict(features, who) - said).max() < 0.01


def test_one_reviewer_has_no_severity_and_few_opinions_no_profile() -> None:
    x, said, who = reviewed([30], [0.0])
    (profile,) = describe_reviewers({"x": x, "same": np.ones(30), "none": np.full(30, np.nan)}, said, who)
    assert profile.severity is None and profile.own_share == 0 and set(profile.weights) == {"x", "same"}
    assert describe_reviewers({"x": x[:9]}, said[:9], who[:9]) == []


def test_a_reviewer_who_answers_at_random_is_not_predictable_and_a_steady_one_is() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=400)
    who = np.repeat([0, 1], 200)
    said = np.where(who == 0, (x > 0).astype(float), rng.integers(0, 2, 400).astype(float))
    steady, random = sorted(describe_reviewers({"x": x}, said, who), key=lambda one: one.reviewer)
    assert steady.predictable and steady.weights["x"].low > 0
    assert not random.predictable


def test_all_approved_ends_in_a_profile_that_claims_nothing() -> None:
    profiles = describe_reviewers({"x": np.arange(20.0)}, np.ones(20), np.arange(20) % 2)
    assert all(one.accuracy.value == one.chance.value == 1 and not one.predictable for one in profiles)


def test_who_says_yes_as_often_as_no_is_not_foretold_by_noise() -> None:
    rng, who = np.random.default_rng(3), np.repeat(np.arange(30), 20)
    said = np.tile([0.0, 1.0], 300)
    profiles = describe_reviewers({f"f{place}": rng.normal(size=600) for place in range(5)}, said, who)
    assert {one.chance.value for one in profiles} == {0.5}
    assert sum(one.predictable for one in profiles) <= 2


def test_the_threshold_of_approval_is_where_the_line_crosses_the_middle() -> None:
    rng = np.random.default_rng(3)
    score, who = rng.uniform(0, 1, 600), np.arange(600) % 3
    cut = np.array([0.4, 0.6, 0.75])[who]
    approved = (score + 0.05 * rng.normal(size=600) > cut).astype(float)
    found = [
        one.threshold
        for one in sorted(
            describe_reviewers({"score": score}, approved, who, score=score), key=lambda one: one.reviewer
        )
    ]
    assert found == pytest.approx([0.4, 0.6, 0.75], abs=0.1)


def test_an_aspect_weighs_what_it_changes_in_the_verdict() -> None:
    rng = np.random.default_rng(5)
    who = np.repeat([0, 1, 2], 120)
    accuracy, clarity = rng.uniform(0, 1, 360), rng.uniform(0, 1, 360)
    own = np.array([[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]])[who]
    verdict = own[:, 0] * accuracy + own[:, 1] * clarity + 0.02 * rng.normal(size=360)
    clarity[:20] = np.nan
    found = weigh_aspects({"accuracy": accuracy, "clarity": clarity, "same": np.ones(360)}, verdict, who)
    assert set(found) == {0, 1, 2} and set(found[0]) == {"accuracy", "clarity"}
    spread = 1 / np.sqrt(12)  # of what is uniform
    for code, weights in enumerate([(0.9, 0.1), (0.5, 0.5), (0.1, 0.9)]):
        told = found[code]
        assert [told["accuracy"].value, told["clarity"].value] == pytest.approx(np.array(weights) * spread, abs=0.03)
        assert told["accuracy"].low < told["accuracy"].value < told["accuracy"].high


def test_aspects_without_a_verdict_or_with_one_that_never_changes_weigh_nothing() -> None:
    aspect, who = np.linspace(0, 1, 30), np.arange(30) % 2
    assert weigh_aspects({"clarity": aspect}, np.full(30, np.nan), who) == {}
    assert weigh_aspects({"clarity": aspect}, np.ones(30), who) == {}
    assert weigh_aspects({"clarity": np.ones(30)}, aspect, who) == {}
    assert weigh_aspects({"clarity": aspect[:9]}, aspect[:9], who[:9]) == {}
