"""What a run found, from its stored result: figures, chart and lists as the page shows them.

Older runs lack most of it, and a run that works has only its trace: every part may be missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from learning.pages.stored import number, objects, section, text, texts, whole
from learning.pages.training_words import plain

MOST_POINTS = 200  # of the chart
MOST_VARIANTS = 40
MOST_CLUSTERS = 12
WORDS = 6  # that name a cluster


@dataclass(frozen=True)
class Score:
    """A mean score (0-1) on `n` test examples, with its interval."""

    mean: float
    low: float | None
    high: float | None
    n: int | None


@dataclass(frozen=True)
class Gain:
    """The paired difference in percentage points, with its interval."""

    estimate: float
    low: float
    high: float
    n: int
    p_value: float | None
    method: str
    confidence: float

    @property
    def p(self) -> str:
        if self.p_value is None:
            return ""
        return "p < 0.0001" if self.p_value < 0.0001 else f"p = {self.p_value:.2g}"


@dataclass(frozen=True)
class Line:
    """One line of the chart: (calls, best score in percent)."""

    label: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class VariantRow:
    """One variant of the race. `share`: its mean score (0-1) on `n` validation examples; None when it was not tried."""

    name: str
    kind: str
    parent: str
    n: int | None
    share: float | None
    calls: int | None
    why: str


@dataclass(frozen=True)
class ClusterRow:
    """How a group of similar test examples fared, in percentage points. Fits the chart of intervals."""

    label: str
    estimate: float
    low: float
    high: float
    note: str
    n: int
    certain: bool


@dataclass(frozen=True)
class FailingCluster:
    """Failing examples that resemble each other, by the words that they share."""

    words: str
    n: int


@dataclass(frozen=True)
class Change:
    """An amount before and after, and by how many percent it changed; None where nobody measured."""

    label: str
    before: float
    after: float
    unit: str

    @property
    def percent(self) -> float | None:
        return 100 * (self.after - self.before) / self.before if self.before else None


@dataclass(frozen=True)
class Judgement:
    """How far the judge agreed with the experts, measured before it judged."""

    kappa: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Outcome:
    """Everything that the page tells of a result."""

    verdict: str
    before: Score | None
    after: Score | None
    plain: Score | None
    gain: Gain | None
    trace: Sequence[Line]
    leader: str
    variants: Sequence[VariantRow]
    issues: Sequence[tuple[str, int, float]]
    failing: Sequence[FailingCluster]
    common: Sequence[str]
    clusters: Sequence[ClusterRow]
    worse: int
    changes: Sequence[Change]
    tried: str
    judge: Judgement | None
    recommendations: Sequence[str]
    ended_by: str


def read_outcome(metrics: Any) -> Outcome:
    """The result of a run, or what there is of it."""
    analysis = section(metrics, "analysis")
    trace = _trace(metrics)
    return Outcome(
        verdict=text(metrics, "verdict"),
        before=_score(metrics, "before"),
        after=_score(metrics, "after"),
        plain=_score(metrics, "instruction_only"),
        gain=read_gain(metrics),
        trace=[Line("best so far", trace)] if trace else [],
        leader=_leader(metrics),
        variants=[_variant(one) for one in objects(metrics, "variants")[:MOST_VARIANTS]],
        issues=_issues(analysis) or _issues(metrics),
        failing=_failing(analysis),
        common=texts(analysis, "common"),
        clusters=_clusters(metrics),
        worse=len(objects(metrics, "worse_examples")),
        changes=_changes(metrics),
        tried=_tried(metrics),
        judge=_judge(metrics),
        recommendations=texts(metrics, "recommendations"),
        ended_by=text(metrics, "ended_by"),
    )


def read_gain(metrics: Any) -> Gain | None:
    """The confirmed gain; None before it exists."""
    found = section(metrics, "improvement")
    mean, low, high, n = number(found, "mean"), number(found, "low"), number(found, "high"), whole(found, "n")
    if mean is None or low is None or high is None or n is None:
        return None
    return Gain(
        100 * mean, 100 * low, 100 * high, n, number(found, "p_value"), text(found, "method"),
        number(found, "confidence") or 0.95,
    )  # fmt: skip


def read_trace(metrics: Any, label: str) -> Line | None:
    """The line of one run among several."""
    points = _trace(metrics)
    return Line(label, points) if points else None


def _trace(metrics: Any) -> list[tuple[float, float]]:
    """At most MOST_POINTS, the last one always among them."""
    read = [(number(one, "calls"), number(one, "best")) for one in objects(metrics, "trace")]
    found = sorted((calls, 100 * best) for calls, best in read if calls is not None and best is not None)
    step = -(-len(found) // MOST_POINTS) or 1
    return found[::step] if not found or found[::step][-1] == found[-1] else [*found[::step], found[-1]]


def _leader(metrics: Any) -> str:
    rows = objects(metrics, "trace")
    return text(rows[-1], "variant") if rows else ""


def _score(metrics: Any, key: str) -> Score | None:
    found = section(metrics, key)
    mean = number(found, "mean")
    return None if mean is None else Score(mean, number(found, "low"), number(found, "high"), whole(found, "n"))


def _variant(one: dict[str, Any]) -> VariantRow:
    return VariantRow(
        name=text(one, "name"),
        kind=plain(text(one, "kind")),
        parent=text(one, "parent"),
        n=whole(one, "n"),
        share=number(one, "mean"),
        calls=whole(section(one, "cost"), "calls"),
        why=text(one, "dropped"),
    )


def _issues(found: Any) -> list[tuple[str, int, float]]:
    read = [(text(one, "kind"), whole(one, "count"), number(one, "share")) for one in objects(found, "issues")]
    return [(kind, count, share) for kind, count, share in read if kind and count is not None and share is not None]


def _failing(analysis: Any) -> list[FailingCluster]:
    rows = objects(analysis, "clusters")[:MOST_CLUSTERS]
    found = [FailingCluster(_words(one), whole(one, "n") or len(texts(one, "keys"))) for one in rows]
    return [one for one in found if one.words and one.n]


def _clusters(metrics: Any) -> list[ClusterRow]:
    """Groups of the test split, the greatest loss first."""
    rows = [_cluster(one) for one in objects(metrics, "clusters")]
    return sorted((row for row in rows if row), key=lambda row: row.estimate)[:MOST_CLUSTERS]


def _cluster(one: dict[str, Any]) -> ClusterRow | None:
    gain, n, label = number(one, "gain"), whole(one, "n"), _words(one)
    if gain is None or not n or not label:
        return None
    low, high = number(one, "low"), number(one, "high")
    certain = low is not None and high is not None and low <= gain <= high
    bounds = (low, high) if certain and low is not None and high is not None else (gain, gain)
    return ClusterRow(label, 100 * gain, 100 * bounds[0], 100 * bounds[1], f"n = {n}", n, certain)


def _words(one: dict[str, Any]) -> str:
    return ", ".join(texts(one, "words")[:WORDS]) or text(one, "name")


def _changes(metrics: Any) -> list[Change]:
    """Tokens and seconds of an answer, before and after."""
    wanted = (("tokens", "Tokens for an answer", ""), ("latency", "Seconds for an answer", "s"))
    found = []
    for key, label, unit in wanted:
        before, after = number(section(metrics, key), "before"), number(section(metrics, key), "after")
        if before is not None and after is not None:
            found.append(Change(label, before, after, unit))
    return found


def _tried(metrics: Any) -> str:
    """How many were compared, and what corrects for it."""
    found = section(metrics, "tried")
    n, correction = whole(found, "n"), text(found, "correction")
    if n is None:
        return ""
    return f"{n:,} variant{'' if n == 1 else 's'} compared" + (f"; {correction}" if correction else "")


def _judge(metrics: Any) -> Judgement | None:
    found = section(metrics, "judge")
    kappa, n = number(found, "kappa"), whole(found, "n")
    return None if kappa is None or n is None else Judgement(kappa, number(found, "low"), number(found, "high"), n)
