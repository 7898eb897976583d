"""The form of a dataset's recipe. People write shares in percent and names separated by commas."""

from __future__ import annotations

from typing import Any

from django import forms

from learning.models import Agent, BalanceBy, Duplicates, ExampleType, GroupBy, SourceType, TrainingDataset
from learning.services.recipes import known_names

PART = 100  # of 10,000 in a percent
FIRST_SHARES = {"train_percent": 40.0, "validation_percent": 30.0}


class NamesField(forms.CharField):
    """Names separated by commas, as a list without repetitions."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=5000, **kwargs)

    def to_python(self, value: Any) -> Any:
        names = [name.strip() for name in (super().to_python(value) or "").split(",")]
        return list(dict.fromkeys(name for name in names if name))

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value


def _several(choices: Any, **kwargs: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        choices=choices.choices, required=False, widget=forms.CheckboxSelectMultiple, **kwargs
    )


def _percent(**kwargs: Any) -> forms.FloatField:
    return forms.FloatField(
        min_value=0.01,
        max_value=99.98,
        widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}),
        **kwargs,
    )


class DatasetForm(forms.Form):
    """A dataset: what belongs in, how it is split and weighed."""

    name = forms.CharField(max_length=200, help_text="Such as: Support answers, corrected")
    description = forms.CharField(required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 2}))
    agent = forms.ModelChoiceField(
        Agent.objects.none(), required=False, empty_label="All agents", help_text="Whose approved examples belong in."
    )
    domains = NamesField()
    task_types = NamesField(label="Task types")
    tags = NamesField(help_text="Examples with any of these, separated by commas.")
    example_types = _several(
        ExampleType, label="Types", help_text="None: corrections, demonstrations, positive examples and edge cases."
    )
    source_types = _several(SourceType, label="Sources", help_text="None: all.")
    least_quality = forms.FloatField(
        required=False, min_value=0, max_value=1, label="Least quality", help_text="0 to 1. Unrated ones are left out."
    )
    train_percent = _percent(label="Train, %", help_text="Learned from.")
    validation_percent = _percent(label="Validation, %", help_text="Chosen by. The rest is the sealed test split.")
    group_by = forms.ChoiceField(
        choices=GroupBy.choices, label="Never split", help_text="Near-duplicates always stay together; so does this."
    )
    duplicates = forms.ChoiceField(choices=Duplicates.choices, label="Near-duplicates")
    weigh_by_reviewers = forms.BooleanField(required=False, label="Weigh by how reliable the reviewers were")
    half_life_days = forms.IntegerField(
        required=False, min_value=1, max_value=36_500, label="Half-life, days",
        help_text="An example this much older than the newest counts half. Empty: age does not matter.",
    )  # fmt: skip
    balance_by = forms.ChoiceField(
        choices=BalanceBy.choices, required=False, label="Balance by", help_text="Rare kinds count more."
    )
    SECTIONS = {
        "What it is": ("name", "description"),
        "What belongs in": (
            "agent", "domains", "task_types", "tags", "least_quality", "example_types", "source_types",
        ),
        "How it is split": ("train_percent", "validation_percent", "group_by", "duplicates"),
        "How it is weighed": ("weigh_by_reviewers", "half_life_days", "balance_by"),
    }  # fmt: skip

    def __init__(self, data: Any = None, *, dataset: TrainingDataset | None = None) -> None:
        super().__init__(data, initial=_values_of(dataset) if dataset else FIRST_SHARES | {"weigh_by_reviewers": True})
        self.fields["agent"].queryset = Agent.objects.order_by("name")  # type: ignore[attr-defined]
        for name, field in (("domains", "domain"), ("task_types", "task_type")):
            known = ", ".join(known_names(field)[:12])
            self.fields[name].help_text = f"Separated by commas; empty: all.{f' There are: {known}.' if known else ''}"

    def sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields under their headings."""
        return [(title, [self[name] for name in names]) for title, names in self.SECTIONS.items()]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        train, validation = values.get("train_percent"), values.get("validation_percent")
        if train and validation and train + validation >= 100:
            self.add_error("validation_percent", "Train and validation leave nothing for the test split.")
        return values

    def recipe(self) -> dict[str, Any]:
        """What the services take."""
        values = dict(self.cleaned_data)
        for name in ("train", "validation"):
            values[f"{name}_share"] = round(values.pop(f"{name}_percent") * PART)
        return values

    def refuse(self, field: str | None, message: str) -> None:
        """A service said no, to one of its own fields."""
        own = (field or "").replace("_share", "_percent")
        self.add_error(own if own in self.fields else None, message)


def _values_of(dataset: TrainingDataset) -> dict[str, Any]:
    values = {name: getattr(dataset, name) for name in DatasetForm.base_fields if hasattr(dataset, name)}
    percents = {f"{name}_percent": getattr(dataset, f"{name}_share") / PART for name in ("train", "validation")}
    return values | percents | {"agent": dataset.agent_id}
