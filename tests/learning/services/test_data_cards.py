"""Data cards: what they say is what was published."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from learning.models import Agent, AgentFeedback, DatasetVersion, LearningExample
from learning.services import data_card, datasets, publication
from learning.services.data_card import describe_items
from organizations.models import Organization
from tests import factories

TEXT = """parcel window river garden letter doctor summer bridge kitchen ticket engine mirror winter pocket island
market finger ladder orange saddle tunnel valley wagon basket candle desert forest hammer jacket lemon"""
WORDS = TEXT.split()
STORIES = [" ".join(Random(number).sample(WORDS, 9)) for number in range(20)]


@pytest.fixture
def agent(scope: Organization) -> Agent:
    return factories.make_agent(external_id="critic")


def publish(agent: Agent, **recipe: object) -> DatasetVersion:
    return publication.publish_version(dataset=datasets.create_dataset(name="all", agent=agent, **recipe))


def approved(agent: Agent, text: str, **values: object) -> LearningExample:
    return factories.make_example(agent, input_text=text, review_status="approved", **values)


def test_a_card_counts_what_is_in_the_version(agent: Agent) -> None:
    for number, text in enumerate(STORIES):
        approved(agent, text, domain="films" if number % 4 else "books", quality_score=0.8 if number < 10 else None)
    version = publish(agent)
    counts = version.card["counts"]
    assert counts["agent"] == {"critic": 20}
    assert counts["domain"] == {"films": 15, "books": 5}
    assert counts["example_type"] == {"correction": 20}
    assert counts["source_type"] == {"user_feedback": 20}
    assert counts["split"].get("train", 0) == version.train_count
    assert sum(counts["split"].values()) == version.total == 20
    assert version.card["quality"] == {"scored": 10, "average": pytest.approx(0.8)}
    lengths = version.card["lengths"]["input"]
    assert lengths["longest"] == max(map(len, STORIES))
    assert sum(number for _, number in lengths["at_most"]) == 20


def test_a_card_says_what_was_redacted_and_by_which_rules(agent: Agent) -> None:
    approved(agent, "Write to ann@example.com and bob@example.com about the parcel")
    approved(agent, "Nothing personal here at all, only words")
    redaction = publish(agent).card["redaction"]
    assert (redaction["redacted"], redaction["kinds"], redaction["rules"]) == (1, {"EMAIL": 2}, [1, 1])


def test_a_card_says_who_agreed_and_nothing_without_consent_is_in(agent: Agent) -> None:
    given, refused = (
        AgentFeedback.objects.create(agent=agent, feedback_type="correction", correction_text="x", consent=consent)
        for consent in (True, False)
    )
    approved(agent, STORIES[0], source_feedback=given)
    approved(agent, STORIES[1], source_feedback=refused)
    approved(agent, STORIES[2])
    version = publish(agent)
    assert version.card["consent"] == {"given": 1, "refused": 0, "not_needed": 1}
    assert version.card["left_out"] == {"no_consent": 1}


def test_a_card_weighs_by_the_effective_sample_size(agent: Agent) -> None:
    approved(agent, STORIES[0], consensus_weight=0.5)
    approved(agent, STORIES[1], consensus_weight=1)
    approved(agent, STORIES[2], weight_override=2)
    card = publish(agent).card
    effective = (0.5 + 1 + 2) ** 2 / (0.25 + 1 + 4)
    assert card["weights"] == {
        "least": 0.5, "median": 1, "largest": 2, "effective": round(effective, 1), "set_by_people": 1,
    }  # fmt: skip
    assert card["agreement"] == {"weighed": 2, "average": 0.75, "least": 0.5}


def test_the_leak_report_counts_clusters_and_finds_nothing_in_a_sound_version(agent: Agent) -> None:
    for text in STORIES:
        approved(agent, text)
    approved(agent, STORIES[0] + "!!")
    leaks = publish(agent).card["leaks"]
    assert (leaks["clusters"], leaks["largest_cluster"], leaks["near_duplicates"]) == (20, 2, 1)
    assert (leaks["exact_across_splits"], leaks["near_across_splits"], leaks["sampled"]) == (0, 0, 21)


def test_the_leak_report_notices_texts_that_crossed_whatever_their_clusters_say(agent: Agent) -> None:
    """Three stored texts that the clusters wrongly hold apart: one twice, and one nearly."""
    text = "The parcel was left with the neighbour on the second floor of our house yesterday"
    rows = [approved(agent, f"{number} {text}") for number in range(2)] + [approved(agent, text)]
    for number, row in enumerate(rows):
        LearningExample.objects.filter(pk=row.pk).update(
            prepared_version=1, input_hash=f"{number}", content_hash=f"{number}", cluster_key=KEYS[number],
            input_text=text if number == 2 else f" {text.upper()}" if number else f"{text} evening",
        )  # fmt: skip
    leaks = describe_items(publish(agent))["leaks"]
    assert leaks["exact_across_splits"] == 1
    assert leaks["near_across_splits"] >= 2


# Their hashes put them into train, validation and test.
KEYS = ["0", "3", "2"]


def test_an_app_above_adds_a_section_of_its_own(agent: Agent, no_sections: None) -> None:
    data_card.add_section("reviews", lambda version: {"of": version.total})
    approved(agent, STORIES[0])
    assert publish(agent).card["reviews"] == {"of": 1}


@pytest.fixture
def no_sections(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(data_card, "_SECTIONS", {})
    yield
