"""The report of an experiment as a file: JSON for programs, and one page of HTML that needs nothing else."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.text import slugify

from experiments.models import Experiment
from experiments.pages.experiments import find_experiment
from experiments.pages.results import results_context
from experiments.services.report import report_of
from experiments.services.results import latest_analysis
from organizations.permissions import page

SHEETS = ("tokens.css", "app.css", "charts.css", "experiments.css")


@page()
def report_json(request: HttpRequest, experiment_id: UUID) -> HttpResponse:
    experiment = find_experiment(experiment_id)
    answer = JsonResponse(report_of(experiment), json_dumps_params={"indent": 2, "ensure_ascii": False})
    return _as_file(answer, experiment, "json")


@page()
def report_html(request: HttpRequest, experiment_id: UUID) -> HttpResponse:
    experiment = find_experiment(experiment_id)
    context = results_context(experiment, latest_analysis(experiment)) | {"report": report_of(experiment)}
    body = render_to_string("experiments/report.html", context)
    # The sheets are put inside, so that the file looks the same wherever it is opened.
    sheets = "".join(Path(settings.BASE_DIR, "static", "css", name).read_text() for name in SHEETS)
    return _as_file(HttpResponse(body.replace("</head>", f"<style>{sheets}</style></head>", 1)), experiment, "html")


def _as_file(answer: HttpResponse, experiment: Experiment, ending: str) -> HttpResponse:
    name = f"{slugify(experiment.name) or 'experiment'}-report.{ending}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
