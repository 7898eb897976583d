"""Which examples: the one definition that the list, the API and actions on many examples share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django_filters.fields import ModelChoiceField, ModelChoiceIterator

from learning.models import (
    Agent,
    DatasetExample,
    DatasetVersion,
    ExampleType,
    LearningExample,
    QualityFlag,
    ReviewStatus,
    SourceType,
    Split,
)
from learning.services.example_words import holds_words
from learning.services.execution_search import first_key
from organizations.models import RedactionPattern
from organizations.redaction_patterns import STANDARD_KINDS

ANY, NONE = "any", "none"
FLAGS = [(ANY, "Any"), (NONE, "None"), *QualityFlag.choices]
SIMILAR, CHOSEN, BRIDGE = "similar", "chosen", "bridge"
NEAR = [(SIMILAR, "Has near-duplicates"), (CHOSEN, "Chosen of its near-duplicates"), (BRIDGE, "Left out as a bridge")]
DAY = {"type": "date"}
MOST_CHOICES = 200  # versions that a person can choose from


def redacted_choices() -> list[tuple[str, str]]:
    """What was redacted: anything, nothing, a kind that everybody has, or one of the organization's own."""
    own = RedactionPattern.objects.order_by("name").values_list("name", flat=True)
    kinds = [(kind, kind.replace("_", " ").capitalize()) for kind in STANDARD_KINDS]
    return [(ANY, "Anything"), (NONE, "Nothing"), *kinds, *((name, name) for name in own)]


class NewestChoices(ModelChoiceIterator):
    """Few of many, for people; every other is as good a value."""

    def __iter__(self) -> Iterator[Any]:
        return islice(super().__iter__(), 1 + MOST_CHOICES)


class NewestField(ModelChoiceField):
    iterator = NewestChoices

    def label_from_instance(self, version: Any) -> str:
        return f"{version.dataset.name}, {version}"


class NewestFilter(django_filters.ModelChoiceFilter):
    field_class = NewestField


class ExampleFilter(django_filters.FilterSet):
    """Filters that are not given leave all examples; those that are given all have to hold."""

    find = django_filters.CharFilter(
        label="Words", method="hold", max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "in any text"}),
    )  # fmt: skip
    agent = django_filters.ModelChoiceFilter(
        queryset=lambda request: Agent.objects.order_by("name"), label="Agent", empty_label="All"
    )
    status = django_filters.ChoiceFilter(
        field_name="review_status", choices=ReviewStatus.choices, label="Status", empty_label="All"
    )
    type = django_filters.ChoiceFilter(
        field_name="example_type", choices=ExampleType.choices, label="Type", empty_label="All"
    )
    source = django_filters.ChoiceFilter(
        field_name="source_type", choices=SourceType.choices, label="Source", empty_label="All"
    )
    flag = django_filters.ChoiceFilter(choices=FLAGS, method="have_flag", label="Flag", empty_label="Any or none")
    domain = django_filters.CharFilter(label="Domain", max_length=100)
    task_type = django_filters.CharFilter(label="Task type", max_length=100)
    tag = django_filters.CharFilter(label="Tag", method="have_tag", max_length=50)
    quality_from = django_filters.NumberFilter(
        field_name="quality_score", lookup_expr="gte", label="Quality from", min_value=0, max_value=1
    )
    quality_to = django_filters.NumberFilter(
        field_name="quality_score", lookup_expr="lte", label="Quality to", min_value=0, max_value=1
    )
    redacted = django_filters.ChoiceFilter(
        choices=redacted_choices, method="were_redacted", label="Redacted", empty_label="All"
    )
    near = django_filters.ChoiceFilter(choices=NEAR, method="lie_near", label="Near-duplicates", empty_label="All")
    version = NewestFilter(
        queryset=lambda request: DatasetVersion.objects.select_related("dataset").order_by("-id"),
        method="stand_in", label="In version (not sealed)", empty_label="All",
    )  # fmt: skip
    since = django_filters.DateFilter(method="come_since", label="From (UTC)", widget=forms.DateInput(attrs=DAY))
    until = django_filters.DateFilter(method="come_until", label="Until (UTC)", widget=forms.DateInput(attrs=DAY))

    class Meta:
        model = LearningExample
        fields: list[str] = []

    def hold(self, rows: QuerySet[Any], name: str, asked: str) -> QuerySet[Any]:
        return rows.filter(holds_words(asked)) if asked.split() else rows

    def have_flag(self, rows: QuerySet[Any], name: str, flag: str) -> QuerySet[Any]:
        if flag in (ANY, NONE):
            return rows.exclude(quality_flags=[]) if flag == ANY else rows.filter(quality_flags=[])
        return rows.filter(quality_flags__contains=[flag])

    def have_tag(self, rows: QuerySet[Any], name: str, tag: str) -> QuerySet[Any]:
        return rows.filter(tags__contains=[tag])

    def were_redacted(self, rows: QuerySet[Any], name: str, kind: str) -> QuerySet[Any]:
        if kind in (ANY, NONE):
            return rows.exclude(redaction_found={}) if kind == ANY else rows.filter(redaction_found={})
        return rows.filter(redaction_found__has_key=kind)

    def lie_near(self, rows: QuerySet[Any], name: str, how: str) -> QuerySet[Any]:
        if how == CHOSEN:
            return rows.filter(is_representative=True)
        if how == BRIDGE:
            return rows.filter(is_bridge=True)
        others = LearningExample.objects.filter(cluster_key=OuterRef("cluster_key")).exclude(pk=OuterRef("pk"))
        return rows.filter(~Q(cluster_key=""), Exists(others))

    def stand_in(self, rows: QuerySet[Any], name: str, version: DatasetVersion) -> QuerySet[Any]:
        items = DatasetExample.objects.filter(version=version, example=OuterRef("pk")).exclude(split=Split.TEST)
        return rows.filter(Exists(items))

    def come_since(self, rows: QuerySet[Any], name: str, day: date) -> QuerySet[Any]:
        return rows.filter(pk__gte=first_key(datetime.combine(day, time(), UTC)))

    def come_until(self, rows: QuerySet[Any], name: str, day: date) -> QuerySet[Any]:
        following = datetime.combine(day, time(), UTC) + timedelta(days=1) if day.year < 9999 else None
        return rows.filter(pk__lt=first_key(following)) if following else rows
