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
from experiments.pages.figures import figures_of, plan_of, quality_figures
from experiments.services.report import report_of
from experiments.services.results import latest_analysis, looks_over_time, metric_results, quality_of
from organizations.permissions import page

SHEETS = ("tokens.css", "app.css", "charts.css")


@page()
def report_json(request: HttpRequest, experiment_id: UUID) -> HttpResponse:
    experiment = find_experiment(experiment_id)
    answer = JsonResponse(report_of(experiment), json_dumps_params={"indent": 2, "ensure_ascii": False})
    return _as_file(answer, experiment, "json")


@page()
def report_html(request: HttpRequest, experiment_id: UUID) -> HttpResponse:
    experiment = find_experiment(experiment_id)
    analysis = latest_analysis(experiment)
    looks = looks_over_time(experiment)
    body = render_to_string(
        "experiments/report.html",
        {
            "experiment": experiment,
            "analysis": analysis,
            "report": report_of(experiment),
            "plan": plan_of(experiment),
            "quality": quality_figures(quality_of(analysis)) if analysis else [],
            "metrics": [
                figures_of(row, looks[row.variant.key, row.metric], experiment=experiment)
                for row in (metric_results(analysis) if analysis else [])
            ],
        },
    )
    # The sheets are put inside, so that the file looks the same wherever it is opened.
    sheets = "".join(Path(settings.BASE_DIR, "static", "css", name).read_text() for name in SHEETS)
    return _as_file(HttpResponse(body.replace("</head>", f"<style>{sheets}</style></head>", 1)), experiment, "html")


def _as_file(answer: HttpResponse, experiment: Experiment, ending: str) -> HttpResponse:
    name = f"{slugify(experiment.name) or 'experiment'}-report.{ending}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
