"""What to change, in words, each with the numbers behind it. Pure.

Only what holds becomes a recommendation: a cut that holds on held-out opinions, or a term or pattern that stays
significant after correction. What an instruction can change carries one; the rest is for people to think about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from learning.engines.insight.patterns import Pattern
from learning.engines.insight.rates import Rate
from learning.engines.insight.terms import Term
from learning.engines.insight.thresholds import Threshold
from learning.engines.insight.words import feature_words, number

MOST_WORDS = 8  # named in one instruction
# An instruction for each feature that a language model can follow: when it should lie above the cut, when below.
INSTRUCTIONS = {
    "answer.words": ("Write at least {cut} words.", "Keep the answer under {cut} words."),
    "answer.sentence_words": ("", "Keep sentences short: fewer than {cut} words on average."),
    "answer.reading_ease": ("Use plain words and short sentences.", ""),
    "answer.list_share": ("Use a list where several points are made.", "Write in sentences and avoid lists."),
    "answer.code_share": ("Show code where it helps.", "Avoid code unless it is asked for."),
    "answer.hedges": ("Say where you are not certain.", "Be direct: avoid hedging words such as “maybe” or “might”."),
    "answer.questions": ("", "Answer instead of asking questions back."),
    "answer.numbers": ("Give concrete numbers where they are known.", ""),
}


@dataclass(frozen=True, slots=True)
class Recommendation:
    """key: the same finding of a later run has the same one. instruction: a sentence for the system prompt, empty when
    no instruction can bring it about. evidence: the numbers, by name.
    """

    key: str
    title: str
    reason: str
    instruction: str
    evidence: dict[str, Any] = field(default_factory=dict)


def recommend(
    thresholds: Sequence[Threshold], terms: Sequence[Term], patterns: Sequence[Pattern]
) -> list[Recommendation]:
    """Those with an instruction first."""
    found = [_of_threshold(one) for one in thresholds]
    found += _of_terms([one for one in terms if one.log_odds < 0])
    found += [_of_pattern(one) for one in patterns if one.significant]
    return sorted(found, key=lambda one: not one.instruction)


def _of_threshold(one: Threshold) -> Recommendation:
    side = "at or above" if one.above else "below"
    name, cut = feature_words(one.feature), number(one.cut)
    above, below = INSTRUCTIONS.get(one.feature, ("", ""))
    return Recommendation(
        f"threshold:{one.feature}:{'above' if one.above else 'below'}",
        f"{name[:1].upper()}{name[1:]} {side} {cut}",
        f"{_share(one.better)} of the executions with {name} {side} {cut} succeeded, {_share(one.worse)} of the "
        f"others. Counted on cases that the cut was not found on; it lies between {number(one.low)} and "
        f"{number(one.high)}.",
        (above if one.above else below).format(cut=f"{round(one.cut):,}"),
        {"feature": one.feature, "cut": one.cut, "cut_low": one.low, "cut_high": one.high, "above": one.above}
        | _counts("better", one.better) | _counts("worse", one.worse),
    )  # fmt: skip


def _of_terms(terms: Sequence[Term]) -> list[Recommendation]:
    named = terms[:MOST_WORDS]
    if not named:
        return []
    words = ", ".join(f"“{one.word}”" for one in named)
    told = "; ".join(f"{one.word} in {one.bad} failed and {one.good} successful cases" for one in named)
    evidence = [{"word": one.word, "good": one.good, "bad": one.bad, "adjusted": one.adjusted} for one in named]
    return [
        Recommendation(
            "terms:bad", f"Look at answers with {words}", f"These words go with failure: {told}.", "",
            {"terms": evidence},
        )
    ]  # fmt: skip


def _of_pattern(one: Pattern) -> Recommendation:
    better = one.difference > 0
    return Recommendation(
        f"pattern:{one.name}:{'good' if better else 'bad'}",
        f"{'Keep' if better else 'Reconsider'}: {one.name}",
        f"{_share(one.having)} of the executions with it succeeded, {_share(one.lacking)} of those without.",
        "",
        {"pattern": one.name, "difference": one.difference, "low": one.low, "high": one.high, "adjusted": one.adjusted}
        | _counts("having", one.having) | _counts("lacking", one.lacking),
    )  # fmt: skip


def _share(rate: Rate) -> str:
    return "none" if rate.value is None else f"{rate.value:.0%} ({rate.successes:.0f} of {rate.n:.0f})"


def _counts(name: str, rate: Rate) -> dict[str, float]:
    return {f"{name}_successes": rate.successes, f"{name}_n": rate.n}
