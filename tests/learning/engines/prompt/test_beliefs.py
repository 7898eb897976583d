from __future__ import annotations

import numpy as np
import pytest

from learning.engines.prompt.beliefs import EXAMPLE, LEVEL, NOISE, TYPICAL_SPREAD, believe, likeness
from learning.engines.types import Demonstration, Prompt

SHOWN = tuple(Demonstration(f"q{n}", "a") for n in range(8))
BARE, TOLD = Prompt("Label."), Prompt("Label it well.")


def test_the_beliefs_are_those_of_the_whole_gaussian_model() -> None:
    """The same model written out with the effects of the examples in it, and solved at once."""
    prompts = [BARE, TOLD, Prompt("Label.", SHOWN[:4]), Prompt("Label.", SHOWN[2:6])]
    scores = [[0.0, 1.0, 0.0], [1.0, 1.0], [1.0, 1.0, 1.0, 0.0], []]
    found = believe(prompts, scores)
    known = [score for row in scores for score in row]
    scale = np.std(known) / TYPICAL_SPREAD
    prior = np.zeros((8, 8))
    prior[:4, :4] = scale**2 * likeness(prompts) + LEVEL**2
    prior[4:, 4:] = (EXAMPLE * scale) ** 2 * np.eye(4)
    design = np.zeros((len(known), 8))
    for row, (who, what) in enumerate((who, what) for who, each in enumerate(scores) for what in range(len(each))):
        design[row, who] = design[row, 4 + what] = 1
    covariance = design @ prior @ design.T + (NOISE * scale) ** 2 * np.eye(len(known))
    center = np.mean(known)
    mean = center + prior @ design.T @ np.linalg.solve(covariance, np.array(known) - center)
    assert found.mean == pytest.approx(mean[:4])
    rest = prior - prior @ design.T @ np.linalg.solve(covariance, design @ prior)
    assert found.covariance == pytest.approx(rest[:4, :4])


def test_nothing_asked_leaves_all_equally_good() -> None:
    found = believe([BARE, TOLD], [[], []])
    assert found.mean == (0.5, 0.5)
    assert found.expected_gain(0, 1) > 0


def test_a_variant_that_was_never_asked_is_judged_by_its_like() -> None:
    good, unlike = Prompt("Label.", SHOWN[:4]), Prompt("Label.", SHOWN[4:])
    never = Prompt("Label.", (*SHOWN[:3], SHOWN[7]))
    found = believe([BARE, good, unlike, never], [[0.0] * 8, [1.0] * 8, [0.0] * 8, []])
    assert found.mean[3] > found.mean[2]
    assert found.spread(3) > found.spread(1)


def test_variants_are_compared_on_common_examples() -> None:
    """The second one answered the hard beginning only, and as well as the first one there."""
    hard_then_easy = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]
    found = believe([BARE, TOLD], [hard_then_easy, hard_then_easy[:4]])
    assert found.mean[1] > 0.2, "its own mean is 0"


def test_more_is_to_be_gained_from_a_close_and_unknown_rival() -> None:
    close, far = Prompt("Label.", SHOWN[:2]), Prompt("Label it well.", SHOWN[:4])
    found = believe([BARE, close, far], [[1.0, 1.0, 0.0] * 4, [1.0, 1.0, 0.0], [0.0] * 9])
    assert found.expected_gain(1, 0) > 3 * found.expected_gain(2, 0)


def test_scores_that_hardly_differ_are_told_apart_too() -> None:
    found = believe([BARE, TOLD], [[0.80, 0.82, 0.81] * 5, [0.85, 0.87, 0.86] * 5])
    assert found.mean[1] - found.mean[0] == pytest.approx(0.05, abs=0.015)
