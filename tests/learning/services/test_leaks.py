"""No near-duplicate is ever in two splits, in whatever order examples come and versions are published."""

from __future__ import annotations

import itertools
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learning.engines.similarity import grams, similarity
from learning.models import DatasetExample, DatasetVersion, LearningExample, Split, SplitAssignment, TrainingDataset
from learning.services import datasets, publication
from learning.services.cluster_review import delete_examples
from learning.services.preparation import prepare_waiting
from learning.services.splits import Member, Shares, assign_splits, split_of
from organizations.errors import Refused
from organizations.models import Organization
from tests import factories

SHARES = Shares(4000, 3000)
# Chains of texts: each differs from the next by a word or two, so that the ends are near only through the middle.
SAID = "the delivery of my large green garden table was late again and nobody at the counter answered the phone today"
ASKED = "please tell me how to change the address of the invoice that was sent to our old office in the harbour"
WORDS, OTHER = SAID.split(" "), ASKED.split(" ")
CLEAR = 0.85  # similar enough to be found but in one of twenty thousand cases
BETWEEN_SPLITS = {"bridge", "split_conflict"}


def variant(words: list[str], start: int) -> str:
    """The text with two neighbouring words replaced; neighbours of neighbours differ by more and more."""
    changed = list(words)
    for place in range(min(start, len(words))):
        changed[place] = "xyzzy"[: 2 + place % 4]
    return " ".join(changed)


def shifted(text: str, by: int) -> str:
    """Another language, as it were: every letter replaced by a later one."""
    return "".join(chr((ord(letter) - 97 + by) % 26 + 97) if letter.isalpha() else letter for letter in text)


texts = st.builds(lambda start, by: shifted(variant(WORDS, start), by), st.integers(0, 7), st.integers(0, 1))
add = st.tuples(st.just("add"), texts, st.sampled_from(["ann", "bob"]))
publish_one = st.tuples(st.just("publish"), st.sampled_from(["by cluster", "by user"]), st.just(""))
chosen = st.integers(0, 99).map(str)  # an example that is there, counted round
change = st.tuples(st.just("change"), texts, chosen)
delete = st.tuples(st.just("delete"), st.just(""), chosen)
prepare = st.tuples(st.just("prepare"), st.just(""), st.just(""))
steps = st.lists(st.one_of(add, add, add, change, delete, prepare, publish_one), min_size=12, max_size=40)


def items() -> list[DatasetExample]:
    return list(DatasetExample.objects.select_related("version").order_by("id"))


def leaks() -> list[tuple[str, str]]:
    """Pairs of published texts that are clearly near-duplicates and in different splits, over all versions."""
    by_text: dict[str, set[str]] = {}
    for item in items():
        by_text.setdefault(item.input_text, set()).add(item.split)
    assert all(len(splits) == 1 for splits in by_text.values()), "one text is in two splits"
    return [
        (one, other)
        for one, other in itertools.combinations(sorted(by_text), 2)
        if similarity(grams(one), grams(other)) >= CLEAR and by_text[one] != by_text[other]
    ]


def content_of(version: DatasetVersion) -> list[tuple[Any, ...]]:
    return sorted(version.items.values_list("example_id", "split", "input_text", "expected_output", "weight"))


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(steps=steps)
def test_no_order_of_examples_and_versions_leaks(scope: Organization, steps: list[tuple[str, str, str]]) -> None:
    with transaction.atomic():
        agent = factories.make_agent()
        shares = {"train_share": 4000, "validation_share": 3000}
        by_name = {
            "by cluster": datasets.create_dataset(name=f"{agent.pk} 1", **shares),
            "by user": datasets.create_dataset(name=f"{agent.pk} 2", group_by="user", train_share=5000),
        }
        published: dict[Any, list[tuple[Any, ...]]] = {}
        for step, value, who in steps:
            if step == "add":
                context = {"user": who}
                factories.make_example(agent, review_status="approved", input_text=value, input_context=context)
            elif step == "publish":
                publish(by_name[value], published)
                assert leaks() == []  # what is published never changes, so nothing else could make one
            else:
                do(step, value, who)
        for pk, content in published.items():
            assert content_of(DatasetVersion.objects.get(pk=pk)) == content, "a published version changed"
        transaction.set_rollback(True)


def do(step: str, text: str, which: str) -> None:
    examples = list(LearningExample.objects.order_by("id"))
    if step == "prepare" or not examples:
        prepare_waiting()
        return
    example = examples[int(which) % len(examples)]
    if step == "change":
        example.input_text = text
        example.save(update_fields=["input_text"])
    elif not DatasetExample.objects.filter(example=example).exists():
        delete_examples(examples=[example])


def publish(dataset: TrainingDataset, published: dict[Any, list[tuple[Any, ...]]]) -> None:
    if not datasets.eligible_examples(dataset).exists():
        return
    try:
        version = publication.publish_version(dataset=dataset)
    except Refused as error:
        assert published, "nothing is assigned to a split yet, so nothing lies between two"
        reasons = {name for name, words in publication.LEFT_OUT.items() if f"({words})" in error.message}
        assert reasons & BETWEEN_SPLITS and reasons <= BETWEEN_SPLITS | {"repeated"}, error.message
        return
    published.setdefault(version.pk, content_of(version))
    if dataset.group_by == "user":
        users: dict[str, set[str]] = {}
        for item in version.items.all():
            users.setdefault(item.group_key, set()).add(item.split)
        assert all(len(splits) == 1 for splits in users.values()), "a user is in two splits"


