"""What the last look at an experiment found, as people and clients read it. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, Window
from django.db.models.functions import Lead

from experiments.models import Analysis, Experiment, MetricResult
from experiments.stats.terms import Role, Verdict
from learning.engines.multiplicity import holm

MOST_LOOKS = 60
QUALITY = ("exposed", "matured", "rated")


@dataclass(frozen=True, slots=True)
class Look:
    """One metric of one treatment at one look: units of both arms with an outcome, lift, and the sequence's ends."""

    units: int
    lift: float | None
    low: float | None
    high: float | None


def latest_analysis(experiment: Experiment) -> Analysis | None:
    """The newest look; None before the first."""
    return experiment.analyses.select_related("winner__config").order_by("-number").first()


def results_of(experiment: Experiment) -> dict[str, Any]:
    """The fields of GET results; without a look yet the verdict is inconclusive and says so."""
    analysis = latest_analysis(experiment)
    if analysis is None:
        return _nothing_yet(experiment)
    rows = metric_results(analysis)
    success = [row.p for row in rows if row.role == Role.SUCCESS]
    return {
        "experiment_id": experiment.pk,
        "status": experiment.status,
        "verdict": analysis.verdict,
        "winner": Verdict(analysis.verdict).winner,
        "winning_variant": analysis.winner.key if analysis.winner else None,
        "statistical_significance": min(holm(success), default=None),
        "sentence": analysis.sentence,
        "missing": analysis.missing,
        "units_needed": analysis.units_needed,
        "units": analysis.counted,
        "crossed_units": analysis.crossed_units,
        "hours": analysis.hours,
        "sample_ratio": {"alarm": analysis.sample_ratio_alarm, "p": analysis.sample_ratio_p},
        "quality": quality_of(analysis),
        "metrics": rows,
        "analysed_at": analysis.created_at,
    }


def quality_of(analysis: Analysis) -> list[dict[str, Any]]:
    """Of those exposed, those among them who matured and those who rated: units by arm, and whether shares are kept."""
    stored = analysis.quality if isinstance(analysis.quality, dict) else {}
    return [
        {"of": name, "units": one["units"], "alarm": bool(one.get("alarm")), "p": one.get("p")}
        for name in QUALITY
        if isinstance(one := stored.get(name), dict) and isinstance(one.get("units"), dict)
    ]


def metric_results(analysis: Analysis) -> list[MetricResult]:
    """The metrics of one look in the order of the experiment, arm by arm."""
    order = {item["name"]: place for place, item in enumerate(analysis.experiment.metrics)}
    rows = analysis.results.select_related("variant")
    return sorted(rows, key=lambda row: (order.get(row.metric, len(order)), row.variant.position))


def looks_over_time(experiment: Experiment) -> dict[tuple[str, str], list[Look]]:
    """By variant key and metric: the last look at each number of units with an outcome, which only grows.

    At most `MOST_LOOKS`, spread over the experiment, the newest included.
    """
    numbers = _telling_looks(experiment)
    step = max(1, -(-len(numbers) // MOST_LOOKS))
    chosen = numbers[::-1][::step]
    rows = MetricResult.objects.filter(analysis__experiment=experiment, analysis__number__in=chosen)
    found: dict[tuple[str, str], list[Look]] = {}
    for row in rows.select_related("variant").order_by("analysis__number"):
        look = Look(row.control_n + row.treatment_n, row.lift, row.low, row.high)
        looks = found.setdefault((row.variant.key, row.metric), [])
        while looks and looks[-1].units >= look.units:
            looks.pop()
        looks.append(look)
    return found


def _telling_looks(experiment: Experiment) -> list[int]:
    """Numbers of the looks after which units were met, watched long enough or rated; and of the newest."""
    following = {f"{field}_then": Window(Lead(field), order_by="number") for field in ("units", "quality")}
    rows = experiment.analyses.annotate(**following).filter(
        Q(units_then__isnull=True) | ~Q(units_then=F("units")) | ~Q(quality_then=F("quality"))
    )
    return list(rows.order_by("number").values_list("number", flat=True))


def _nothing_yet(experiment: Experiment) -> dict[str, Any]:
    return {
        "experiment_id": experiment.pk,
        "status": experiment.status,
        "verdict": Verdict.INCONCLUSIVE.value,
        "winner": Verdict.INCONCLUSIVE.value,
        "winning_variant": None,
        "statistical_significance": None,
        "sentence": "Nobody has looked yet: results appear a minute after the start.",
        "missing": [],
        "units_needed": None,
        "units": {},
        "crossed_units": 0,
        "hours": experiment.hours(),
        "sample_ratio": {"alarm": False, "p": None},
        "quality": [],
        "metrics": [],
        "analysed_at": None,
    }
