"""Runs side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from learning.models import TrainingRun
from learning.pages.stored import text
from learning.pages.training_progress import remembered_answers
from learning.pages.training_results import Gain, read_gain, read_outcome, read_trace
from learning.pages.training_words import setting_words, told
from learning.services import usage_words
from learning.services.run_comparison import Comparison, compare_runs
from learning.templatetags.runs import percent, points, seconds
from organizations.errors import Refused
from organizations.identifiers import as_uuid
from organizations.permissions import page

NOTHING = "-"


@dataclass(frozen=True)
class Column:
    """One run; `letter` names it in the charts and tables below the first."""

    letter: str
    run: TrainingRun


@dataclass(frozen=True)
class GainRow:
    """A row of the chart of intervals."""

    label: str
    estimate: float
    low: float
    high: float
    note: str


@page()
def runs_compare(request: HttpRequest) -> HttpResponse:
    """`?run=` twice or more: the runs in this order."""
    asked = [as_uuid(value) for value in request.GET.getlist("run")]
    try:
        comparison = compare_runs(run_ids=[key for key in asked if key is not None])
    except Refused as error:
        return render(request, "learning/runs_compare.html", {"refused": error.message}, status=_status(error, asked))
    return render(request, "learning/runs_compare.html", _context(comparison))


def _status(error: Refused, asked: list[Any]) -> int:
    """Nothing chosen is no mistake of an address; a run that is not there is."""
    return error.status if asked and error.status == 404 else 200


def _context(comparison: Comparison) -> dict[str, Any]:
    columns = [Column(chr(ord("A") + place), run) for place, run in enumerate(comparison.runs)]
    lines = [read_trace(one.run.metrics, one.letter) for one in columns]
    return {
        "comparison": comparison,
        "columns": columns,
        "rows": _rows(comparison.runs),
        "gains": [_gain_row(one.letter, gain) for one in columns if (gain := read_gain(one.run.metrics))],
        "differences": [(setting_words(row.setting), [told(v) for v in row.values]) for row in comparison.differences],
        "lines": [line for line in lines if line],
    }


def _rows(runs: tuple[TrainingRun, ...]) -> list[tuple[str, list[str]]]:
    """The figures, a row each; one that no run has is left out."""
    columns = [_figures(run) for run in runs]
    rows = [(name, [column[name] for column in columns]) for name in columns[0]]
    return [(name, cells) for name, cells in rows if any(cell != NOTHING for cell in cells)]


def _figures(run: TrainingRun) -> dict[str, str]:
    outcome = read_outcome(run.metrics)
    gain, took = outcome.gain, run.seconds if run.finished_at and run.started_at else None
    remembered = remembered_answers(run)
    speed = f"{60 * run.llm_calls / took:,.0f} calls a minute" if took else NOTHING
    return {
        "Verdict": outcome.verdict.capitalize() or text(run.failure_reason) or NOTHING,
        "Before": percent(outcome.before.mean, 1) if outcome.before else NOTHING,
        "After": percent(outcome.after.mean, 1) if outcome.after else NOTHING,
        "Gain, points": f"{points(gain.estimate / 100)} ({_interval(gain)})" if gain else NOTHING,
        "Test examples": f"{gain.n:,}" if gain else NOTHING,
        "p": gain.p.removeprefix("p ").removeprefix("= ") or NOTHING if gain else NOTHING,
        "Got worse": f"{outcome.worse_told} examples" if gain else NOTHING,
        "Compared": outcome.tried or NOTHING,
        "Candidate": f"config {run.candidate_config.number}" if run.candidate_config else NOTHING,
        "Calls": f"{run.llm_calls:,}",
        "Remembered answers": NOTHING if remembered is None else f"{remembered:,}",
        "Tokens": f"{usage_words.tokens_in(run)} in, {usage_words.tokens_out(run)} out",
        "Money": usage_words.money(run),
        "Time": seconds(took),
        "Speed": speed,
    }


def _interval(gain: Gain) -> str:
    return f"{points(gain.low / 100)} to {points(gain.high / 100)}"


def _gain_row(letter: str, gain: Gain) -> GainRow:
    return GainRow(letter, gain.estimate, gain.low, gain.high, f"n = {gain.n:,}")
