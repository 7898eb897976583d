"""What goes with the outcome in real logs of agents, and what real raters foretell."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from learning.engines.insight.correlations import Correlation, correlate
from learning.engines.insight.preferences import describe_reviewers
from learning.engines.insight.quality import QualityResult, learn_quality
from learning.engines.insight.text_features import text_features
from learning.engines.insight.types import Opinions, codes_of

if TYPE_CHECKING:
    from learning.engines.insight.types import Floats

RATED = ("roscoe-cosmos-overall", "roscoe-drop-overall", "roscoe-esnli-overall", "roscoe-gsm8k-overall")


def agent_runs(data: Path) -> list[Correlation]:
    """Duration and difficulty of metr-agent-runs against the score; who ran is the reviewer, the task the case."""
    lines = (data / "metr-agent-runs" / "all_runs.jsonl").read_text().splitlines()
    runs = [run for run in map(json.loads, lines) if run["model"] != "human"]
    return correlate(
        Opinions(
            {
                "duration": _column((run["completed_at"] - run["started_at"]) / 1000 for run in runs),
                "human_minutes": _column(run["human_minutes"] for run in runs),
            },
            {"score": _column(run["score_binarized"] for run in runs)},
            codes_of([run["model"] for run in runs]),
            codes_of([run["task_id"] for run in runs]),
        )
    )


def conversations(data: Path) -> list[Correlation]:
    """Features of tau-bench-airline's conversations against the reward; the task is the case."""
    import numpy as np

    with (data / "tau-bench-airline" / "run_features.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = ("user_cost", "n_messages", "n_tool_calls", "chars", "n_errors")
    features = {name: _column(row[name] for row in rows) for name in names}
    reward = {"reward": _column(row["reward"] for row in rows)}
    return correlate(Opinions(features, reward, np.zeros(len(rows), np.int64), codes_of([r["task_id"] for r in rows])))


def labellers(data: Path) -> dict[str, tuple[float, float]]:
    """metr-messiness-labels: each labeller's severity from one half of the tasks, and their mean in the other half.

    Each of the sixteen yes-or-no attributes is one opinion; saying yes is finding a task messy.
    """
    with (data / "metr-messiness-labels" / "labels.csv").open(newline="") as file:
        reader = csv.DictReader(file)
        rows, columns = list(reader), list(reader.fieldnames or ())
    attributes = columns[columns.index("real life source") : columns.index("good measure opinion")]
    said = [(row["labeller"], row["task id"], name, row[name]) for row in rows for name in attributes if row[name]]
    said = [one for one in said if one[0].startswith("labeller")]
    half = {task for place, task in enumerate(sorted({one[1] for one in said})) if place % 2}
    learned, held = ([one for one in said if (one[1] in half) is side] for side in (True, False))
    who = sorted({one[0] for one in learned} & {one[0] for one in held})
    profiles = describe_reviewers(
        {name: _column(float(one[2] == name) for one in learned) for name in attributes},
        _column(float(one[3]) for one in learned),
        codes_of(who + [one[0] for one in learned])[len(who) :],
    )
    found = {one.reviewer: one.severity.value for one in profiles if one.severity}
    means = {name: [float(one[3]) for one in held if one[0] == name] for name in who}
    return {name: (found[place], math.fsum(means[name]) / len(means[name])) for place, name in enumerate(who)}


def rated_answers(data: Path) -> dict[str, QualityResult]:
    """judge-bench: from the text of an answer alone, what raters will give it. Raters have no names there."""
    found = {}
    for name in RATED:
        content = json.loads((data / "judge-bench" / f"{name}.json").read_text())
        rated = [(one["instance"], one["annotations"].get("Overall Quality", {})) for one in content["instances"]]
        found[name] = _foretell([(text, score["mean_human"]) for text, score in rated if "mean_human" in score])
    return found


def _foretell(rated: list[tuple[str, float]]) -> QualityResult:
    import numpy as np

    described = []
    for text, _ in rated:
        answer = text.rpartition("GENERATED RESPONSE:")[2]
        described.append({f"answer.{name}": value for name, value in text_features(answer).items()})
    said = _column((float(score) - 1) / 4 for _, score in rated)
    features = {name: _column(one[name] for one in described) for name in described[0]} if described else {}
    return learn_quality(features, said, np.zeros(len(said), np.int64), np.arange(len(said)))


def _column(values: Any) -> Floats:
    import numpy as np

    return np.array([math.nan if value is None or value == "" else float(value) for value in values])
