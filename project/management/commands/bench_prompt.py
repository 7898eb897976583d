"""`manage.py bench_prompt`: our prompt optimizer beside gepa, on real tasks, with the same calls to the same model."""

from __future__ import annotations

import itertools
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from learning.llm import OpenAIModel
from project.benchmarks import BenchCommand, Report
from project.prompt_benchmark.asking import RememberedAnswers
from project.prompt_benchmark.comparison import SIDES, compare_sides
from project.prompt_benchmark.report import report
from project.prompt_benchmark.tasks import TASKS, Task, draw, folder
from project.services.addresses import MODEL_ALIAS
from project.services.local_model import ModelServer

CALLS = 320
SEEDS = (2, 3)  # nobody looked at these while the optimizer was built
SIDE_NAMES = [side.name for side in SIDES]
TESTS, QUICK_TESTS = 80, 40
QUICK_TASKS = ("larger_animal",)  # the one with the shortest texts


class Command(BenchCommand):
    help = "Current prompt, gepa and our optimizer at equal budgets: right answers to questions that nobody has seen."
    wants_database = False
    quick = "5 minutes"

    def add_arguments(self, parser: ArgumentParser) -> None:  # type: ignore[override]
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("--task", action="append", choices=TASKS, help="Only this one; may be given again.")
        parser.add_argument("--calls", type=int, default=CALLS, help="Calls that each side may make.")
        parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="Drawings of examples; pooled.")
        parser.add_argument("--side", action="append", choices=SIDE_NAMES, help="Only this one; may be given again.")
        parser.add_argument("--answers", type=Path, help="Keep the model's answers here: a run that was cut goes on.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.options = options
        super().handle(*args, **options)

    def check_needs(self) -> None:
        folder(self._tasks(quick=False))

    def measure(self, quick: bool) -> Report:
        tasks, tests = self._tasks(quick), QUICK_TESTS if quick else TESTS
        seeds = self.options["seeds"][:1] if quick else self.options["seeds"]
        wanted = self.options["side"] or SIDE_NAMES
        sides, budget = [side for side in SIDES if side.name in wanted], self.options["calls"]
        with tempfile.TemporaryDirectory() as logs, ModelServer(Path(logs) / "model.log") as server:
            client = OpenAIModel(base_url=server.url, api_key="", model=MODEL_ALIAS, timeout=300)
            model = RememberedAnswers(client, self.options["answers"])
            results = []
            for seed, task in itertools.product(seeds, tasks):
                material, unseen = draw(task.read(folder(tasks)), tests, seed)
                results.append(
                    compare_sides(task, material, unseen, model, budget=budget, seed=seed, tell=self._tell, sides=sides)
                )
        return report(results, model.asked)

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _tasks(self, quick: bool) -> list[Task]:
        names = self.options["task"] or (QUICK_TASKS if quick else TASKS)
        return [TASKS[name] for name in names]
