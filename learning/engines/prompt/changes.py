"""What changed between two prompts besides the score as a whole: by cluster, example by example, tokens and time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from learning.engines.prompt.evaluation import Answer
from learning.engines.prompt.results import ClusterChange, Usage, WorseExample
from learning.engines.prompt.topics import Topics


def change_by_cluster(before: Sequence[Answer], after: Sequence[Answer], topics: Topics) -> tuple[ClusterChange, ...]:
    """Gains and losses by what the inputs are about, the largest cluster first. Too few cases each for a test."""
    groups: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for old, new in zip(before, after, strict=True):
        groups[topics.of(old.example.input)].append((old.score, new.score))
    changes = [
        ClusterChange(
            words=words,
            n=len(pairs),
            before=fmean(old for old, _ in pairs),
            after=fmean(new for _, new in pairs),
            gained=sum(new > old for old, new in pairs),
            lost=sum(new < old for old, new in pairs),
        )
        for words, pairs in groups.items()
    ]
    return tuple(sorted(changes, key=lambda one: (-one.n, one.words))) if topics.names else ()


def worse_examples(before: Sequence[Answer], after: Sequence[Answer]) -> tuple[WorseExample, ...]:
    """The examples that got worse, the worst first."""
    worse = [
        WorseExample(old.example.key, old.score, new.score)
        for old, new in zip(before, after, strict=True)
        if new.score < old.score
    ]
    return tuple(sorted(worse, key=lambda one: (one.after - one.before, one.key)))


def usage_of(answers: Sequence[Answer]) -> Usage:
    """Means over the answers that were really asked for; a cache knows neither tokens nor time."""
    return Usage(
        input_tokens=_mean([one.input_tokens for one in answers]),
        output_tokens=_mean([one.output_tokens for one in answers]),
        seconds=_mean([one.seconds for one in answers]),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
