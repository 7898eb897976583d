"""The metrics by name, what each can be told, and how one is made. A new metric is a function and one line here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from learning.engines.judge import LONGEST_RUBRIC, RUBRIC, Judge
from learning.engines.metrics.meaning import EmbeddingSimilarity
from learning.engines.metrics.ngrams import chrf, gleu
from learning.engines.metrics.structure import JsonSchema, same_json
from learning.engines.metrics.words import exact, normalised, token_f1
from learning.engines.protocols import Embedder, Metric

# Those that need no options and nothing from outside.
METRICS: dict[str, Metric] = {
    "exact": exact,
    "normalised": normalised,
    "token_f1": token_f1,
    "chrf": chrf,
    "gleu": gleu,
    "same_json": same_json,
}


@dataclass(frozen=True, slots=True)
class Option:
    """Something that a metric can be told. `kind`: "text" or "object"; without a default it must be told."""

    kind: str
    help: str
    default: Any = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class MetricKind:
    """What people choose from. `calls_per_answer`: how many calls to the model a scored answer needs in all."""

    title: str
    help: str
    options: Mapping[str, Option] = field(default_factory=dict)
    calls_per_answer: int = 1
    needs_embedder: bool = False
    needs_expert_scores: bool = False


METRIC_KINDS: dict[str, MetricKind] = {
    "exact": MetricKind("Exact", "The answer is the wanted text to the letter."),
    "normalised": MetricKind("Normalised", "The texts agree but for case, white space and punctuation around them."),
    "token_f1": MetricKind("Words in common (F1)", "How many words the answer shares with the wanted text."),
    "chrf": MetricKind("Letters in common (chrF)", "How many short runs of letters they share; for longer texts."),
    "gleu": MetricKind("Phrases in common (GLEU)", "How many runs of up to four words they share."),
    "same_json": MetricKind("Same JSON", "Both are JSON with the same content."),
    "json_schema": MetricKind(
        "Valid JSON",
        "The answer is JSON that fits a schema; its content is not compared.",
        {"schema": Option("object", "The JSON schema (draft 2020-12).", required=True)},
    ),
    "embedding": MetricKind(
        "Near in meaning", "How near the meanings are, by the embedding model.", needs_embedder=True
    ),
    "judge": MetricKind(
        "Graded by a language model",
        "A language model grades by a rubric. It is compared with experts first and refused when they disagree.",
        {
            "rubric": Option("text", f"What a good answer is, at most {LONGEST_RUBRIC} characters.", RUBRIC),
            "model": Option("text", "The model that grades; empty for the default one.", ""),
        },
        calls_per_answer=2,
        needs_expert_scores=True,
    ),
}


def resolve_metric(
    name: str,
    allowed_paths: Collection[str] = (),
    *,
    options: Mapping[str, Any] | None = None,
    embedder: Embedder | None = None,
) -> Any:
    """The metric of that name, or the function at a dotted path that the operator has allowed.

    Gives a Metric, or a Judge for "judge". Only allowed paths are imported: the name comes from a request. Raises
    ValueError naming the choices, or the option that is wrong.
    """
    if name in allowed_paths:
        module, _, attribute = name.rpartition(".")
        return getattr(import_module(module), attribute)
    if name not in METRIC_KINDS:
        raise ValueError(
            f"Unknown metric {name!r}: choose one of {', '.join([*METRIC_KINDS, *sorted(allowed_paths)])}."
        )
    told = read_options(name, options or {})
    if name in METRICS:
        return METRICS[name]
    return _MAKERS[name](told, embedder)


def read_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a metric, defaults filled in. Raises ValueError naming the one that is wrong."""
    known = METRIC_KINDS[name].options
    for key in options:
        if key not in known:
            raise ValueError(f"The metric {name} has no option {key!r}. Its options: {', '.join(known) or 'none'}.")
    told = {}
    for key, option in known.items():
        value = options.get(key, option.default)
        if option.required and key not in options:
            raise ValueError(f"The metric {name} needs the option {key!r}: {option.help}")
        if not isinstance(value, str if option.kind == "text" else Mapping):
            raise ValueError(f"The option {key!r} of the metric {name} must be {_A[option.kind]}.")
        told[key] = value
    return told


_A = {"text": "a text", "object": "an object"}


def _json_schema(options: Mapping[str, Any], embedder: Embedder | None) -> JsonSchema:
    return JsonSchema(options["schema"])


def _embedding(options: Mapping[str, Any], embedder: Embedder | None) -> EmbeddingSimilarity:
    if embedder is None:
        raise ValueError("The metric embedding needs an embedding model, and none is set up here.")
    return EmbeddingSimilarity(embedder)


def _judge(options: Mapping[str, Any], embedder: Embedder | None) -> Judge:
    return Judge(rubric=options["rubric"], model=options["model"])


_MAKERS: dict[str, Callable[[Mapping[str, Any], Embedder | None], Any]] = {
    "json_schema": _json_schema,
    "embedding": _embedding,
    "judge": _judge,
}
