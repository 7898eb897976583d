from __future__ import annotations

from learning.engines.prompt.analysis import analyse, recommend
from learning.engines.types import Example, Split


def answered(*pairs: tuple[str | None, str]) -> list[Example]:
    return [Example(f"e{n}", "in", wanted, Split.TRAIN, original=said) for n, (said, wanted) in enumerate(pairs)]


def kinds(*pairs: tuple[str | None, str]) -> dict[str, int]:
    padding = [(wanted, wanted) for wanted in ("yes", "no")] * 3
    return {issue.kind: issue.count for issue in analyse(answered(*pairs, *padding)).issues}


def test_each_kind_of_mistake_is_told_apart() -> None:
    found = kinds(
        ("", "yes"),
        ("Yes.", "yes"),
        ("The answer is yes, of course", "yes"),
        ("maybe", "yes"),
        ("no", "yes"),
        ("no", "yes"),
    )
    assert found == {
        "empty": 1,
        "letter case or punctuation": 1,
        "right answer with extra text": 1,
        "wrong form": 1,
        "wrong content": 2,
    }


def test_right_answers_and_unasked_examples_are_no_issue() -> None:
    analysis = analyse(answered(("yes", "yes"), (None, "no"), (" no ", "no")))
    assert (analysis.answered, analysis.wrong, analysis.issues) == (2, 0, ())


def test_advice_is_given_for_frequent_mistakes_only() -> None:
    examples = answered(*[("no", "yes")] * 19, ("", "no"), *[("yes", "yes"), ("no", "no")] * 3)
    advice = recommend(analyse(examples))
    assert len(advice) == 1
    assert advice[0].startswith("73% of the corrected answers: wrong content.")
