"""The benchmark of false claims, on a few of its runs."""

from __future__ import annotations

from learning.engines.types import Prompt
from project.management.commands.bench_null_gains import (
    LABELS,
    Scripted,
    Teachable,
    finds_real_gain,
    make_examples,
    noisy_metric,
    play,
    shuffled_labels,
)


def test_where_nothing_helps_the_best_validation_score_claims_what_the_test_split_does_not() -> None:
    claims = [play((shuffled_labels, noisy_metric)[seed % 2](seed), seed) for seed in range(12)]
    assert sum(one.ours for one in claims) <= 2
    assert sum(one.best_validation for one in claims) >= 7


def test_a_gain_that_is_there_is_claimed_mostly() -> None:
    assert sum(finds_real_gain(seed) for seed in range(6)) >= 3


def test_the_scripted_model_knows_more_the_more_it_is_shown_and_nothing_without_the_answers() -> None:
    examples = make_examples(1)
    requests = [Prompt("x").request(one.input) for one in examples]
    wanted = [one.expected for one in examples]

    def share(model: Scripted) -> float:
        answers = model.complete_many(requests)
        return sum(answer.text == right for answer, right in zip(answers, wanted, strict=True)) / len(wanted)

    assert abs(share(Scripted()) - 1 / len(LABELS)) < 0.15
    assert share(Teachable(examples)) > share(Scripted())
