"""Forms of queues and of their known answers."""

from __future__ import annotations

from typing import Any

from django import forms

from annotation.models import AfterReject, Decision, Rubric, SkipPolicy
from annotation.services.queues import ENTERING
from annotation.services.rubrics import newest_rubrics
from learning.models import Agent, ExampleType, ReviewStatus
from organizations.models import Membership, Role

MOST_PEOPLE = 500
STATUSES = [(status.value, ReviewStatus(status).label) for status in ENTERING]


class AgentChoice(forms.ModelChoiceField):
    def label_from_instance(self, agent: Any) -> str:
        return str(agent.name)


def checks(**kwargs: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple, **kwargs)


def share(most: float, **kwargs: Any) -> forms.FloatField:
    return forms.FloatField(
        min_value=0, max_value=most, widget=forms.NumberInput(attrs={"step": "0.01", "max": most}), **kwargs
    )


class QueueForm(forms.Form):
    """The rules of a queue, as `annotation.services.queues` takes them."""

    use_required_attribute = False

    name = forms.CharField(max_length=100)
    agent = AgentChoice(queryset=Agent.objects.none(), required=False, empty_label="every agent")
    domain = forms.CharField(max_length=100, required=False, help_text="Left open: every domain.")
    example_types = checks(choices=ExampleType.choices, label="Types", help_text="None: every type.")
    statuses = checks(choices=STATUSES, label="Come in when")
    rubric = forms.ModelChoiceField(queryset=Rubric.objects.none(), required=False, empty_label="no questions")
    reviews_per_item = forms.IntegerField(min_value=1, max_value=20, initial=1, label="Reviews of each item")
    max_reviews = forms.IntegerField(
        min_value=1, max_value=40, required=False, label="At most",
        help_text="Reviews before an adjudicator decides. Left open: two more than asked for.",
    )  # fmt: skip
    disagreement_threshold = share(
        1, initial=0.5, label="Disagreement that adds a reviewer",
        help_text="Share of opinions against the most frequent one, 0 to 1.",
    )  # fmt: skip
    stages = forms.CharField(
        initial="quality_check", widget=forms.Textarea(attrs={"rows": 3}), help_text="In order, one in each line."
    )
    on_reject = forms.ChoiceField(choices=AfterReject.choices, label="After a rejection")
    blind = forms.BooleanField(required=False, initial=True, label="Reviewers do not see each other's opinions")
    skip_policy = forms.ChoiceField(choices=SkipPolicy.choices, label="Skipping")
    experts = checks(label="Experts", help_text="None: every expert of the organization.")
    gold_share = share(0.5, initial=0, label="Share of items with a known answer", help_text="0 to 0.5.")
    gold_bar = share(
        1, initial=0.7, label="Accuracy asked for",
        help_text="Whoever is surely below it is paused until a manager lets them go on.",
    )  # fmt: skip
    gold_minimum = forms.IntegerField(
        min_value=1, max_value=1000, initial=5, label="Known answers before anybody is paused"
    )
    auto_approve = forms.BooleanField(required=False, label="Approve by itself what is predicted to be good")
    audit_share = share(1, initial=0.1, label="Share of these that people still see", help_text="0 to 1.")
    active = forms.BooleanField(required=False, initial=True, label="Active")

    GROUPS = [
        ("What comes in", ["name", "active", "agent", "domain", "example_types", "statuses"]),
        ("How it is reviewed", [
            "stages", "reviews_per_item", "max_reviews", "disagreement_threshold", "on_reject", "rubric", "blind",
        ]),
        ("Who reviews", ["experts", "skip_policy"]),
        ("Known answers", ["gold_share", "gold_bar", "gold_minimum"]),
        ("Without people", ["auto_approve", "audit_share"]),
    ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["agent"].queryset = Agent.objects.order_by("name")
        fields["rubric"].queryset = Rubric.objects.filter(pk__in=[rubric.pk for rubric in newest_rubrics()])
        fields["experts"].choices = people_who_review()

    def groups(self) -> list[tuple[str, list[Any]]]:
        return [(title, [self[name] for name in names]) for title, names in self.GROUPS]

    def clean_stages(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["stages"].splitlines() if line.strip()]

    def rules(self) -> dict[str, Any]:
        """What the service is asked to set."""
        return dict(self.cleaned_data)


class GoldForm(forms.Form):
    """A known answer."""

    example = forms.CharField(
        max_length=500, label="Example", help_text="Words of the input of a decided example, or its id."
    )
    right_decision = forms.ChoiceField(choices=Decision.choices)
    shown_output = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 3}), label="Output to be judged",
        help_text="Left open: the agent's own. For a correction write what stands in place of the user's text.",
    )  # fmt: skip
    explanation = forms.CharField(
        required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Shown to those who answer otherwise.",
    )  # fmt: skip


def people_who_review() -> list[tuple[str, str]]:
    """(id, user name) of everybody in the organization whose role includes reviewing."""
    rows = Membership.objects.exclude(role=Role.MEMBER).select_related("user").order_by("user__username")
    return [(str(row.user_id), row.user.username) for row in rows[:MOST_PEOPLE]]
