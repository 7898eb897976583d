"""What a run will probably take, told before it starts: from earlier runs where there are any, else from the texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Avg
from django.db.models.functions import Length

from learning.llm_prices import Price
from learning.models import Agent, AgentConfig, DatasetVersion, RunStatus, Split, TrainingRun
from learning.services.run_config import RunConfig, plan_of

LOOKED_AT = 20  # finished runs of the organization, the newest
WORTH_COUNTING = 20  # calls: a run whose answers were all remembered tells nothing about speed
SAMPLE = 200  # examples whose length is measured
CHARACTERS_PER_TOKEN = 4
SHOWN = 4  # examples that a candidate shows on average, as chat turns
OWN_RUNS, TEXTS = "earlier runs of this agent", "the length of the texts"


@dataclass(frozen=True)
class RunEstimate:
    """What a run may take. `calls`: at most; `confirmation_calls` of them ask about the sealed test split.

    `money`: in the currency of the price table; None when no price is known. `seconds`: None before any run has
    finished. `tokens_from` says what the tokens were estimated from, `runs` how many runs the speed comes from.
    """

    calls: int
    confirmation_calls: int
    input_tokens: int
    output_tokens: int
    money: Decimal | None
    seconds: float | None
    tokens_from: str
    runs: int
    warnings: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "confirmation_calls": self.confirmation_calls,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "money": None if self.money is None else f"{self.money:f}",
            "seconds": self.seconds,
            "tokens_from": self.tokens_from,
            "runs": self.runs,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class Pace:
    """What one call took in earlier runs: tokens in and out (None: ask the texts), seconds (None: nobody knows)."""

    input_tokens: float | None
    output_tokens: float | None
    seconds: float | None
    runs: int


def estimate_run(*, agent: Agent, version: DatasetVersion, base_config: AgentConfig, wishes: RunConfig) -> RunEstimate:
    """Two queries at most. The version must be large enough for the wishes (check_examples)."""
    plan = plan_of(version, wishes)
    pace = recent_pace(agent)
    read, written = pace.input_tokens, pace.output_tokens
    if read is None or written is None:
        read, written = tokens_per_call(version, base_config.content)
    calls = wishes.max_calls
    inside, outside = round(calls * read), round(calls * written)
    price = price_for(base_config)
    money = None if price is None else price.of(inside, outside)
    seconds = None if pace.seconds is None else round(calls * pace.seconds, 1)
    return RunEstimate(
        calls=calls,
        confirmation_calls=plan.kept_answers * plan.calls_per_answer,
        input_tokens=inside,
        output_tokens=outside,
        money=money,
        seconds=seconds,
        tokens_from=TEXTS if pace.input_tokens is None else OWN_RUNS,
        runs=pace.runs,
        warnings=tuple(_warnings(wishes, inside + outside, money, seconds)),
    )


def price_for(config: AgentConfig) -> Price | None:
    """The price of the model that a config asks; None when the table has none."""
    price: Price | None = settings.LLM_PRICES.get(config.content.get("model") or settings.DEFAULT_MODEL)
    return price


def recent_pace(agent: Agent) -> Pace:
    """From the newest finished runs: tokens of this agent's own, speed of its own or else of anybody's."""
    rows = TrainingRun.objects.filter(status=RunStatus.COMPLETED, llm_calls__gte=WORTH_COUNTING, seconds__gt=0)
    figures = rows.values("agent_id", "llm_calls", "input_tokens", "output_tokens", "seconds")
    found: list[Any] = list(figures.order_by("-created_at")[:LOOKED_AT])
    own = [row for row in found if row["agent_id"] == agent.pk]
    return Pace(
        input_tokens=_per_call(own, "input_tokens"),
        output_tokens=_per_call(own, "output_tokens"),
        seconds=_per_call(own or found, "seconds"),
        runs=len(own or found),
    )


def tokens_per_call(version: DatasetVersion, content: dict[str, Any]) -> tuple[float, float]:
    """Tokens in and out of a call, from the length of the prompt and of examples; a token is about 4 characters."""
    items = version.items.exclude(split=Split.TEST).order_by("id")[:SAMPLE]
    lengths = items.aggregate(asked=Avg(Length("input_text")), wanted=Avg(Length("expected_output")))
    asked, wanted = lengths["asked"] or 0, lengths["wanted"] or 0
    prompt = len(str(content.get("system_prompt", ""))) + len(str(content.get("input_template", "")))
    shown = SHOWN * (asked + wanted)
    return (prompt + shown + asked) / CHARACTERS_PER_TOKEN, max(1.0, wanted / CHARACTERS_PER_TOKEN)


def _per_call(rows: Sequence[dict[str, Any]], key: str) -> float | None:
    calls = sum(row["llm_calls"] for row in rows)
    return sum(row[key] for row in rows) / calls if calls else None


def _warnings(wishes: RunConfig, tokens: int, money: Decimal | None, seconds: float | None) -> list[str]:
    """Which limit will probably end the run before its calls are used up."""
    found = []
    if wishes.max_tokens is not None and tokens > wishes.max_tokens:
        found.append(f"{wishes.max_tokens:,} tokens are probably used up before the calls are.")
    if wishes.max_money is not None and money is not None and money > wishes.max_money:
        found.append(f"The {wishes.max_money:,} are probably spent before the calls are used up.")
    longest = min(wishes.max_seconds or settings.TRAINING_JOB_TIMEOUT, settings.TRAINING_JOB_TIMEOUT)
    if seconds is not None and seconds > longest:
        found.append(f"It may take longer than the {longest:,} seconds that it has.")
    return found
