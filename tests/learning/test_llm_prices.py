"""What calls cost, and the most that one can come to."""

from __future__ import annotations

from decimal import Decimal

import pytest

from learning.engines.holds import LONGEST_ANSWER, likely_input, likely_output, most_input
from learning.engines.types import Completion, CompletionRequest, Cost, Message
from learning.llm import OpenAIModel
from learning.llm_prices import FREE, Price, hold_of, read_prices
from tests.scripted_llm import ScriptedLLM

PRICE = Price(Decimal("0.15"), Decimal("0.60"))


def request(text: str, **parameters: object) -> CompletionRequest:
    return CompletionRequest((Message(role="user", content=text),), parameters=parameters)


def test_a_price_is_for_a_million_tokens() -> None:
    assert PRICE.of(1_000_000, 1_000_000) == Decimal("0.75")
    assert PRICE.of(1_000, 10) == Decimal("0.000156")


def test_a_cost_is_never_rounded_down() -> None:
    assert Price(Decimal("0.001"), Decimal(0)).of(1, 0) == Decimal("0.00000001")


def test_prices_are_read_from_json() -> None:
    prices = read_prices('{"small": {"input": 0.15, "output": 0.60}, "free": {"input": 0, "output": 0}}')
    assert prices == {"small": PRICE, "free": FREE}
    assert read_prices("") == {}


@pytest.mark.parametrize(
    "text",
    ["[]", "{", '{"m": 3}', '{"m": {"input": 1}}', '{"m": {"input": 1, "output": -1}}',
     '{"m": {"input": "x", "output": 1}}', '{"m": {"input": 1, "output": 2, "cached": 3}}',
     '{"m": {"input": null, "output": 1}}', '{"m": {"input": NaN, "output": 1}}'],
)  # fmt: skip
def test_prices_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="price"):
        read_prices(text)


def test_the_most_that_a_call_can_come_to_covers_every_byte_and_the_longest_answer() -> None:
    hold = hold_of(request("ü" * 100, max_tokens=8), PRICE)
    assert 200 + 8 < hold.tokens < 400
    assert hold.money == PRICE.of(hold.tokens - 8, 8)
    assert hold_of(request("x"), None).money is None
    assert hold_of(request("x"), None).tokens > LONGEST_ANSWER


def test_tokens_that_nobody_counts_are_estimated_as_rather_too_many_and_never_over_the_most() -> None:
    text = "Where is the parcel that I ordered on the third of May?"  # twelve words and a sign
    assert 13 < likely_input(request(text)) < most_input(request(text))
    assert likely_output(request(text), text) == 19
    assert likely_output(request(text, n=3), text) == 57, "all answers are paid for, the first one is read"
    assert likely_output(request(text), "") == 0


def test_several_answers_and_what_comes_with_the_messages_are_held_too() -> None:
    one, four = (hold_of(request("x", max_tokens=1_000, **more), PRICE) for more in ({}, {"n": 4}))
    assert four.tokens - one.tokens >= 3_000
    tools = [{"type": "function", "function": {"name": "look", "description": "d" * 5_000}}]
    assert hold_of(request("x", max_tokens=8, tools=tools), PRICE).tokens > 5_000


def test_an_answer_carries_what_it_cost_and_none_where_the_price_is_unknown() -> None:
    with ScriptedLLM(lambda messages: "yes") as server:
        priced = OpenAIModel(base_url=server.base_url, api_key="", model="small", prices={"small": PRICE})
        unknown = OpenAIModel(base_url=server.base_url, api_key="", model="other", prices={"small": PRICE})
        answer = priced.complete(request("one two three"))
        assert answer.money == PRICE.of(3, 1)
        assert unknown.complete(request("one two three")).money is None
    assert priced.meter.cost.money == PRICE.of(3, 1)
    assert unknown.meter.cost.money is None


def test_a_cost_with_an_unknown_part_is_unknown() -> None:
    known = Cost.of(Completion("a", 1, 1, money=Decimal("0.5")))
    assert (known + known).money == 1
    assert (known + Cost.of(Completion("a", 1, 1))).money is None
    assert (known + Cost.of(Completion("a", cached=True))).money == Decimal("0.5")
