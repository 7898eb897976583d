from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from learning.engines.prompt.topics import OTHER, find_topics

REFUNDS = [f"please refund the money for order {n} to my card" for n in range(12)]
LOGINS = [f"my password does not work when signing into account {n}" for n in range(12)]


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


def test_a_few_texts_have_no_topics() -> None:
    assert find_topics(REFUNDS[:9]).names == ()
    assert find_topics([]).of("x") == OTHER


@given(st.lists(st.text(max_size=30), max_size=60))
def test_any_texts_can_be_sorted(texts: list[str]) -> None:
    topics = find_topics(texts)
    assert all(topics.of(text) in (*topics.names, OTHER) for text in texts)
    assert find_topics(texts) == topics
