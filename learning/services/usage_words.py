"""What calls took, in words: as the endpoint reported it, estimated from the texts, or not reported at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

NOT_REPORTED, NOTHING = "not reported", "-"


class Usage(Protocol):
    """What training runs and gate reports keep of their calls."""

    @property
    def llm_calls(self) -> int: ...
    @property
    def estimated_calls(self) -> int: ...
    @property
    def input_tokens(self) -> int: ...
    @property
    def output_tokens(self) -> int: ...
    @property
    def cost(self) -> Decimal | None: ...


@dataclass(frozen=True)
class Total:
    """What several took together. `cost`: None where a part of it has no price."""

    llm_calls: int
    estimated_calls: int
    input_tokens: int
    output_tokens: int
    cost: Decimal | None


def together(spent: Sequence[Usage]) -> Total:
    """The sum of these."""
    costs = [one.cost for one in spent if one.cost is not None]
    return Total(
        llm_calls=sum(one.llm_calls for one in spent),
        estimated_calls=sum(one.estimated_calls for one in spent),
        input_tokens=sum(one.input_tokens for one in spent),
        output_tokens=sum(one.output_tokens for one in spent),
        cost=sum(costs, Decimal(0)) if len(costs) == len(spent) else None,
    )


def tokens_in(spent: Usage) -> str:
    return _tokens(spent, spent.input_tokens)


def tokens_out(spent: Usage) -> str:
    return _tokens(spent, spent.output_tokens)


def money(spent: Usage) -> str:
    """What the calls cost; "-" where a model that was asked has no price."""
    if spent.cost is None:
        return NOTHING
    if not spent.cost and _is_untold(spent):
        return NOT_REPORTED
    return _about(spent) + amount(spent.cost)


def how_counted(spent: Usage) -> str:
    """A sentence for whoever wonders where the figures come from; empty where the endpoint reported everything."""
    if _is_untold(spent):
        return "The endpoint reported no tokens, so nobody knows what the calls took."
    if not spent.estimated_calls:
        return ""
    return (
        f"The endpoint did not report the tokens of {spent.estimated_calls:,} of {spent.llm_calls:,} calls. They, and "
        "what they cost, are estimated from the length of the texts, rather as too much; limits hold for the estimate."
    )


def amount(value: Decimal) -> str:
    """An amount without zeros that say nothing, such as "0.0123"."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _tokens(spent: Usage, tokens: int) -> str:
    return NOT_REPORTED if _is_untold(spent) else f"{_about(spent)}{tokens:,}"


def _about(spent: Usage) -> str:
    return "about " if spent.estimated_calls else ""


def _is_untold(spent: Usage) -> bool:
    """No question is without a token, so the endpoint was silent about them."""
    return spent.llm_calls > 0 and not spent.input_tokens
