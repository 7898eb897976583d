"""The form of a rule, and the one that asks how far back to look."""

from __future__ import annotations

from typing import Any

from django import forms

from learning.models import (
    ISSUE_CATEGORIES,
    Agent,
    ExampleRule,
    ExecutionStatus,
    FeedbackType,
    RuleResult,
    RuleSource,
)
from learning.services.example_rules import STATUSES, TYPES
from learning.services.rule_preview import MOST_DAYS
from organizations.models import Organization
from organizations.scope import current_organization_id

ANY = ("", "whatever it is")
OPINIONS = [
    ANY,
    ("positive", "content: thumbs up, or 4 to 5 stars"),
    ("negative", "discontent: thumbs down, or 1 to 2 stars"),
]
COMMENTS = [ANY, ("yes", "with a comment"), ("no", "without a comment")]


class AgentChoice(forms.ModelChoiceField):
    def label_from_instance(self, agent: Any) -> str:
        return str(agent.name)


def checks(**kwargs: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple, **kwargs)


class RuleForm(forms.Form):
    """A rule, as `learning.services.example_rules` takes it."""

    use_required_attribute = False

    name = forms.CharField(max_length=100)
    source = forms.ChoiceField(choices=RuleSource.choices, label="Looks at")
    agent = AgentChoice(queryset=Agent.objects.none(), required=False, empty_label="every agent")
    example_type = forms.ChoiceField(choices=RuleResult.choices, label="Makes examples of the type")
    position = forms.IntegerField(
        min_value=1, max_value=1000, initial=100,
        help_text="Of several rules that fit, the one with the lowest number decides.",
    )  # fmt: skip
    opinion = forms.ChoiceField(choices=OPINIONS, required=False)
    feedback_types = checks(
        choices=[(kind, FeedbackType(kind).label) for kind in TYPES], label="Types of feedback",
        help_text="None: every type.",
    )  # fmt: skip
    rating_min = forms.IntegerField(min_value=1, max_value=5, required=False, label="Stars, at least")
    rating_max = forms.IntegerField(min_value=1, max_value=5, required=False, label="Stars, at most")
    issue_categories = checks(label="Issues", help_text="Any of these; none: whatever was named.")
    has_comment = forms.ChoiceField(choices=COMMENTS, required=False, label="Comment")
    disagreement = forms.BooleanField(required=False, label="People disagree about the execution")
    status = forms.ChoiceField(
        choices=[ANY, *((status, ExecutionStatus(status).label) for status in STATUSES)], required=False
    )
    confidence_below = forms.FloatField(
        min_value=0, max_value=1, required=False, label="Confidence below",
        help_text="0 to 1, as the agent reported it.",
        widget=forms.NumberInput(attrs={"step": "0.01"}),
    )  # fmt: skip
    duration_above_ms = forms.FloatField(min_value=0, required=False, label="Longer than (milliseconds)")
    slow = forms.BooleanField(required=False, label="Slower than 95 of 100 recent executions of its agent")
    sample = forms.FloatField(
        min_value=0, max_value=1, initial=1, label="Share of what fits", help_text="0 to 1. Always the same ones.",
        widget=forms.NumberInput(attrs={"step": "0.01"}),
    )  # fmt: skip

    CONDITIONS = [
        ("What was said", [
            "opinion", "feedback_types", "rating_min", "rating_max", "issue_categories", "has_comment", "disagreement",
        ]),
        ("What happened", ["status", "confidence_below", "duration_above_ms", "slow"]),
    ]  # fmt: skip
    GROUPS = [("The rule", ["name", "source", "agent", "example_type", "position", "sample"]), *CONDITIONS]

    def __init__(self, data: Any = None, *, rule: ExampleRule | None = None) -> None:
        super().__init__(data, initial=_initial(rule) if rule else None)
        fields: Any = self.fields
        fields["agent"].queryset = Agent.objects.order_by("name")
        own = Organization.objects.get(pk=current_organization_id()).issue_categories
        fields["issue_categories"].choices = [(name, name) for name in [*ISSUE_CATEGORIES, *own]]

    def groups(self) -> list[tuple[str, list[Any]]]:
        return [(title, [self[name] for name in names]) for title, names in self.GROUPS]

    def values(self) -> dict[str, Any]:
        """For `create_rule` and `change_rule`."""
        given = dict(self.cleaned_data)
        conditions = {name: given.pop(name) for _, names in self.CONDITIONS for name in names}
        conditions["has_comment"] = {"yes": True, "no": False}.get(conditions["has_comment"])
        conditions["sample"] = given.pop("sample")
        return given | {
            "conditions": {name: value for name, value in conditions.items() if value not in (None, "", [])}
        }


class DaysForm(forms.Form):
    days = forms.IntegerField(min_value=1, max_value=MOST_DAYS, initial=30, label="Days back")


def _initial(rule: ExampleRule) -> dict[str, Any]:
    conditions = dict(rule.conditions)
    if "has_comment" in conditions:
        conditions["has_comment"] = "yes" if conditions["has_comment"] else "no"
    names = ("name", "source", "example_type", "position")
    return {"sample": 1} | conditions | {name: getattr(rule, name) for name in names} | {"agent": rule.agent_id}
