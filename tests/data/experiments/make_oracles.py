"""Writes oracles.json: what tea-tasting computes from the files beside this one.

Run in an environment of its own, because tea-tasting brings a query engine that nothing else here needs:

    uv venv oracles && uv pip install --python oracles tea-tasting==1.14.0
    oracles/bin/python tests/data/experiments/make_oracles.py
"""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.csv
import tea_tasting as tt

HERE = Path(__file__).parent
FIELDS = [
    *("control", "treatment", "effect_size", "effect_size_ci_lower", "effect_size_ci_upper"),
    *("rel_effect_size", "rel_effect_size_ci_lower", "rel_effect_size_ci_upper", "pvalue", "statistic"),
]


def main() -> None:
    people = pyarrow.csv.read_csv(HERE / "nsw.csv")
    metrics = {
        "mean": tt.Mean("re78"),
        "mean_z": tt.Mean("re78", use_t=False),
        "cuped": tt.Mean("re78", "re75"),
        "ratio": tt.RatioOfMeans("re78", "educ"),
        "ratio_z": tt.RatioOfMeans("re78", "educ", use_t=False),
    }
    result = tt.Experiment(metrics, variant="treat").analyze(people, 0)
    found = {name: {field: getattr(result[name], field) for field in FIELDS} for name in metrics}
    (HERE / "oracles.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
