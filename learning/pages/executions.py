"""The list of what applications have sent."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from learning.models import Agent, Execution, ExecutionStatus, FeedbackType
from learning.services.execution_search import (
    ANY,
    NONE,
    Found,
    Mark,
    Wanted,
    feedback_marks,
    find_executions,
    has_executions,
    named_executions,
)
from learning.services.execution_story import problem_text
from learning.services.reading_plan import Span
from organizations.models import ApiKey, KeyKind, Role
from organizations.permissions import page

DAYS = {1: "1 day", 7: "7 days", 30: "30 days", 90: "90 days", 365: "a year"}
SAID = [(ANY, "Some"), (NONE, "None"), *FeedbackType.choices]
EARLIEST = date(2000, 1, 1)


class Row(NamedTuple):
    """An execution in the list: the first lines of its texts, what was said about it."""

    execution: Execution
    asked: str
    answered: str
    problem: str
    marks: list[Mark]


class FilterForm(forms.Form):
    """Which executions. A value that makes no sense is as if it were not there."""

    agent = forms.ModelChoiceField(Agent.objects.none(), required=False, empty_label="All")
    status = forms.ChoiceField(choices=[("", "All"), *ExecutionStatus.choices], required=False)
    said = forms.ChoiceField(choices=[("", "Any or none"), *SAID], required=False, label="Feedback")
    days = forms.TypedChoiceField(choices=list(DAYS.items()), coerce=int, required=False, label="Arrived within")
    until = forms.DateField(
        required=False, label="Until (UTC)", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    find = forms.CharField(
        required=False,
        max_length=200,
        label="Find",
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "id, user, session"}),
    )
    before = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agent"].queryset = Agent.objects.order_by("name")  # type: ignore[attr-defined]

    def value(self, name: str, otherwise: Any = None) -> Any:
        return self.cleaned_data.get(name) or otherwise

    def span(self) -> Span:
        """The last days, or those up to the end of the day `until`."""
        days, until = timedelta(days=self.value("days", 30)), self.value("until")
        end = timezone.now() + timedelta(minutes=1)  # the database's clock may be ahead of ours
        if until is not None and EARLIEST <= until <= end.date():
            end = datetime.combine(until + timedelta(days=1), time(), UTC)
        return Span(end - days, end)

    def wanted(self) -> Wanted:
        agent = self.value("agent")
        return Wanted(
            self.span(), agent.pk if agent else None, self.value("status", ""), self.value("said", ""),
            self.value("find", ""),
        )  # fmt: skip

    @property
    def narrowed(self) -> bool:
        """Whether something is asked for that may be why there is nothing."""
        return any(self.value(name) for name in ("agent", "status", "said", "until", "find", "before"))


@page(role=Role.MANAGER)
def execution_list(request: HttpRequest) -> HttpResponse:
    """The newest arrivals first. A name in full is found whenever it arrived."""
    given = {"days": "30"} | {name: value for name, value in request.GET.items() if "\x00" not in value}
    form = FilterForm(given)
    form.is_valid()
    named = named_executions(form.value("find")) if form.value("find") else []
    found = Found(named) if named else find_executions(wanted=form.wanted(), before=form.value("before"))
    marks = feedback_marks(row.pk for row in found.rows)
    context = {
        "form": form,
        "rows": [_row(execution, marks.get(execution.pk, [])) for execution in found.rows],
        "named": bool(named),
        "looked_at": found.looked_at,
        "newest_url": _address(request, None) if form.value("before") else "",
        "next_url": _address(request, found.before) if found.before else "",
        "narrowed": form.narrowed,
    }
    if not found.rows and not has_executions():
        context["start"] = {"server": request.build_absolute_uri("/").rstrip("/"), "key": _key_to_use()}
    return render(request, "learning/executions.html", context)


def _row(execution: Any, marks: list[Mark]) -> Row:
    problem = problem_text(execution.problem)[:300]
    return Row(execution, _first_line(execution.asked), _first_line(execution.answered), problem, marks)


def _first_line(text: str) -> str:
    """The first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _key_to_use() -> ApiKey | None:
    """The newest secret key that may send; its beginning tells people which of theirs is meant."""
    keys = ApiKey.objects.filter(kind=KeyKind.SECRET, scopes__contains=["ingest"], revoked_at=None, rotated_at=None)
    return keys.exclude(expires_at__lte=timezone.now()).order_by("-created_at").first()


def _address(request: HttpRequest, before: Any) -> str:
    kept = {name: value for name, value in request.GET.items() if name != "before" and value}
    return "?" + urlencode(kept | ({"before": str(before)} if before else {}))
