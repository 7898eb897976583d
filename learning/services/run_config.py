"""What a training run was asked to do, validated when it is asked: a run must not fail later for a bad wish."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal, InvalidOperation
from typing import Any

from learning.engines.agreement import MOST_ITEMS
from learning.engines.behavior.strategies import STRATEGIES as WAYS_TO_LEARN
from learning.engines.metrics import METRIC_KINDS, read_options, resolve_metric
from learning.engines.prompt.goals import ACCURACY, check_goals
from learning.engines.prompt.optimizer import DEFAULT_REWRITES
from learning.engines.prompt.planning import FEWEST_CALLS
from learning.engines.prompt.strategies import STRATEGIES
from learning.models import TrainingType
from organizations.errors import Refused

MOST_CALLS = 100_000
MOST_REWRITES = 20
MOST_TOKENS = 10**12
MOST_MONEY = Decimal(1_000_000)
DECIMALS = 6  # of an amount of money
SECONDS = (10, 7 * 24 * 3600)
KEPT_BACK = 0.06  # of the calls, and a little more: for calls that are lost (learning/services/run_budget.py)
MOST_AT_ONCE = 64
AVAILABLE = (TrainingType.PROMPT_OPTIMIZATION, TrainingType.BEHAVIOR_CLONING)


@dataclass(frozen=True)
class RunConfig:
    """The wishes for a run. `max_calls`: the hard number of calls, confirmation included.

    `max_tokens` (in and out), `max_money` (in the currency of the price table) and `max_seconds` are hard too; None
    sets no limit. `rewrites`: how many instructions the language model writes itself; 0 for a model too weak for it.
    `strategies`: which ways of making candidates are used; None: those that fit the budget. `concurrency`: calls at a
    time; None: as many as the endpoint may get.
    `strategy`: how behavior is learned from demonstrations; `word_rules`: whether the model words its rules.
    """

    max_calls: int = 340
    metric: str = "exact"
    goals: tuple[str, ...] = (ACCURACY,)
    rewrites: int = 0
    max_tokens: int | None = None
    max_money: Decimal | None = None
    max_seconds: int | None = None
    metric_options: Mapping[str, Any] = field(default_factory=dict)
    strategies: tuple[str, ...] | None = None
    concurrency: int | None = None
    strategy: str | None = None
    word_rules: bool | None = None

    def as_json(self) -> dict[str, Any]:
        """As it is stored: what was left open is left out."""
        kept: dict[str, Any] = {
            "max_calls": self.max_calls,
            "metric": self.metric,
            "goals": list(self.goals),
            "rewrites": self.rewrites,
        }
        money = None if self.max_money is None else float(self.max_money)
        more = {
            "max_tokens": self.max_tokens,
            "max_money": money,
            "max_seconds": self.max_seconds,
            "metric_options": dict(self.metric_options),
            "strategies": None if self.strategies is None else list(self.strategies),
            "concurrency": self.concurrency,
            "strategy": self.strategy,
            "word_rules": self.word_rules,
        }
        return kept | {key: value for key, value in more.items() if value not in (None, {})}


def read_run_config(config: Mapping[str, Any]) -> RunConfig:
    """The validated wishes, defaults filled in. Raises Refused naming the key that is wrong."""
    known = [one.name for one in fields(RunConfig)]
    for key in config:
        if key not in known:
            raise Refused(f"There is no setting {key!r}. Known settings: {', '.join(known)}.", f"config.{key}")
    given = {key: value for key, value in config.items() if value is not None}
    strategies = _strategies(given.get("strategies", []))
    rewrites = _whole_number(given, "rewrites", 0, MOST_REWRITES) or _unasked_rewrites(strategies)
    wishes = RunConfig(
        max_calls=_whole_number(given, "max_calls", FEWEST_CALLS + rewrites, MOST_CALLS) or RunConfig.max_calls,
        metric=_text("metric", given.get("metric", RunConfig.metric)),
        goals=_goals(given.get("goals", [ACCURACY])),
        rewrites=rewrites,
        max_tokens=_whole_number(given, "max_tokens", 1, MOST_TOKENS),
        max_money=_money(given.get("max_money")),
        max_seconds=_whole_number(given, "max_seconds", *SECONDS),
        metric_options=_options(given.get("metric_options", {})),
        strategies=strategies,
        concurrency=_whole_number(given, "concurrency", 1, MOST_AT_ONCE),
        strategy=_way_to_learn(given.get("strategy")),
        word_rules=_switch(given.get("word_rules")),
    )
    _check_metric(wishes)
    _check_calls(wishes)
    return wishes


def fewest_calls(metric: str, rewrites: int) -> int:
    """With fewer calls the engine does not begin."""
    return FEWEST_CALLS * METRIC_KINDS[metric].calls_per_answer + rewrites + calibration_calls(metric)


def calibration_calls(metric: str) -> int:
    """The most calls that a judge needs to show that it agrees with experts; 0 for what is no judge."""
    return MOST_ITEMS if METRIC_KINDS[metric].needs_expert_scores else 0


def check_type(training_type: str) -> None:
    """Raises Refused for a kind of training that does not exist here."""
    if training_type not in AVAILABLE:
        names = ", ".join(AVAILABLE)
        raise Refused(f"{training_type!r} cannot be run. Available: {names}.", "training_type")


def _way_to_learn(value: Any) -> str | None:
    if value is not None and value not in WAYS_TO_LEARN:
        raise Refused(f"There is no strategy {value!r}: choose from {', '.join(WAYS_TO_LEARN)}.", "config.strategy")
    return value


def _switch(value: Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise Refused("This must be true or false.", "config.word_rules")
    return value


def _unasked_rewrites(strategies: tuple[str, ...] | None) -> int:
    """What the engine takes where instructions of the model are wanted without a number: it is a part of the plan."""
    return DEFAULT_REWRITES if "rewritten" in (strategies or ()) else 0


def _goals(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value or not all(isinstance(goal, str) for goal in value):
        raise Refused("This must be a list with at least one goal.", "config.goals")
    try:
        check_goals(value)
    except ValueError as error:
        raise Refused(str(error), "config.goals") from error
    return tuple(dict.fromkeys(value))


def _strategies(value: Any) -> tuple[str, ...] | None:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise Refused("This must be a list of names.", "config.strategies")
    for name in value:
        if name not in STRATEGIES:
            raise Refused(f"There is no strategy {name!r}: choose from {', '.join(STRATEGIES)}.", "config.strategies")
    return tuple(dict.fromkeys(value)) or None


def _check_metric(wishes: RunConfig) -> None:
    """Raises Refused when no such metric can be made."""
    name, options, at = wishes.metric, wishes.metric_options, "config.metric_options"
    if name not in METRIC_KINDS:
        raise Refused(f"Unknown metric {name!r}: choose one of {', '.join(METRIC_KINDS)}.", "config.metric")
    kind = METRIC_KINDS[name]
    for key in options:
        if key not in kind.options:
            known = ", ".join(kind.options) or "none"
            raise Refused(f"The metric {name} has no option {key!r}. Its options: {known}.", f"{at}.{key}")
    for key, option in kind.options.items():
        if option.required and key not in options:
            raise Refused(f"The metric {name} needs this: {option.help}", f"{at}.{key}")
    try:
        read_options(name, options)
        if options and not kind.needs_embedder:
            resolve_metric(name, options=options)
    except ValueError as error:
        field = f"{at}.{next(iter(options))}" if len(options) == 1 else at
        raise Refused(str(error), field) from error


def _check_calls(wishes: RunConfig) -> None:
    """A metric that asks the model itself needs more calls. Raises Refused saying how many."""
    kind = METRIC_KINDS[wishes.metric]
    if kind.calls_per_answer == 1 and not kind.needs_expert_scores:
        return  # then the bounds of the number itself are enough
    needed = math.ceil(fewest_calls(wishes.metric, wishes.rewrites) * (1 + KEPT_BACK))
    if wishes.max_calls < needed:
        raise Refused(f"With the metric {wishes.metric} a run needs at least {needed} calls.", "config.max_calls")


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise Refused("This must be a text.", f"config.{key}")
    return value


def _whole_number(given: Mapping[str, Any], key: str, low: int, high: int) -> int | None:
    """The number under the key, None without one."""
    value = given.get(key)
    if key in given and (not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high):
        raise Refused(f"This must be a whole number from {low:,} to {high:,}.", f"config.{key}")
    return value


def _money(value: Any) -> Decimal | None:
    """An amount above zero, exact to the last of its decimals."""
    if value is None:
        return None
    try:
        amount = Decimal(str(value)) if isinstance(value, int | float | Decimal | str) else Decimal("nan")
    except InvalidOperation:
        amount = Decimal("nan")
    if isinstance(value, bool) or not amount.is_finite() or not 0 < amount <= MOST_MONEY:
        raise Refused(f"This must be an amount above 0, at most {MOST_MONEY:,}.", "config.max_money")
    if amount != round(amount, DECIMALS):
        raise Refused(f"An amount has at most {DECIMALS} decimals.", "config.max_money")
    return amount


def _options(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Refused("This must be an object.", "config.metric_options")
    return dict(value)
