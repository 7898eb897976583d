"""Made-up opinions of which the truth is known: strict reviewers, hard cases, and what is planted between them."""

from __future__ import annotations

from dataclasses import dataclass

from learning.engines.insight.correlations import benjamini_yekutieli, correlate
from learning.engines.insight.preferences import describe_reviewers
from learning.engines.insight.types import Opinions

FEATURES, ASPECTS = 10, 4
PLANTED = ((0, 0, 0.5), (1, 0, -0.5), (2, 1, 0.4), (3, 2, -0.4), (4, 3, 0.3))  # feature, aspect, slope


@dataclass(frozen=True)
class Layout:
    """How many opinions of how many reviewers about how many cases."""

    name: str
    opinions: int
    reviewers: int
    cases: int


LAYOUTS = (
    Layout("users, one opinion each", 300, 300, 300),
    Layout("20 reviewers, 60 cases", 300, 20, 60),
    Layout("3 reviewers, 60 cases", 300, 3, 60),
)


def make(layout: Layout, seed: int, *, planted: bool) -> Opinions:
    """Features and opinions share nothing but what is planted; both depend on who judges and on the case."""
    import numpy as np

    rng = np.random.default_rng(seed)
    n = layout.opinions
    who = np.arange(n) if layout.reviewers >= n else rng.integers(0, layout.reviewers, n)
    what = np.arange(n) if layout.cases >= n else rng.integers(0, layout.cases, n)
    spread_who = 0.0 if layout.reviewers >= n else 0.7
    spread_what = 0.0 if layout.cases >= n else 0.7

    def column() -> np.ndarray:
        own = rng.normal(size=int(who.max()) + 1)[who] * spread_who
        return own + rng.normal(size=int(what.max()) + 1)[what] * spread_what + rng.normal(size=n)

    features = {f"f{place}": column() for place in range(FEATURES)}
    features["f9"] = np.exp(features["f9"])  # as durations are
    aspects = {f"a{place}": column() for place in range(ASPECTS)}
    for feature, aspect, slope in PLANTED if planted else ():
        aspects[f"a{aspect}"] = aspects[f"a{aspect}"] + slope * features[f"f{feature}"]
    rated = {name: np.clip(np.round(3 + said), 1, 5) for name, said in aspects.items()}
    return Opinions(features, rated, who, what)


@dataclass(frozen=True)
class Discoveries:
    """Over data sets where nothing is to be found: the share with any claim, by us and by what ignores who judged.
    Over those with something: the share of the planted pairs that was found, and of the claims that are false.
    """

    false: float
    false_naive: float
    planted_found: float
    planted_false: float


def discover(layout: Layout, seeds: range) -> Discoveries:
    false = naive = 0
    found = claims = wrong = 0
    truth = {(f"f{feature}", f"a{aspect}") for feature, aspect, _ in PLANTED}
    for seed in seeds:
        pairs = correlate(make(layout, seed, planted=False))
        false += any(one.significant for one in pairs)
        plain = benjamini_yekutieli([one.spearman.p_value if one.spearman else None for one in pairs])
        naive += any(p is not None and p <= 0.05 for p in plain)
        claimed = {(one.feature, one.aspect) for one in correlate(make(layout, seed, planted=True)) if one.significant}
        found, claims, wrong = found + len(claimed & truth), claims + len(claimed), wrong + len(claimed - truth)
    count = len(seeds)
    return Discoveries(false / count, naive / count, found / count / len(PLANTED), wrong / max(1, claims))


@dataclass(frozen=True)
class Recovery:
    """How near the estimated severities come to the true ones: correlation, mean error of ours and of raw means, and
    how many intervals hold the truth.
    """

    correlation: float
    error: float
    raw_error: float
    covered: float


def recover_severity(seeds: range) -> Recovery:
    """20 reviewers with 3 to 200 opinions each; nobody sees equally long answers, so raw means mislead."""
    import numpy as np

    wanted: list[float] = []
    ours: list[float] = []
    raw: list[float] = []
    covered: list[bool] = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        sizes = rng.integers(3, 200, 20)
        who = np.repeat(np.arange(20), sizes)
        severity = rng.normal(0, 0.1, 20)
        severity -= severity.mean()
        x = rng.normal(size=len(who)) + rng.normal(0, 0.7, 20)[who]
        said = np.clip(0.6 - severity[who] + 0.08 * x + rng.normal(0, 0.15, len(who)), 0, 1)
        for one in describe_reviewers({"x": x}, said, who):
            assert one.severity is not None  # noqa: S101  # there are 20 of them
            truth = float(severity[one.reviewer])
            wanted.append(truth)
            ours.append(one.severity.value)
            raw.append(float(said.mean()) - one.mean)
            covered.append(one.severity.low <= truth <= one.severity.high)
    truths = np.array(wanted)
    return Recovery(
        float(np.corrcoef(truths, ours)[0, 1]), float(np.abs(truths - ours).mean()),
        float(np.abs(truths - raw).mean()), float(np.mean(covered)),
    )  # fmt: skip
