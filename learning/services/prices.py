"""What the language models that runs ask cost, by the operator's table (LLM_PRICES)."""

from __future__ import annotations

from django.conf import settings

from learning.llm_prices import Price


def price_of(model: str) -> Price | None:
    """The price of a model, of the default one for an empty name; None when nobody gave one."""
    price: Price | None = settings.LLM_PRICES.get(model or settings.DEFAULT_MODEL)
    return price


def named(model: str) -> str:
    """What a model is called: an empty name stands for the default one."""
    return model or settings.DEFAULT_MODEL
