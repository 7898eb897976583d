"""`manage.py bench_insight`: what the human-feedback learner and the behavior learner find in real and made-up data."""

from __future__ import annotations

import os
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from learning.engines.insight.correlations import Correlation
from learning.engines.insight.estimates import Estimate
from project.benchmarks import BenchCommand, Report, table
from project.insight_benchmark import correlated, decisions, large, simulated

SKIPPED = 77
FOLDERS = ("iterater-edits", "metr-messiness-labels", "judge-bench", "metr-agent-runs", "tau-bench-airline")
NULLS, QUICK_NULLS = 200, 10  # data sets of each layout
RECOVERIES, QUICK_RECOVERIES = 20, 3
REQUESTS, QUICK_REQUESTS = 1_000, 100
PARTS = ("decisions", "discoveries", "severity", "logs", "ratings", "large", "prediction", "behavior")
SLOW = "prediction"  # a cluster of its own is started for it: with --quick only when it is named
BEHAVIOR = "project.insight_benchmark.behavior"
Rows = list[tuple[str, ...]]


class Command(BenchCommand):
    help = "Accept or reject foretold, severities and planted correlations recovered, next actions of an agent."
    wants_database = False  # but for one part

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("--part", choices=PARTS, action="append", help="only this; may be given several times")

    def handle(self, *args: Any, **options: Any) -> None:
        self.parts = options["part"] or [name for name in PARTS if name != SLOW or not options["quick"]]
        self.wants_database = SLOW in self.parts
        super().handle(*args, **options)

    def check_needs(self) -> None:
        named = os.environ.get("ALS_DATA")
        if not named:
            raise CommandError(f"Set ALS_DATA to a folder with: {', '.join(FOLDERS)}.", returncode=SKIPPED)
        self.data = Path(named)
        if missing := [name for name in FOLDERS if not (self.data / name).exists()]:
            raise CommandError(f"ALS_DATA ({named}) lacks {', '.join(missing)}.", returncode=SKIPPED)

    def measure(self, quick: bool) -> Report:
        rows: Rows = [("what", "value", "95 % interval", "baseline")]
        figures: dict[str, Any] = {}
        self.notes: list[str] = []
        for part in self.parts:
            getattr(self, f"_{part}")(rows, figures, quick)
        return Report("Learning from feedback", rows, figures, self.notes)

    def _decisions(self, rows: Rows, figures: dict[str, Any], quick: bool) -> None:
        found = decisions.foretell(decisions.read_decisions(self.data))
        figures |= {
            "decision_accuracy": found.without.value,
            "decision_accuracy_with_reviewer": found.with_reviewer.value,
            "decision_baseline": found.majority.value,
            "reviewer_baseline": found.reviewer_majority.value,
            "decision_details": asdict(found),
        }
        rows.append(("accept or reject, reviewer unknown", *_shown(found.without), _share(found.majority.value)))
        known = _shown(found.with_reviewer)
        rows.append(("accept or reject, reviewer known", *known, _share(found.reviewer_majority.value)))
        rows.append(("  gain over each reviewer's usual answer", *_shown(found.gain), ""))
        rows.append(("  its 90 % intervals hold", _share(found.coverage), "", ""))
        for name, (severity, rejected) in found.severity.items():
            rows.append((f"  severity of {name}", f"{severity:+.3f}", "", f"rejects {rejected:.0%} of the other half"))

    def _discoveries(self, rows: Rows, figures: dict[str, Any], quick: bool) -> None:
        found = {one.name: simulated.discover(one, range(QUICK_NULLS if quick else NULLS)) for one in simulated.LAYOUTS}
        figures["false_discovery_rate"] = max(one.false for one in found.values())
        figures["planted_found"] = sum(one.planted_found for one in found.values()) / len(found)
        figures["discoveries"] = {name: asdict(one) for name, one in found.items()}
        for name, one in found.items():
            rows.append((f"null data with a claim: {name}", _share(one.false), "", f"naive {one.false_naive:.1%}"))
            rows.append(("  planted correlations found", _share(one.planted_found), "", ""))
            rows.append(("  of the claims beside them false", _share(one.planted_false), "", ""))

    def _severity(self, rows: Rows, figures: dict[str, Any], quick: bool) -> None:
        found = simulated.recover_severity(range(QUICK_RECOVERIES if quick else RECOVERIES))
        figures["severity_recovery"] = asdict(found)
        rows.append(("known severities: correlation", f"{found.correlation:.3f}", "", ""))
        rows.append(("  mean error", f"{found.error:.4f}", "", f"raw means {found.raw_error:.4f}"))
        rows.append(("  intervals that hold the truth", _share(found.covered), "", ""))

    def _logs(self, rows: Rows, figures: dict[str, Any], quick: bool) -> None:
        pairs = correlated.agent_runs(self.data) + correlated.conversations(self.data)
        figures["logs"] = [_told(one) for one in pairs]
        for one in pairs:
            rows.append((f"{one.feature} with {one.aspect}", *_correlation(one)))
        found = correlated.labellers(self.data)
        figures["labellers"] = found
        for name, (severity, mean) in found.items():
            rows.append((f"  severity of {name}", f"{severity:+.3f}", "", f"says yes to {mean:.0%} of the other half"))

    def _ratings(self, rows: Rows, figures: dict[str, Any], quick: bool) -> None:
        names = ("n", "used", "kind", "error", "mean_error", "accuracy", "mean_accuracy", "coverage")
        figures["ratings"] = {}
        for name, found in correlated.rated_answers(self.data).items():
            figures["ratings"][name] = {one: getattr(found, one) for one in names}
            said = "used" if found.used else "not used"
            error = "" if found.mean_error is None else f"mean {found.mean_error:.4f}"
            rows.append((f"squared error, {name}", "" if found.error is None else f"{found.error:.4f}", said, error))

    def _large(self, rows: Rows, figures: dict[str, Any], quick: bool) -> None:
        found = large.learn_from_many(large.QUICK_ROWS if quick else large.ROWS)
        figures["large"] = asdict(found)
        seconds = found.reading + found.learning
        read = f"{found.reading:.1f} of them read texts, {found.memory:.0f} MB"
        rows.append((f"{found.rows:,} executions, processor seconds", f"{seconds:.1f}", "", read))

    def _prediction(self, rows: Rows, figures: dict[str, Any], quick: bool) -> None:
        from project.insight_benchmark.prediction import measure_prediction

        found = measure_prediction(QUICK_REQUESTS if quick else REQUESTS)
        figures["prediction"] = asdict(found)
        rows.append(("predict-quality, median", f"{found.median:.1f} ms", "", f"the model alone {found.model:.1f} ms"))
        rows.append(("  95th percentile", f"{found.p95:.1f} ms", "", "aim: below 20 ms"))
        rows.append(("  this process's processor, mean", f"{found.processor:.1f} ms", "", ""))

    def _behavior(self, rows: Rows, figures: dict[str, Any], quick: bool) -> None:
        """The part of the behavior learner, where it is there."""
        try:
            part = import_module(BEHAVIOR)
        except ModuleNotFoundError as error:
            if error.name != BEHAVIOR:
                raise
            return
        found = part.measure_behavior(self.data, quick=quick)
        figures |= found.figures
        self.notes += [*table(found.rows), *found.notes]


def _share(value: float) -> str:
    return f"{value:.1%}"


def _shown(one: Estimate) -> tuple[str, str]:
    return _share(one.value), f"{one.low:.1%} to {one.high:.1%}"


def _correlation(one: Correlation) -> tuple[str, str, str]:
    tested = one.tested
    if tested is None or tested.low is None or tested.high is None:
        return "none", "", str(one.status)
    return f"{tested.value:+.3f}", f"{tested.low:+.3f} to {tested.high:+.3f}", f"adjusted p {one.adjusted or 1:.2g}"


def _told(one: Correlation) -> dict[str, Any]:
    tested = one.tested
    told = {"feature": one.feature, "aspect": one.aspect, "n": one.n, "adjusted": one.adjusted}
    return told | ({"correlation": tested.value, "low": tested.low, "high": tested.high} if tested else {})
