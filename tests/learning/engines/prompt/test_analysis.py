from __future__ import annotations

from learning.engines.prompt.analysis import analyse, recommend
from learning.engines.types import Example, Prompt, Split


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


REFUND, LOGIN = "please refund the money for my order {n}", "my password for the account {n} does not work"


def test_clusters_of_failing_examples_are_named_by_their_words() -> None:
    examples = [
        Example(f"r{n}", REFUND.format(n=n), "yes", Split.TRAIN, original="yes" if n % 4 else "no") for n in range(16)
    ] + [Example(f"l{n}", LOGIN.format(n=n), "no", Split.TRAIN, original="yes") for n in range(16)]
    worst, better = analyse(examples).clusters
    assert "password" in worst.words
    assert (worst.n, worst.failing) == (16, 16)
    assert set(worst.example_keys) == {f"l{n}" for n in range(16)}
    assert (better.n, better.failing) == (16, 4)
    advice = recommend(analyse(examples))
    assert any("Inputs about" in line and "password" in line and "16 of 16" in line for line in advice)


def test_the_categories_that_users_named_are_counted() -> None:
    examples = [
        Example(f"e{n}", "x", "y", Split.TRAIN, issues=("tone", "incorrect") if n < 3 else ("tone",)) for n in range(6)
    ]
    assert [(one.kind, one.count, one.share) for one in analyse(examples).reported] == [
        ("tone", 6, 1.0),
        ("incorrect", 3, 0.5),
    ]


def habits(pairs: list[tuple[str, str]]) -> dict[str, str]:
    return {one.kind: one.detail for one in analyse(answered(*pairs)).habits}


def test_corrections_that_shorten_are_seen() -> None:
    found = habits([(f"Well, I think that the right answer here is {word}", word) for word in ("red", "blue", "green")])
    assert "shortened" in found
    assert "lengthened" not in found
    assert "answer" in found["words removed"]


def test_corrections_that_add_the_same_word_are_seen() -> None:
    texts = [f"Dear customer, the parcel {n} is late" for n in range(5)]
    found = habits([(text, f"{text}. Apologies for the trouble") for text in texts])
    assert found["words added"].split(", ") == ["apologies", "for", "trouble"]


def test_corrections_into_another_language_are_seen() -> None:
    german = "Ihre Bestellung wurde gestern verschickt und kommt morgen bei Ihnen an, Nummer"
    english = "Your order was shipped yesterday and it will arrive at your door tomorrow, number"
    assert habits([(f"{english} {n}", f"{german} {n}") for n in range(6)])["language changed"] == "en to de"


def test_three_corrections_of_the_form_are_a_habit_and_two_are_not() -> None:
    right = [("2001-05-09", "2001-05-09")] * 10
    wrong = [("May 9, 2001", "2001-05-09"), ("9.5.2001", "2001-05-09"), ("today", "2001-05-10")]
    assert "form changed" in habits([*right, *wrong])
    assert "form changed" not in habits([*right, *wrong[:2]])


def lacking(examples: list[Example], current: Prompt | None = None) -> tuple[str, ...]:
    return analyse(examples, current).lacking


def asks_for_tracking(n: int, answer: str, asked: str = "Where is my parcel?") -> Example:
    return Example(f"e{n}", asked, answer, Split.TRAIN, original="I do not know.")


def test_failing_examples_that_need_data_which_is_nowhere_are_counted() -> None:
    examples = [
        asks_for_tracking(n, f"It has the tracking number ZX{n}7{n}91 and arrives on Monday.") for n in range(12)
    ]
    assert len(lacking(examples)) == 12
    assert any(line.startswith("12 failing examples need data") for line in recommend(analyse(examples)))


def test_data_in_the_input_or_in_the_prompt_are_not_missing() -> None:
    told = [asks_for_tracking(n, f"Parcel ZX{n}7{n}91 is late.", f"Where is zx{n}7{n}91?") for n in range(12)]
    assert lacking(told) == ()
    other = [asks_for_tracking(n, f"Parcel ZX{n}7{n}91 is late.") for n in range(12)]
    table = Prompt("Known parcels: " + " ".join(f"ZX{n}7{n}91" for n in range(12)))
    assert lacking(other, table) == ()


def test_what_many_answers_share_is_a_rule_and_not_missing_data() -> None:
    assert lacking([asks_for_tracking(n, "Write to help@shop.example please.") for n in range(12)]) == ()


def test_labels_and_right_answers_never_lack_data() -> None:
    labels = [Example(f"e{n}", "x", ("A100", "B200")[n % 2], Split.TRAIN, original="?") for n in range(12)]
    assert lacking(labels) == ()
    right = [
        Example(f"e{n}", "x", f"Number ZX{n}7{n}91", Split.TRAIN, original=f"Number ZX{n}7{n}91") for n in range(12)
    ]
    assert lacking(right) == ()
