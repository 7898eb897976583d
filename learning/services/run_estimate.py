"""What a run will probably take, told before it starts: by earlier runs, else by texts and what the agent logged."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from learning.engines.metrics import METRIC_KINDS
from learning.engines.safety.gate import calls_needed
from learning.models import Agent, AgentConfig, DatasetVersion
from learning.services.gate_work import MOST_CASES
from learning.services.prices import named, price_of
from learning.services.run_budget import planned_calls, seconds_of
from learning.services.run_config import RunConfig
from learning.services.run_needs import plan_of
from learning.services.run_usage import Pace, Use, recent_pace, uses_of

OWN_RUNS, TEXTS = "earlier runs of this agent", "the length of the texts"
LOGGED = f"{TEXTS} and what answers of this agent took"
UNREPORTED = (
    "In earlier runs of this agent the endpoint did not report what calls took, so limits in tokens and money hold for "
    "an estimate from the length of the texts."
)


@dataclass(frozen=True)
class RunEstimate:
    """What a run may take. `calls`: at most; of them `kept_calls` are kept for calls that are lost, and about
    `confirmation_calls` for the sealed test split: what the race shows may make them fewer or more.

    `money`: in the currency of the price table; None when the price of one of the models (`unpriced`) is not known.
    `seconds`: None before any run with this metric has finished. `tokens_from` says what the tokens were estimated
    from, `runs` how many runs the speed comes from. `gate_calls`: the most that the checks of a candidate make more.
    """

    calls: int
    confirmation_calls: int
    kept_calls: int
    input_tokens: int
    output_tokens: int
    money: Decimal | None
    seconds: float | None
    tokens_from: str
    runs: int
    warnings: tuple[str, ...] = ()
    unpriced: tuple[str, ...] = ()
    gate_calls: int = 0

    @property
    def gate_money(self) -> Decimal | None:
        """The most that the gate costs, if its calls are like those of the run; None where no price is known."""
        return self.money * self.gate_calls / self.calls if self.money is not None and self.calls else None

    def as_json(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "confirmation_calls": self.confirmation_calls,
            "kept_calls": self.kept_calls,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "money": None if self.money is None else f"{self.money:f}",
            "seconds": self.seconds,
            "tokens_from": self.tokens_from,
            "runs": self.runs,
            "warnings": list(self.warnings),
            "unpriced": list(self.unpriced),
            "gate_calls": self.gate_calls,
        }


def estimate_run(*, agent: Agent, version: DatasetVersion, base_config: AgentConfig, wishes: RunConfig) -> RunEstimate:
    """Three queries at most. The version must be large enough for the wishes (check_examples)."""
    plan = plan_of(version, wishes)
    pace = recent_pace(agent, wishes.metric)
    uses = uses_of(version, base_config.content, wishes, pace)
    inside, outside = round(sum(one.input_tokens for one in uses)), round(sum(one.output_tokens for one in uses))
    unpriced = tuple(dict.fromkeys(named(one.model) for one in uses if price_of(one.model) is None))
    money = None if unpriced else sum((_money(one) for one in uses), Decimal(0))
    seconds = None if pace.seconds is None else round(wishes.max_calls * pace.seconds, 1)
    return RunEstimate(
        calls=wishes.max_calls,
        confirmation_calls=plan.kept_answers * plan.calls_per_answer,
        kept_calls=wishes.max_calls - planned_calls(wishes),
        input_tokens=inside,
        output_tokens=outside,
        money=money,
        seconds=seconds,
        tokens_from=_source(pace),
        runs=pace.runs,
        warnings=tuple(_warnings(wishes, inside + outside, money, seconds, pace)),
        unpriced=unpriced,
        gate_calls=_most_gate_calls(version, wishes),
    )


def _source(pace: Pace) -> str:
    if pace.input_tokens is not None:
        return OWN_RUNS
    return TEXTS if pace.answer_tokens is None else LOGGED


def _most_gate_calls(version: DatasetVersion, wishes: RunConfig) -> int:
    """Fewer where the candidate shows some of the examples, or where answers are remembered."""
    examples = min(MOST_CASES, version.total - version.test_count)
    return calls_needed(examples, METRIC_KINDS[wishes.metric].calls_per_answer)


def _money(use: Use) -> Decimal:
    price = price_of(use.model)
    return price.of(round(use.input_tokens), round(use.output_tokens)) if price else Decimal(0)


def _warnings(wishes: RunConfig, tokens: int, money: Decimal | None, seconds: float | None, pace: Pace) -> list[str]:
    """Which limit will probably end the run before its calls are used up, and which hold for an estimate."""
    found = []
    if pace.unreported and (wishes.max_tokens is not None or wishes.max_money is not None):
        found.append(UNREPORTED)
    if wishes.max_tokens is not None and tokens > wishes.max_tokens:
        found.append(f"{wishes.max_tokens:,} tokens are probably used up before the calls are.")
    if wishes.max_money is not None and money is not None and money > wishes.max_money:
        found.append(f"The {wishes.max_money:,} are probably spent before the calls are used up.")
    longest = seconds_of(wishes)
    if seconds is not None and seconds > longest:
        found.append(f"It may take longer than the {longest:,} seconds that it has.")
    return found
