"""What a run may read of the users' own words."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from learning.models import AgentFeedback, DatasetVersion
from learning.services import datasets, publication, user_words
from organizations.models import Organization
from tests import factories


def published(said: str = "") -> DatasetVersion:
    """Thirty corrections, each with a user's feedback behind it."""
    agent = factories.make_agent()
    for number in range(30):
        feedback = AgentFeedback.objects.create(
            agent=agent,
            feedback_type="correction",
            correction_text="positive",
            feedback_text=said or f"far too long, write to ann{number}@example.com",
            issue_categories=["tone"],
        )
        factories.make_example(agent, review_status="approved", source_feedback=feedback, input_text=f"Film {number}")
    return publication.publish_version(dataset=datasets.create_dataset(name="all", agent=agent))


def test_users_words_reach_the_train_examples_redacted(scope: Organization) -> None:
    examples = datasets.open_examples(published())
    train = [one for one in examples if one.split == "train"]
    assert train
    assert {one.issues for one in train} == {("tone",)}
    assert {one.comment for one in train} == {"far too long, write to <EMAIL_1>"}
    assert {(one.issues, one.comment) for one in examples if one.split != "train"} == {((), "")}


@pytest.mark.parametrize("values", [{"consent": False}, {"removed_at": timezone.now()}])
def test_words_without_consent_or_past_their_time_reach_nobody(scope: Organization, values: dict[str, Any]) -> None:
    version = published()
    AgentFeedback.objects.update(**values)
    assert {(one.issues, one.comment) for one in datasets.open_examples(version)} == {((), "")}


def test_an_example_without_feedback_has_no_words(scope: Organization) -> None:
    agent = factories.make_agent()
    version = factories.make_published_version(agent, 30)
    assert {one.comment for one in datasets.open_examples(version)} == {""}


KEY = "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n" * 400 + "-----END PRIVATE KEY-----"
SECRETS = ["ann.surname@mail.example.com", "DE89 3704 0044 0532 0130 00", KEY]


def comments(version: DatasetVersion) -> set[str]:
    return {one.comment for one in datasets.open_examples(version) if one.split == "train"}


@pytest.mark.parametrize("secret", SECRETS, ids=["e-mail", "IBAN", "key"])
def test_what_lies_across_the_cut_is_not_half_shown(scope: Organization, secret: str) -> None:
    before = "It took " + "very " * 300
    before = before[: user_words.LONGEST - 10] + " "
    (comment,) = comments(published(f"{before}{secret} long."))
    assert comment.startswith(before) and len(comment) <= user_words.LONGEST
    assert secret[:6] not in comment


def test_of_a_text_that_is_not_read_to_its_end_the_last_is_not_shown(
    scope: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_words, "LONGEST", 100)
    monkeypatch.setattr(user_words, "REACH", 40)
    said = (
        "too long, too long, " + "ann.with.a.long.name@example.com " * 3 + "and bob.surname@example.com, they say " * 9
    )
    (comment,) = comments(published(said))
    assert comment.startswith("too long") and "bob" not in comment and "surname" not in comment


def test_so_many_comments_are_read_and_the_categories_of_all(
    scope: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_words, "MOST_COMMENTS", 3)
    train = [one for one in datasets.open_examples(published()) if one.split == "train"]
    assert len(train) > 3 and {one.issues for one in train} == {("tone",)}
    assert [bool(one.comment) for one in train] == [True] * 3 + [False] * (len(train) - 3)
