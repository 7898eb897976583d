"""Pages that need several apps: the dashboard, the lineage of a config, the widget's demo."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from organizations.actors import Actor
from organizations.permissions import page
from project.demo.progress import read_progress
from project.overview import lineage, numbers, reviews
from project.overview.beginning import first_steps
from project.overview.charts import Series, bar_chart, line_chart
from project.overview.waiting import waits_for
from project.overview.widget_demo import demo_context


@page()
def dashboard(request: HttpRequest) -> HttpResponse:
    """Where things stand."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    demo = read_progress()
    context = numbers.dashboard() | {"demo": demo, "waiting": waits_for(actor)}
    if not context["versions"] and not demo:  # who publishes datasets has begun, and the demo takes the steps by itself
        context["first_steps"] = first_steps(actor)
    return render(request, "overview/dashboard.html", context | feedback_charts(context["days"]))


@page()
def demo_progress(request: HttpRequest) -> HttpResponse:
    """The demo's progress alone, for polling."""
    return render(request, "overview/_demo_progress.html", {"demo": read_progress()})


@page()
def lineage_page(request: HttpRequest, config_id: UUID) -> HttpResponse:
    """From a config back to the corrections that caused it, and forward to where it serves."""
    story = lineage.of_config(config_id)
    if story is None:
        raise Http404("There is no such config in this organization.")
    return render(request, "overview/lineage.html", {"story": story})


@page(role="expert")
def my_reviews(request: HttpRequest) -> HttpResponse:
    """How far a person has come, and what their reviews changed."""
    work = reviews.work_of(request.user)
    chart = bar_chart(
        title="Your reviews per day",
        labels=[day.day.strftime("%d %b") for day in work.days],
        series=[Series("reviews", [day.reviews for day in work.days])],
    )
    return render(request, "overview/reviews.html", {"work": work, "chart": chart})


@page()
def widget_demo(request: HttpRequest) -> HttpResponse:
    """The feedback element on real outputs of the newest agent."""
    return render(request, "demo/widget.html", demo_context())


@page()
def no_such_page(request: HttpRequest, unknown: str) -> HttpResponse:
    """Our own page for an address that nobody knows, instead of Django's sign-in."""
    raise Http404(f"There is no page /admin/learning/{unknown}.")


def feedback_charts(days: list[Any]) -> dict[str, Any]:
    labels = [day.date.strftime("%d %b") for day in days]
    return {
        "feedback_chart": bar_chart(
            title="Feedback per day",
            labels=labels,
            series=[
                Series("positive", [day.positive_count for day in days]),
                Series("negative", [day.negative_count for day in days]),
                Series("corrections", [day.corrections for day in days]),
            ],
        ),
        "rated": any(day.avg_rating is not None for day in days),
        "rating_chart": line_chart(
            title="Mean star rating per day",
            labels=labels,
            series=[Series("rating", [day.avg_rating for day in days])],
            ends=(1, 5),
        ),
    }
