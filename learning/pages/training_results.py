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
ONCE_NAMED = 50  # older results counted no more test examples that got worse than they named


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

    @property
    def most_p(self) -> str:
        """The p that a gain may have at the most; less where others read the test split before."""
        return f"{1 - self.confidence:.2g}"


@dataclass(frozen=True)
class Line:
    """One line of the chart: (calls, best score in percent)."""

    label: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class VariantRow:
    """One variant of the race. `share`: its mean score (0-1) on `n` validation examples; None when it was not tried.

    `dropped`: it was surely worse than the leader.
    """

    name: str
    kind: str
    parent: str
    n: int | None
    share: float | None
    calls: int | None
    dropped: bool


@dataclass(frozen=True)
class ClusterRow:
    """How the test examples about one thing fared: mean scores (0-1), and how many of the `n` gained and lost."""

    label: str
    n: int
    before: float
    after: float
    gained: int | None
    lost: int | None

    @property
    def change(self) -> float:
        return self.after - self.before


@dataclass(frozen=True)
class FailingCluster:
    """Examples about one thing: how many were answered, and how many of those wrongly."""

    words: str
    n: int
    failing: int


@dataclass(frozen=True)
class Finding:
    """Something that a share (0-1) of the examples shows."""

    what: str
    count: int
    share: float


@dataclass(frozen=True)
class GoalRow:
    """What the winner does to another goal, in percentage points; a row of the chart of intervals."""

    label: str
    estimate: float
    low: float
    high: float
    note: str


@dataclass(frozen=True)
class Change:
    """An amount before and after, and by how many percent it changed; None where nobody measured."""

    label: str
    before: float
    after: float
    unit: str

    @property
    def percent(self) -> int | None:
        return round(100 * (self.after - self.before) / self.before) if self.before else None


@dataclass(frozen=True)
class Judgement:
    """How far the judge agreed with the experts, measured before it judged."""

    kappa: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Outcome:
    """Everything that the page tells of a result. `worse`: test examples; `worse_told` says where there may be more.

    `opened`: the test split was read, also where too little was answered for a gain to be stated.
    """

    verdict: str
    before: Score | None
    after: Score | None
    plain: Score | None
    gain: Gain | None
    trace: Sequence[Line]
    leader: str
    variants: Sequence[VariantRow]
    issues: Sequence[Finding]
    reported: Sequence[Finding]
    corrections: Sequence[Finding]
    failing: Sequence[FailingCluster]
    clusters: Sequence[ClusterRow]
    worse: int
    worse_told: str
    changes: Sequence[Change]
    goals: Sequence[GoalRow]
    tried: str
    judge: Judgement | None
    recommendations: Sequence[str]
    ended_by: str
    opened: bool


def read_outcome(metrics: Any) -> Outcome:
    """The result of a run, or what there is of it."""
    analysis, worse = section(metrics, "analysis"), _worse(metrics)
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
        issues=_findings(analysis, "issues") or _findings(metrics, "issues"),
        reported=_findings(analysis, "reported"),
        corrections=_findings(analysis, "corrections"),
        failing=_failing(analysis),
        clusters=_clusters(metrics),
        worse=worse[0],
        worse_told=worse[1],
        changes=_changes(metrics),
        goals=_goals(metrics),
        tried=_tried(metrics),
        judge=_judge(metrics),
        recommendations=texts(metrics, "recommendations"),
        ended_by=text(metrics, "ended"),
        opened=section(metrics, "tried").get("opened") is True,
    )


def read_gain(metrics: Any) -> Gain | None:
    """The confirmed gain; None before it exists."""
    return _gain(section(metrics, "improvement"))


def _gain(found: Any) -> Gain | None:
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
        calls=whole(one, "calls"),
        dropped=one.get("dropped") is True,
    )


def _findings(found: Any, key: str) -> list[Finding]:
    read = [_finding(one) for one in objects(found, key)]
    return [one for one in read if one]


def _finding(one: dict[str, Any]) -> Finding | None:
    kind, detail, count, share = text(one, "kind"), text(one, "detail"), whole(one, "count"), number(one, "share")
    if not kind or count is None or share is None:
        return None
    return Finding(f"{plain(kind)}: {detail}" if detail else plain(kind), count, share)


def _failing(analysis: Any) -> list[FailingCluster]:
    """The groups in which something fails, those with most of it first."""
    rows = [(text(one, "words"), whole(one, "n"), whole(one, "failing")) for one in objects(analysis, "clusters")]
    return [FailingCluster(words, n, failing) for words, n, failing in rows if words and n and failing][:MOST_CLUSTERS]


def _clusters(metrics: Any) -> list[ClusterRow]:
    """Groups of the test split, the greatest loss first."""
    rows = [_cluster(one) for one in objects(metrics, "clusters")]
    return sorted((row for row in rows if row), key=lambda row: row.change)[:MOST_CLUSTERS]


def _cluster(one: dict[str, Any]) -> ClusterRow | None:
    label, n, before, after = text(one, "words"), whole(one, "n"), number(one, "before"), number(one, "after")
    if not label or not n or before is None or after is None:
        return None
    return ClusterRow(label, n, before, after, whole(one, "gained"), whole(one, "lost"))


def _changes(metrics: Any) -> list[Change]:
    """What an answer takes, before and after."""
    wanted = (
        ("tokens", "input_tokens", "Tokens in", ""),
        ("tokens", "output_tokens", "Tokens out", ""),
        ("latency", "seconds", "Time", "s"),
    )
    found = []
    for part, key, label, unit in wanted:
        before = number(section(section(metrics, part), "before"), key)
        after = number(section(section(metrics, part), "after"), key)
        if before is not None and after is not None:
            found.append(Change(label, before, after, unit))
    return found


def _goals(metrics: Any) -> list[GoalRow]:
    rows = [(text(one, "goal"), _gain(section(one, "change")), one.get("claimed")) for one in objects(metrics, "goals")]
    return [
        GoalRow(plain(goal), gain.estimate, gain.low, gain.high, "proved" if claimed is True else "not proved")
        for goal, gain, claimed in rows
        if goal and gain
    ]


def _worse(metrics: Any) -> tuple[int, str]:
    """How many test examples got worse, as a number and in words."""
    counted, named = whole(metrics, "worse_count"), len(objects(metrics, "worse_examples"))
    if counted is None and named >= ONCE_NAMED:
        return named, f"at least {named:,}"
    found = max(0, named if counted is None else counted)
    return found, f"{found:,}"


def _tried(metrics: Any) -> str:
    """How many were compared, and what corrects for it."""
    found = section(metrics, "tried")
    n, dropped, correction = whole(found, "variants"), whole(found, "dropped"), text(found, "correction")
    if n is None:
        return ""
    parts = [f"{n:,} variant{'' if n == 1 else 's'} compared"]
    parts += [f"{dropped:,} dropped as surely worse"] if dropped else []
    parts += [f"correction: {correction}"] if correction else []
    return "; ".join(parts)


def _judge(metrics: Any) -> Judgement | None:
    found = section(metrics, "judge")
    kappa, n = number(found, "kappa"), whole(found, "n")
    return None if kappa is None or n is None else Judgement(kappa, number(found, "low"), number(found, "high"), n)
