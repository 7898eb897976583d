"""Redaction by the organization's own patterns, and what happens to examples when the rules change."""

from __future__ import annotations

from typing import Any

import pytest

from learning.models import LearningExample, PreparationProgress, ReviewStatus
from learning.preparation_tasks import catch_up
from learning.services import redaction_rules as rules
from learning.services.preparation import prepare_waiting
from learning.services.publication import publish_version
from learning.services.redaction_rules import mark_outdated, recent_texts, redaction_rules
from organizations.errors import Refused
from organizations.models import Organization
from organizations.redaction_patterns import change_pattern, create_pattern
from organizations.scope import organization_scope
from tests import factories


def test_own_patterns_are_replaced_before_anything_is_learned_from(scope: Organization) -> None:
    create_pattern(name="CASE", pattern=r"\bK-\d+\b")
    example = factories.make_example(
        factories.make_agent(), input_text="See K-1 and a@b.org", expected_output="K-1 is closed, K-2 is not"
    )
    prepare_waiting()
    example.refresh_from_db()
    assert example.input_text == "See <CASE_1> and <EMAIL_1>"
    assert example.expected_output == "<CASE_1> is closed, <CASE_2> is not"
    assert example.redaction_found == {"CASE": 2, "EMAIL": 1}


def test_one_organization_s_patterns_do_not_touch_another_s_texts(
    organization: Organization, other_organization: Organization
) -> None:
    with organization_scope(organization.pk):
        create_pattern(name="CASE", pattern=r"K-\d+")
    with organization_scope(other_organization.pk):
        example = factories.make_example(factories.make_agent(), input_text="See K-1")
        prepare_waiting()
        example.refresh_from_db()
        assert example.input_text == "See K-1"


@pytest.mark.django_db(transaction=True)
def test_a_new_pattern_reaches_examples_that_were_prepared_before(organization: Organization) -> None:
    with organization_scope(organization.pk):
        example = factories.make_example(factories.make_agent(), input_text="See K-1")
    catch_up(organization.pk)
    with organization_scope(organization.pk):
        create_pattern(name="CASE", pattern=r"K-\d+")
    catch_up(organization.pk)
    with organization_scope(organization.pk):
        example.refresh_from_db()
        assert (example.input_text, example.prepared_version) == ("See <CASE_1>", 1)
        assert not mark_outdated()


def test_examples_are_marked_batch_by_batch_up_to_the_last(scope: Organization) -> None:
    agent = factories.make_agent()
    for _ in range(5):
        factories.make_example(agent)
    prepare_waiting()
    mark_outdated()
    create_pattern(name="CASE", pattern=r"K-\d+")
    assert mark_outdated(limit=2)
    assert LearningExample.objects.filter(prepared_version=0).count() == 2
    assert mark_outdated(limit=2)
    assert not mark_outdated(limit=2)
    assert LearningExample.objects.filter(prepared_version=0).count() == 5


def test_nothing_is_prepared_again_while_the_rules_stay(scope: Organization) -> None:
    factories.make_example(factories.make_agent())
    prepare_waiting()
    assert not mark_outdated()
    assert not mark_outdated()
    assert LearningExample.objects.get().prepared_version == 1


@pytest.mark.parametrize("change", [{"REDACTION_REGIONS": ["US", "FR"]}, {"REDACTION_NAMES": True}])
def test_changed_settings_prepare_again_too(scope: Organization, settings: Any, change: dict[str, Any]) -> None:
    factories.make_example(factories.make_agent())
    prepare_waiting()
    mark_outdated()
    for name, value in change.items():
        setattr(settings, name, value)
    mark_outdated()
    assert LearningExample.objects.get().prepared_version == 0
    assert PreparationProgress.objects.get().rules == redaction_rules()


def test_publishing_right_after_a_change_publishes_nothing_that_the_new_rules_replace(scope: Organization) -> None:
    agent = factories.make_agent()
    before = factories.make_published_version(agent, examples=12)
    items = list(before.items.order_by("example_id").values_list("input_text", flat=True))
    pattern = create_pattern(name="NUMBER", pattern=r"number \d+")
    change_pattern(row=pattern, active=True)
    version = publish_version(dataset=before.dataset)
    assert version.number == 2
    assert all("<NUMBER_1>" in text for text in version.items.values_list("input_text", flat=True))
    assert list(before.items.order_by("example_id").values_list("input_text", flat=True)) == items


def test_texts_that_were_redacted_keep_their_placeholders_when_they_are_prepared_again(scope: Organization) -> None:
    example = factories.make_example(
        factories.make_agent(), input_text="a@b.org or K-1", review_status=ReviewStatus.APPROVED
    )
    prepare_waiting()
    create_pattern(name="CASE", pattern=r"K-\d+")
    mark_outdated()
    mark_outdated()
    prepare_waiting()
    example.refresh_from_db()
    assert example.input_text == "<EMAIL_1> or <CASE_1>"
    assert example.redaction_found == {"EMAIL": 1, "CASE": 1}


def test_a_pattern_that_would_change_much_of_what_this_organization_has_is_refused(scope: Organization) -> None:
    agent = factories.make_agent()
    create_pattern(name="EARLY", pattern="zebra")
    for _ in range(20):
        factories.make_example(agent, input_text="A zebra and another zebra. " * 5)
    with pytest.raises(Refused, match=r"would change \d\d% of your newest examples"):
        create_pattern(name="ZEBRA", pattern="zebra")
    create_pattern(name="LION", pattern="lion")


def test_only_the_newest_examples_are_looked_at(scope: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "SAMPLED", 2)
    monkeypatch.setattr(rules, "BEGINNING", 5)
    agent = factories.make_agent()
    for text in ("old", "newer and longer", "newest"):
        factories.make_example(agent, input_text=text, original_output="", expected_output="")
    assert [text for text in recent_texts() if text] == ["newes", "newer"]
