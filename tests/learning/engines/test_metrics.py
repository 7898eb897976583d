from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learning.engines.metrics import METRICS, resolve_metric


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
