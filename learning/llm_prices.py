"""What language models cost: a table of prices, and the most that one call can come to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal, InvalidOperation

from learning.engines.holds import most_input, most_output
from learning.engines.types import CompletionRequest

MILLION = Decimal(1_000_000)
SMALLEST = Decimal("0.00000001")  # as the database keeps it
MOST = Decimal(1_000_000)  # for a million tokens


@dataclass(frozen=True, slots=True)
class Price:
    """Money for a million tokens, in any one currency."""

    input: Decimal
    output: Decimal

    def __post_init__(self) -> None:
        for amount in (self.input, self.output):
            if not amount.is_finite() or not 0 <= amount <= MOST:
                raise ValueError(f"A price must be a number from 0 to {MOST}, not {amount}.")

    def of(self, input_tokens: int, output_tokens: int) -> Decimal:
        """What so many tokens cost, never rounded down."""
        exact = (self.input * input_tokens + self.output * output_tokens) / MILLION
        return exact.quantize(SMALLEST, rounding=ROUND_UP)


Prices = Mapping[str, Price]
FREE = Price(Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class Hold:
    """The most that one call can come to. `money`: None when the price is unknown."""

    tokens: int
    money: Decimal | None


def hold_of(request: CompletionRequest, price: Price | None) -> Hold:
    """What has to be free in a budget before this is sent."""
    asked, answered = most_input(request), most_output(request)
    return Hold(asked + answered, None if price is None else price.of(asked, answered))


def read_prices(text: str) -> dict[str, Price]:
    """{"model": {"input": 0.15, "output": 0.6}} as prices; both for a million tokens. Raises ValueError."""
    try:
        table = json.loads(text or "{}", parse_float=Decimal, parse_int=Decimal)
    except ValueError as error:
        raise ValueError(f"The prices are not valid JSON: {error}") from error
    if not isinstance(table, dict):
        raise ValueError("The prices must be one JSON object: model -> input and output.")
    return {model: _price(model, entry) for model, entry in table.items()}


def _price(model: str, entry: object) -> Price:
    if not isinstance(entry, dict) or set(entry) != {"input", "output"}:
        raise ValueError(f"The price of {model!r} must have input and output, and nothing else.")
    try:
        return Price(*(Decimal(entry[side]) for side in ("input", "output")))
    except (TypeError, ValueError, InvalidOperation) as error:
        raise ValueError(f"The price of {model!r} is wrong: {error}") from error
