"""How an answer is scored against the wanted one: 0 to 1, higher is better. See registry.py for the choices."""

from learning.engines.metrics.meaning import EmbeddingSimilarity
from learning.engines.metrics.ngrams import chrf, gleu
from learning.engines.metrics.registry import METRIC_KINDS, METRICS, MetricKind, Option, read_options, resolve_metric
from learning.engines.metrics.structure import JsonSchema, same_json
from learning.engines.metrics.words import exact, normalise, normalised, token_f1

__all__ = [
    "METRICS",
    "METRIC_KINDS",
    "EmbeddingSimilarity",
    "JsonSchema",
    "MetricKind",
    "Option",
    "chrf",
    "exact",
    "gleu",
    "normalise",
    "normalised",
    "read_options",
    "resolve_metric",
    "same_json",
    "token_f1",
]
