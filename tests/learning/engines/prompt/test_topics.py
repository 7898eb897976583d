from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from learning.engines.prompt.stop_words import stop_words
from learning.engines.prompt.topics import OTHER, find_topics

REFUNDS = [f"please refund the money for order {n} to my card" for n in range(12)]
LOGINS = [f"my password does not work when signing into account {n}" for n in range(12)]

FISH, BIRDS, SPEECH = "kala ahven ujub", "lind tihane laulab", "jutt kestis kaua"


def test_texts_about_two_things_become_two_topics_named_by_their_words() -> None:
    topics = find_topics([*REFUNDS, *LOGINS])
    refund, login = topics.of(REFUNDS[0]), topics.of(LOGINS[0])
    assert refund != login
    assert {topics.of(text) for text in REFUNDS} == {refund}
    assert {topics.of(text) for text in LOGINS} == {login}
    assert set(refund.split(", ")) <= set(REFUNDS[0].split())


def test_a_new_text_goes_to_the_topic_whose_words_it_has() -> None:
    topics = find_topics([*REFUNDS, *LOGINS])
    assert topics.of("I forgot my password") == topics.of(LOGINS[0])
    assert topics.of("Bonjour tout le monde") == OTHER


def test_a_topic_is_named_without_stop_words() -> None:
    topics = find_topics([*REFUNDS, *LOGINS])
    assert {word for name in topics.names for word in name.split(", ")}.isdisjoint(
        {"the", "for", "does", "not", "when"}
    )


def test_a_word_that_all_topics_share_names_none_of_them_in_any_language() -> None:
    """No list knows this language: a word that is as frequent in every group tells none of them from the others."""
    topics = find_topics([f"{words}{' ning' * (n < 3)}" for words in (FISH, BIRDS, SPEECH) for n in range(8)])
    assert len(topics.names) > 1
    assert all("ning" not in name.split(", ") for name in topics.names)


def test_stop_words_are_those_of_the_language_of_the_texts() -> None:
    english = Counter(["the", "war", "and", "the", "main", "road", "will", "not", "die"])
    assert {"the", "not"} <= stop_words(english)
    assert stop_words(english).isdisjoint({"war", "main", "die"})
    assert "der" in stop_words(Counter(["das", "ist", "der", "Weg"]))
    assert stop_words(Counter(["xyz"])) == frozenset()


def test_an_odd_text_or_two_are_no_topic() -> None:
    things = ["coat", "shirt", "lamp", "chair", "table", "phone"]
    refunds = [f"please refund my {one} and my {other}" for one in things for other in things if one < other]
    logins = [f"my password for the {one} and {other} shop fails" for one in things for other in things if one < other]
    texts = [*refunds, *logins, "purple elephants juggle", "purple elephants sing"]
    topics = find_topics(texts)
    assert min(Counter(map(topics.of, texts)).values()) > 2


def test_a_few_texts_have_no_topics() -> None:
    assert find_topics(REFUNDS[:9]).names == ()
    assert find_topics([]).of("x") == OTHER


@given(st.lists(st.text(max_size=30), max_size=60))
def test_any_texts_can_be_sorted(texts: list[str]) -> None:
    topics = find_topics(texts)
    assert all(topics.of(text) in (*topics.names, OTHER) for text in texts)
    assert find_topics(texts) == topics