def test_an_example_between_two_splits_is_left_out_and_said_so(scope: Organization) -> None:
    agent = factories.make_agent()
    first, last = variant(WORDS, 0), variant(WORDS, 6)
    for text in (first, last):
        factories.make_example(agent, review_status="approved", input_text=text)
    prepare_waiting()
    keys = list(LearningExample.objects.order_by("id").values_list("cluster_key", flat=True))
    assert len(set(keys)) == 2
    SplitAssignment.objects.create(key=keys[0], split=Split.TRAIN)
    SplitAssignment.objects.create(key=keys[1], split=Split.TEST)
    between = [factories.make_example(agent, review_status="approved", input_text=variant(WORDS, 3)) for _ in range(2)]
    version = publication.publish_version(dataset=datasets.create_dataset(name="all"))
    assert version.total == 2
    assert version.card["left_out"] == {"bridge": 2}
    assert all(LearningExample.objects.get(pk=one.pk).is_bridge for one in between)


def test_an_example_between_two_clusters_that_were_never_published_makes_them_one(scope: Organization) -> None:
    agent = factories.make_agent()
    for start in (0, 6, 3):
        factories.make_example(agent, input_text=variant(WORDS, start))
        prepare_waiting()
    assert LearningExample.objects.values("cluster_key").distinct().count() == 1


def test_an_example_whose_text_changes_keeps_the_split_it_was_published_in(scope: Organization) -> None:
    agent = factories.make_agent()
    example = factories.make_example(agent, review_status="approved", input_text=variant(WORDS, 0))
    dataset = datasets.create_dataset(name="all")
    before = publication.publish_version(dataset=dataset).items.get().split
    example.refresh_from_db()
    for text in (variant(OTHER, 0), "Something else altogether, said in other words", variant(OTHER, 9)):
        example.input_text = text
        example.save(update_fields=["input_text"])
        after = publication.publish_version(dataset=dataset).items.get()
        assert (after.split, after.input_text) == (before, text)


def test_the_database_refuses_a_group_in_two_splits(scope: Organization) -> None:
    agent = factories.make_agent()
    version = factories.make_published_version(agent, examples=4)
    item = version.items.first()
    assert item is not None
    wrong = next(split for split in Split if split != item.split)
    another = factories.make_example(agent)
    with pytest.raises(DatabaseError), transaction.atomic():
        DatasetExample.objects.create(
            version=version, example=another, split=wrong, cluster_key=item.cluster_key, group_key=item.cluster_key,
            example_type="correction", input_text="x", expected_output="y", content_hash="z",
        )  # fmt: skip
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        SplitAssignment.objects.filter(key=item.cluster_key).update(split=wrong)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        version.items.update(input_text="changed")
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        item.delete()


def test_keys_that_an_item_connects_share_a_split(scope: Organization) -> None:
    members = [Member("a", "user:1"), Member("b", "user:1"), Member("b", "user:2"), Member("c", "user:3")]
    splits = assign_splits(members=members, shares=SHARES)
    assert len({splits[key] for key in ("a", "b", "user:1", "user:2")}) == 1
    assert assign_splits(members=members, shares=Shares(1, 1)) == splits, "what was assigned stays"


def test_clusters_that_no_group_connects_are_never_held_all_at_once(
    scope: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    by_parts: list[bool] = []
    real = publication.assign_alone

    def counted(*, clusters: Any, shares: Shares) -> None:
        seen.append(len(clusters))
        real(clusters=clusters, shares=shares)

    def watched(execute: Any, statement: Any, parameters: Any, many: bool, context: Any) -> Any:
        if statement == publication.sql.ALONE:
            by_parts.append(isinstance(context["cursor"].cursor, psycopg.ServerCursor))
        return execute(statement, parameters, many, context)

    monkeypatch.setattr(publication, "BATCH", 4)
    monkeypatch.setattr(publication, "assign_alone", counted)
    monkeypatch.setattr(publication, "assign_splits", lambda **_: pytest.fail("nothing is connected"))
    agent = factories.make_agent()
    with connection.execute_wrapper(watched):
        version = factories.make_published_version(agent)
    assert by_parts == [True], "the server keeps what was not asked for yet"
    keys = set(version.items.values_list("cluster_key", flat=True))
    assert sum(seen) == len(keys) and max(seen) == 4
    assert SplitAssignment.objects.filter(key__in=keys).count() == len(keys)
    shares = Shares(version.dataset.train_share, version.dataset.validation_share)
    assert all(item.split == split_of(item.cluster_key, shares) for item in version.items.all())


def test_a_synthetic_example_is_trained_on_or_left_out(scope: Organization) -> None:
    agent = factories.make_agent()
    for number in range(30):
        text = " ".join(f"{word}{number}" for word in WORDS)
        factories.make_example(agent, review_status="approved", source_type="synthetic", input_text=text)
    version = publication.publish_version(dataset=datasets.create_dataset(name="all"))
    assert set(version.items.values_list("split", flat=True)) == {"train"}
