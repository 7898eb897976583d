"""The page of what people say: amounts, satisfaction, issues, what changed, and their words."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from learning.models import Agent, FeedbackType
from learning.services.comments import newest_comments
from learning.services.reading_plan import DAY, Span, floor
from learning.services.statistics import compare, count_issues, summarize_buckets, summarize_feedback
from organizations.models import Role
from organizations.permissions import page
from project.overview.feedback_charts import amounts_chart, cards, satisfaction_chart

# Days on the page, and what they are told apart by.
SPANS = {7: "day", 30: "day", 90: "day", 365: "week"}


class ViewForm(forms.Form):
    """What the page is of. A value that makes no sense is as if it were not there."""

    agent = forms.ModelChoiceField(Agent.objects.none(), required=False, empty_label="All agents")
    days = forms.TypedChoiceField(choices=[(days, f"{days} days") for days in SPANS], coerce=int, required=False)
    kind = forms.ChoiceField(
        choices=[("", "All with words"), *FeedbackType.choices], required=False, label="Comments of type"
    )
    before = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agent"].queryset = Agent.objects.order_by("name")  # type: ignore[attr-defined]

    def value(self, name: str, otherwise: Any = None) -> Any:
        return self.cleaned_data.get(name) or otherwise


@page(role=Role.MANAGER)
def feedback_page(request: HttpRequest) -> HttpResponse:
    """What people said in the last days, beside the days before."""
    given = {"days": "30"} | {name: value for name, value in request.GET.items() if "\x00" not in value}
    form = ViewForm(given)
    form.is_valid()
    agent, days = form.value("agent"), form.value("days", 30)
    now = timezone.now().astimezone(UTC)
    span = Span(floor(now, DAY) - (days - 1) * DAY, now)
    numbers, before = (summarize_feedback(agent=agent, span=each) for each in (span, span.before()))
    buckets = summarize_buckets(agent=agent, span=span, bucket=SPANS[days])
    comments = newest_comments(
        agent_id=agent.pk if agent else None, kind=form.value("kind", ""), before=form.value("before")
    )
    context = {
        "form": form,
        "span": span,
        "numbers": numbers,
        "cards": cards(numbers, before, compare(numbers, before)),
        "amounts_chart": amounts_chart(buckets, SPANS[days]),
        "satisfaction_chart": satisfaction_chart(buckets, SPANS[days]),
        "issues": count_issues(agent=agent, span=span),
        "comments": comments.rows,
        "newest_url": _address(request, None) if form.value("before") else "",
        "next_url": _address(request, comments.before) if comments.before else "",
    }
    return render(request, "overview/feedback.html", context)


def _address(request: HttpRequest, before: Any) -> str:
    kept = {name: value for name, value in request.GET.items() if name != "before"}
    return "?" + urlencode(kept | ({"before": str(before)} if before else {})) + "#comments"
