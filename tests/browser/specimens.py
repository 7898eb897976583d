"""The style guide, rendered with invented content: every class and partial on one page."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.test import RequestFactory

from project.overview import widget_demo
from project.overview.charts import Interval, Series, bar_chart, interval_chart, line_chart

DAYS = [f"{day} Nov" for day in range(1, 22)]
UP = [14, 18, 9, 22, 25, 7, 5, 19, 24, 28, 21, 26, 9, 8, 23, 29, 31, 27, 30, 11, 16]
DOWN = [6, 7, 4, 9, 8, 2, 1, 7, 6, 5, 6, 4, 2, 1, 4, 4, 3, 5, 3, 1, 2]
RATES = [
    0.7,
    0.72,
    0.69,
    0.71,
    0.76,
    None,
    None,
    0.73,
    0.8,
    0.85,
    0.78,
    0.87,
    0.82,
    0.89,
    0.85,
    0.88,
    0.91,
    0.84,
    0.91,
    0.92,
    0.89,
]
BASE = [
    0.7,
    0.71,
    0.68,
    0.7,
    0.72,
    0.71,
    0.7,
    0.69,
    0.72,
    0.7,
    0.71,
    0.73,
    0.7,
    0.71,
    0.69,
    0.7,
    0.72,
    0.71,
    0.7,
    0.72,
    0.71,
]


class VersionForm(forms.Form):
    """A form with every state of a field."""

    name = forms.CharField(help_text="Letters, digits and dashes.", initial="reviews-november")
    agent = forms.ChoiceField(choices=[("a", "sentiment"), ("b", "editor")])
    share = forms.IntegerField(label="Test share, percent", max_value=50)
    seal = forms.BooleanField(label="Seal the test split", required=False, initial=True)


def styleguide() -> str:
    """The page as a signed-in administrator of an organization sees it."""
    return render_to_string("styleguide.html", _content(), request=signed_in("/admin/learning/training/"))


def demo() -> str:
    """The widget's demo page with two answers, one of them hostile."""
    executions = [
        {"external_id": "exec-1", "input": "How long does a refund take?", "output": "It takes ten working days."},
        {"external_id": "exec-2", "input": "And abroad?", "output": "<b>The same</b> & no fee."},
    ]
    context = {
        "agent": {"external_id": "support"},
        "executions": executions,
        "publishable_key": "pk_demo",
        "token": "ft_demo",
        "demo_user": "u-1",
        "parts": widget_demo.PARTS,
        "issue_categories": ["incorrect", "outdated"],
    }
    return render_to_string("demo/widget.html", context, request=signed_in("/demo/"))


def signed_in(path: str) -> Any:
    """A request of an administrator of an organization."""
    request: Any = RequestFactory().get(path)
    request.user = SimpleNamespace(is_authenticated=True, is_staff=True, get_username=lambda: "mara@aster.example")
    may = {"can_review": True, "can_manage": True, "can_administer": True}
    request.actor = SimpleNamespace(organization_name="Aster Insurance", role="admin", **may)
    return request


def _content() -> dict[str, object]:
    return {
        "messages": [
            _Message(
                "success", "Version 4 of reviews-november was published: 312 examples, 63 of them sealed for the test."
            ),
            _Message("error", "The run could not start: no model answers at the address in OPENAI_BASE_URL."),
        ],
        "bars": bar_chart(
            title="Feedback per day", labels=DAYS, series=[Series("thumbs up", UP), Series("thumbs down", DOWN)]
        ),
        "lines": line_chart(
            title="Accuracy per day", labels=DAYS, series=[Series("treatment", RATES), Series("control", BASE)]
        ),
        "intervals": interval_chart(
            title="Treatment against control",
            unit="%",
            rows=[
                Interval("Satisfaction", 6.1, 2.2, 10.0, "n = 1,204"),
                Interval("Accuracy", 21.4, 14.0, 28.9),
                Interval("Rating", -0.4, -3.1, 2.3),
                Interval("Answered in time", -6, -9.1, -2.9),
            ],
        ),
        "form": VersionForm({"name": "x y", "agent": "a", "share": "60"}),
        "segments": [
            ("equal", "The refund takes "),
            ("delete", "ten"),
            ("insert", "five"),
            ("equal", " working days"),
            ("delete", ", and you have to call us"),
            ("insert", "; you need not do anything"),
            ("equal", "."),
        ],
        "steps": [("Analyse", "done"), ("Propose", "done"), ("Race", "now"), ("Confirm", ""), ("Gate", "")],
        "statuses": [
            "pending",
            "in_review",
            "approved",
            "rejected",
            "needs_revision",
            "draft",
            "candidate",
            "retired",
            "running",
            "completed",
            "failed",
            "cancelled",
            "paused",
            "active",
            "rolled_back",
            "inconclusive",
        ],
        "runs": [
            _run("Run 12", "running", "Running", 62, "", "212"),
            _run("Run 11", "completed", "Completed", 100, "21.4%", "340"),
            _run("Run 10", "failed", "Failed", 18, "", "61"),
            _run("Run 9", "cancelled", "Cancelled", 40, "", "120"),
        ],
    }


def _run(name: str, status: str, label: str, progress: int, gain: str, calls: str) -> dict[str, object]:
    return {
        "name": name,
        "agent": "sentiment of review sentences",
        "status": status,
        "label": label,
        "progress": progress,
        "gain": gain or "-",
        "calls": calls,
        "started": "3 Nov, 14:02",
    }


class _Message:
    def __init__(self, level_tag: str, text: str) -> None:
        self.level_tag, self.text = level_tag, text

    def __str__(self) -> str:
        return self.text
