"""How an answer is scored against the wanted one. A new metric is a function and one line in METRICS."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection
from importlib import import_module

from learning.engines.protocols import Metric


def exact(output: str, expected: str, /) -> float:
    """1.0 when the answer is the wanted text to the letter; white space around it does not count."""
    return float(output.strip() == expected.strip())


def normalise(text: str) -> str:
    """Fold case, Unicode forms, runs of white space and the punctuation around a text."""
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return folded.strip(".,;:!?\"'`*()[] ")


def normalised(output: str, expected: str, /) -> float:
    """1.0 when the texts agree after folding case, white space and the punctuation around them."""
    return float(normalise(output) == normalise(expected))


def token_f1(output: str, expected: str, /) -> float:
    """Harmonic mean of precision and recall over words, folded like `normalised`. Two empty texts agree."""
    got, wanted = Counter(normalise(output).split()), Counter(normalise(expected).split())
    if not got or not wanted:
        return float(got == wanted)
    shared = (got & wanted).total()
    return 2 * shared / (got.total() + wanted.total())


METRICS: dict[str, Metric] = {"exact": exact, "normalised": normalised, "token_f1": token_f1}


def resolve_metric(name: str, allowed_paths: Collection[str] = ()) -> Metric:
    """The metric of that name, or the function at a dotted path that the operator has allowed.

    Only allowed paths are imported: the name comes from a request. Raises ValueError naming the choices.
    """
    if name in METRICS:
        return METRICS[name]
    if name in allowed_paths:
        module, _, attribute = name.rpartition(".")
        metric: Metric = getattr(import_module(module), attribute)
        return metric
    raise ValueError(f"Unknown metric {name!r}: choose one of {', '.join([*METRICS, *sorted(allowed_paths)])}.")
