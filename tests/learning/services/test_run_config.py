"""What a run was asked to do: taken with its defaults, or refused by the name of the setting."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from learning.services.run_config import RunConfig, read_run_config
from organizations.errors import Refused

ALL = {
    "max_calls": 200,
    "metric": "normalised",
    "goals": ["accuracy", "brevity"],
    "rewrites": 2,
    "max_tokens": 50_000,
    "max_money": 1.25,
    "max_seconds": 600,
    "concurrency": 4,
}


def test_nothing_asked_for_means_the_defaults() -> None:
    assert read_run_config({}) == RunConfig()
    assert RunConfig().as_json() == {"max_calls": 340, "metric": "exact", "goals": ["accuracy"], "rewrites": 0}


def test_all_settings_survive_being_stored() -> None:
    wishes = read_run_config(ALL)
    assert wishes.as_json() == ALL
    assert read_run_config(wishes.as_json()) == wishes
    assert wishes.max_money == Decimal("1.25")


def test_null_is_as_good_as_nothing() -> None:
    assert read_run_config({"max_tokens": None, "max_money": None, "concurrency": None}) == RunConfig()


@pytest.mark.parametrize("amount", [0.1, 0.000001, "0.30", 1_000_000, 123456.654321])
def test_money_stays_exact(amount: Any) -> None:
    wishes = read_run_config({"max_money": amount})
    assert wishes.max_money == Decimal(str(amount))
    assert read_run_config(wishes.as_json()).max_money == wishes.max_money


@pytest.mark.parametrize(
    ("config", "field", "message"),
    [
        ({"max_tokens": 0}, "config.max_tokens", "from 1 to"),
        ({"max_tokens": 1.5}, "config.max_tokens", "whole number"),
        ({"max_money": 0}, "config.max_money", "above 0"),
        ({"max_money": -1}, "config.max_money", "above 0"),
        ({"max_money": True}, "config.max_money", "above 0"),
        ({"max_money": float("nan")}, "config.max_money", "above 0"),
        ({"max_money": float("inf")}, "config.max_money", "above 0"),
        ({"max_money": "much"}, "config.max_money", "above 0"),
        ({"max_money": [1]}, "config.max_money", "above 0"),
        ({"max_money": 2_000_000}, "config.max_money", "at most 1,000,000"),
        ({"max_money": 0.0000001}, "config.max_money", "at most 6 decimals"),
        ({"max_seconds": 5}, "config.max_seconds", "from 10 to"),
        ({"max_seconds": "60"}, "config.max_seconds", "whole number"),
        ({"concurrency": 0}, "config.concurrency", "from 1 to 64"),
        ({"concurrency": 65}, "config.concurrency", "from 1 to 64"),
        ({"strategies": "few_shot"}, "config.strategies", "list of names"),
        ({"strategies": ["magic"]}, "config.strategies", "no strategy 'magic'"),
        ({"metric_options": []}, "config.metric_options", "object"),
        ({"metric_options": {"weight": 2}}, "config.metric_options.weight", "has no option 'weight'"),
        ({"max_calls": 80, "rewrites": 1}, "config.max_calls", "from 81 to"),
        ({"budget": 3}, "config.budget", "Known settings: max_calls"),
    ],
)
def test_a_bad_setting_is_refused_by_its_name(config: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(Refused, match=message) as refusal:
        read_run_config(config)
    assert refusal.value.field == field
