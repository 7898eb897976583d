"""From readings to a verdict that a person can act on (section 12).

A treatment wins when a success metric is significantly better (Holm over metrics and arms) and still is now, every
guardrail is shown to be not worse than its margin, nothing is proven worse, the traffic split and the assignment are
sound, and the minimum units and hours have passed. Proven harm needs no minimum: it ends the experiment when every
treatment breaks a guardrail, or, before the minimum, is worse in what should get better. Everything else is
inconclusive, and the record says what is missing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from experiments.stats.planning import units_until_decided
from experiments.stats.reading import Reading
from experiments.stats.terms import Role, Verdict
from learning.engines.multiplicity import holm


@dataclass(frozen=True, slots=True)
class Rules:
    """What was fixed at the start. Units are randomization units of all arms together; hours count running time.

    `unit` is what texts call one of them: a user, a session, an execution. `serves`: the arms are
    before users, so that one of them can do harm; those of an A/A are not.
    """

    planned_units: int
    minimum_units: int
    minimum_hours: float
    alpha: float = 0.05
    unit: str = "user"
    serves: bool = True

    def __post_init__(self) -> None:
        if self.planned_units <= 0 or self.minimum_units < 0 or self.minimum_hours < 0 or not 0 < self.alpha < 1:
            raise ValueError("planned units are positive, minimums not negative, and alpha lies between 0 and 1")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the experiment is: exposed units, hours, and the alarms.

    `sample_ratio_alarm`: the arms do not get their shares. `crossed_alarm`: too many units met several arms.
    """

    units: int
    hours: float
    sample_ratio_alarm: bool
    crossed_alarm: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, the winning arm (None unless a treatment wins), one sentence, and what is still missing in words.

    `units_needed` is the smallest honest guess of more units until a verdict, counted as units that take part, of which
    perhaps few have an outcome; None when nobody can say.
    """

    verdict: Verdict
    winner: str | None
    sentence: str
    missing: tuple[str, ...] = ()
    units_needed: int | None = None


def decide(readings: Sequence[Reading], progress: Progress, rules: Rules) -> Decision:
    """The verdict now. Raises ValueError without a success metric."""
    success = [reading for reading in readings if reading.metric.role is Role.SUCCESS]
    if not success:
        raise ValueError("a verdict needs at least one success metric")
    harm = [reading for reading in readings if _harms(reading, readings, rules)]
    ended = _untrusted(progress, rules) or _ended_by(harm, _arms(readings), progress, rules)
    if ended:
        return ended
    missing = (*_missing(readings, progress, rules), *_harmful(harm))
    significant = _significant(success, rules)
    healthy = _arms(readings) - _arms(harm)
    if not _early(progress, rules):
        shipping = [reading for reading in significant if reading.arm in healthy and _better(reading)]
        safe = [reading for reading in shipping if all(_safe(g, rules) for g in _guardrails(readings, reading.arm))]
        if safe:
            return _treatment_wins(min(safe, key=lambda reading: reading.p))
        if shipping:
            return _not_proven_safe(shipping[0], _guardrails(readings, shipping[0].arm), progress, rules)
        worse = [reading for reading in significant if _worse(reading)]
        if _arms(worse) >= healthy:
            return _control_wins(worse[0], "significantly worse")
    return _inconclusive(success, missing, progress, rules)


def _untrusted(progress: Progress, rules: Rules) -> Decision | None:
    """With assignments that cannot be relied on nothing can be said. Who crossed is left out, and who crosses may well
    depend on the arm."""
    if progress.sample_ratio_alarm:
        why = f"the arms do not receive the shares of {rules.unit}s that were promised"
        needed = "a traffic split that works; find the cause and start a new experiment"
    elif progress.crossed_alarm:
        why = f"too many {rules.unit}s have met several arms"
        needed = f"an application that keeps each {rules.unit} in the variant that it is told"
    else:
        return None
    return Decision(Verdict.INCONCLUSIVE, None, f"No verdict can be trusted: {why}.", (needed,))


def _ended_by(harm: Sequence[Reading], arms: set[str], progress: Progress, rules: Rules) -> Decision | None:
    """The end when every treatment does harm: at once, or, after the minimum and within the guardrails, as a result."""
    stopping = [reading for reading in harm if _early(progress, rules) or reading.metric.role is Role.GUARDRAIL]
    if rules.serves and _arms(stopping) == arms:
        return _stopped_for_harm(stopping[0])
    return _control_wins(harm[0], "proven worse") if _arms(harm) == arms else None


def _harmful(harm: Iterable[Reading]) -> Iterable[str]:
    """What to do about a treatment that does harm beside others that do not: its share of the users is frozen."""
    for arm in sorted(_arms(harm)):
        yield f"an experiment without {arm}, which is proven worse: stop this one and start another"


def _arms(readings: Iterable[Reading]) -> set[str]:
    return {reading.arm for reading in readings}


def _guardrails(readings: Iterable[Reading], arm: str) -> list[Reading]:
    return [reading for reading in readings if reading.arm == arm and reading.metric.role is Role.GUARDRAIL]


def _significant(success: list[Reading], rules: Rules) -> list[Reading]:
    adjusted = holm([reading.p for reading in success])
    return [reading for reading, p in zip(success, adjusted, strict=True) if p <= rules.alpha]


def _better(reading: Reading) -> bool:
    """By the interval of now: p remembers its smallest value, but neither its direction nor what came after."""
    return reading.interval.low > 0 if reading.metric.higher_is_better else reading.interval.high < 0


def _worse(reading: Reading) -> bool:
    return reading.interval.high < 0 if reading.metric.higher_is_better else reading.interval.low > 0


def _margin(reading: Reading) -> float:
    return reading.metric.margin if reading.metric.role is Role.GUARDRAIL else 0.0


def _harms(reading: Reading, readings: Sequence[Reading], rules: Rules) -> bool:
    """Worse than the margin allows, each metric at its part of alpha so that all of them together keep it."""
    bounds = reading.bounds(planned_units=rules.planned_units, alpha=rules.alpha / len(readings))
    return bounds.high < -_margin(reading)


def _safe(reading: Reading, rules: Rules) -> bool:
    bounds = reading.bounds(planned_units=rules.planned_units, alpha=rules.alpha)
    return bounds.low > -_margin(reading)


def _early(progress: Progress, rules: Rules) -> bool:
    return progress.units < rules.minimum_units or progress.hours < rules.minimum_hours


def _missing(readings: Sequence[Reading], progress: Progress, rules: Rules) -> Iterable[str]:
    if progress.units < rules.minimum_units:
        yield f"{rules.minimum_units - progress.units:,} more {rules.unit}s (the minimum is {rules.minimum_units:,})"
    if progress.hours < rules.minimum_hours:
        yield f"{math.ceil(rules.minimum_hours - progress.hours):,} more hours (the minimum is {rules.minimum_hours:g})"
    for reading in readings:
        if reading.short and reading.metric.role is Role.SUCCESS:
            yield f"{reading.metric.name}: at least {reading.short} more {rules.unit}s with a telling outcome in an arm"


def _treatment_wins(best: Reading) -> Decision:
    return Decision(
        Verdict.TREATMENT, best.arm, f"{_first(best.arm)} wins: {_compared(best)}, and no guardrail is hurt."
    )


def _stopped_for_harm(worst: Reading) -> Decision:
    margin = _margin(worst)
    allowed = f", and {worst.metric.say(margin)} worse was allowed" if margin else ""
    return Decision(
        Verdict.STOPPED_FOR_HARM, None, f"Stopped for harm: {worst.arm} is proven worse; {_compared(worst)}{allowed}."
    )


def _control_wins(worst: Reading, how: str) -> Decision:
    return Decision(Verdict.CONTROL, None, f"Control wins: {worst.arm} is {how}; {_compared(worst)}.")


def _not_proven_safe(best: Reading, guardrails: list[Reading], progress: Progress, rules: Rules) -> Decision:
    unsafe = next(reading for reading in guardrails if not _safe(reading, rules))
    outcomes = unsafe.units_until_safe(planned_units=rules.planned_units, alpha=rules.alpha)
    more = _units(outcomes, unsafe, progress) if outcomes else None
    needed = _about(more, outcomes, rules) if more and outcomes else f"more {rules.unit}s than anybody can say now"
    sentence = f"{_first(best.arm)} is better ({_compared(best)}), but {unsafe.metric.name} is not proven safe yet."
    return Decision(Verdict.INCONCLUSIVE, None, sentence, (f"{unsafe.metric.name}: {needed}",), more)


def _inconclusive(success: list[Reading], missing: tuple[str, ...], progress: Progress, rules: Rules) -> Decision:
    guesses = [
        (units_until_decided(reading.difference, planned_units=rules.planned_units, alpha=rules.alpha), reading)
        for reading in success
    ]
    known = [(_units(guess, reading, progress), guess) for guess, reading in guesses if guess is not None]
    floor = max(rules.minimum_units - progress.units, max(2 * reading.short for reading in success), 0)
    if _early(progress, rules):
        sentence = f"Too early for a verdict: the minimum of {rules.unit}s or hours is not reached."
    elif any(reading.short for reading in success):
        sentence = f"Too early for a verdict: too few {rules.unit}s have a telling outcome."
    else:
        sentence = f"Inconclusive: {_compared(success[0])}."
    if not known:
        return Decision(Verdict.INCONCLUSIVE, None, sentence, missing, floor or None)
    units, outcomes = min(known)
    needed = max(floor, units)
    if needed > 0 and not missing:
        missing = (f"{_about(needed, outcomes, rules)} if the difference stays as it looks now",)
    return Decision(Verdict.INCONCLUSIVE, None, sentence, missing, needed)


def _units(outcomes: int, reading: Reading, progress: Progress) -> int:
    """How many more units must take part until so many more have an outcome, at the share that has one now."""
    counted = reading.difference.units
    return outcomes if counted <= 0 else math.ceil(outcomes * max(1.0, progress.units / counted))


def _about(units: int, outcomes: int, rules: Rules) -> str:
    """Units that must take part; where not all of them have an outcome, also those that must."""
    rated = f" ({outcomes:,} of them with an outcome to compare)" if outcomes < units else ""
    return f"about {units:,} more {rules.unit}s{rated}"


def _compared(reading: Reading) -> str:
    metric, estimate, interval = reading.metric, reading.difference.estimate, reading.interval
    if math.isnan(estimate):
        return f"{metric.name} has no outcome yet"
    words = f"{metric.name} is {metric.say(abs(estimate))} {'higher' if estimate >= 0 else 'lower'}"
    if math.isnan(interval.low):
        return words
    return f"{words} (between {metric.number(interval.low)} and {metric.say(interval.high)})"


def _first(words: str) -> str:
    """As at the start of a sentence."""
    return words[:1].upper() + words[1:]
