"""Which examples are one cluster, when texts come late, change, or go."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from learning.formats.texts import hash_input
from learning.models import Agent, LearningExample, Split, SplitAssignment
from learning.services import datasets, publication
from learning.services.cluster_review import delete_examples
from learning.services.erased_rows import delete_rows
from learning.services.executions import log_execution
from learning.services.feedback import submit_feedback
from learning.services.preparation import prepare_examples, prepare_waiting
from organizations.erasers import Person
from organizations.models import Organization
from tests import factories

NOTHING = hash_input("")
TEXT = "the delivery of my large green garden table was late again and nobody answered the phone today"
NEAR = TEXT.replace("today", "yesterday")
OTHER = "please tell me how to change the address of the invoice that was sent to our old office"
QUESTIONS = (TEXT, OTHER, "Which of the two plans includes support on Sundays and holidays?")


@pytest.fixture
def agent(scope: Organization) -> Agent:
    return factories.make_agent()


def prepared(agent: Agent, text: str) -> LearningExample:
    example = factories.make_example(agent, input_text=text, review_status="approved")
    prepare_waiting()
    example.refresh_from_db()
    return example


def change(example: LearningExample, text: str) -> None:
    example.input_text = text
    example.save(update_fields=["input_text"])


def clusters() -> list[str]:
    return list(LearningExample.objects.order_by("id").values_list("cluster_key", flat=True))


def test_corrections_that_come_before_their_executions_are_as_far_apart_as_their_texts(scope: Organization) -> None:
    for number in range(3):
        said = {"feedback_type": "correction", "correction_text": f"Answer {number}"}
        submit_feedback(item={"agent_id": "bot", "execution_id": f"e{number}"} | said, may_register=True)
    prepare_waiting()
    assert clusters() == ["", "", ""]
    for number, question in enumerate(QUESTIONS):
        log_execution(item={"agent_id": "bot", "execution_id": f"e{number}", "input": question}, may_register=True)
        prepare_waiting()
    assert LearningExample.objects.filter(prepared_version__gt=0).exclude(input_text="").count() == 3
    assert len(set(clusters())) == 3 and "" not in clusters()


def test_an_input_of_spaces_is_in_no_cluster_and_no_version(agent: Agent) -> None:
    assert prepared(agent, "  \n ").cluster_key == ""
    prepared(agent, TEXT)
    version = publication.publish_version(dataset=datasets.create_dataset(name="all"))
    assert (version.total, version.card["left_out"]) == (1, {"no_input": 1})
    assert not SplitAssignment.objects.filter(key="").exists()


def test_examples_that_were_taken_for_the_same_nothing_find_places_of_their_own(agent: Agent) -> None:
    first = prepared(agent, TEXT)
    for text in (NEAR, OTHER):
        prepared(agent, text)
    LearningExample.objects.update(cluster_key=NOTHING)
    prepare_examples(example_ids=[first.pk])
    prepare_waiting()
    one, near, other = clusters()
    assert one == near != other and NOTHING not in (one, other)


def test_what_was_published_of_the_same_nothing_stays_in_its_split(agent: Agent) -> None:
    first = prepared(agent, TEXT)
    LearningExample.objects.update(cluster_key=NOTHING)
    SplitAssignment.objects.create(key=NOTHING, split=Split.TEST)
    prepare_examples(example_ids=[first.pk])
    assert clusters() == [NOTHING]


def delete(example: LearningExample) -> None:
    delete_examples(examples=[example])


def erase(example: LearningExample) -> None:
    for _ in delete_rows(Person("ann", example_ids=[example.pk])):
        pass


def change_all(example: LearningExample) -> None:
    change(example, OTHER)
    prepare_waiting()


@pytest.mark.parametrize("go", [delete, erase, change_all])
def test_a_near_duplicate_finds_the_repeat_of_an_example_that_is_gone(
    agent: Agent, go: Callable[[LearningExample], None]
) -> None:
    first, repeat = prepared(agent, TEXT), prepared(agent, TEXT)
    go(first)
    assert prepared(agent, NEAR).cluster_key == repeat.cluster_key


def test_a_near_duplicate_finds_the_repeat_of_an_example_whose_change_waits(agent: Agent) -> None:
    first, repeat = prepared(agent, TEXT), prepared(agent, TEXT)
    change(first, OTHER)
    near = factories.make_example(agent, input_text=NEAR)
    prepare_examples(example_ids=[near.pk])
    near.refresh_from_db()
    assert near.cluster_key == repeat.cluster_key


@pytest.mark.parametrize("text", [TEXT, NEAR])
def test_what_resembles_a_published_text_is_in_its_split_though_the_example_says_something_else_now(
    agent: Agent, text: str
) -> None:
    published, repeat = prepared(agent, NEAR), prepared(agent, TEXT)
    publication.publish_version(dataset=datasets.create_dataset(name="all"))
    for example, other in ((published, OTHER), (repeat, QUESTIONS[2])):
        change(example, other)
        prepare_waiting()
    assert prepared(agent, text).cluster_key == published.cluster_key


def test_a_published_text_is_found_when_its_example_lies_between_two_splits_now(agent: Agent) -> None:
    one, other = prepared(agent, TEXT), prepared(agent, OTHER)
    for example, split in ((one, Split.TRAIN), (other, Split.TEST)):
        SplitAssignment.objects.create(key=example.cluster_key, split=split)
    publication.publish_version(dataset=datasets.create_dataset(name="all"))
    change(one, OTHER.replace("please", "kindly"))
    prepare_waiting()
    assert LearningExample.objects.get(pk=one.pk).is_bridge
    near = prepared(agent, NEAR)
    assert (near.cluster_key, near.is_bridge) == (one.cluster_key, False)
