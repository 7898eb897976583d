"""How the answers of a run and of its gate are scored, with what the metric needs from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from learning.engines.judge import Judge
from learning.engines.metrics import METRIC_KINDS, resolve_metric
from learning.engines.protocols import Metric


def make_metric(name: str, options: Mapping[str, Any]) -> Metric | Judge:
    """Raises ValueError for a name that is not known, and for options that do not fit."""
    embedder = None
    if name in METRIC_KINDS and METRIC_KINDS[name].needs_embedder:
        from learning.embeddings import default_embedder  # numpy: see docs/decisions/0011

        embedder = default_embedder()
    metric: Metric | Judge = resolve_metric(name, options=options, embedder=embedder)
    return metric
