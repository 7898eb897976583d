from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learning.engines.errors import EngineError
from learning.engines.types import (
    Budget,
    Completion,
    Cost,
    Demonstration,
    Example,
    Prompt,
    SealedSplit,
    Split,
)

CONTENT = {
    "system_prompt": "Be brief.",
    "examples": [{"input": "one {input}", "output": "1"}],
    "model": "m",
    "parameters": {"temperature": 0, "max_tokens": 16, "seed": 1},
    "input_template": "Say: {input}!",
}


def test_a_prompt_becomes_a_chat_with_examples_as_turns() -> None:
    assert Prompt.from_content(CONTENT).messages("two") == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "one {input}"},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "Say: two!"},
    ]


@given(st.text(), st.text(), st.text(), st.integers(1, 3))
def test_the_input_of_a_turn_is_found_in_any_template(text: str, before: str, after: str, places: int) -> None:
    prompt = Prompt(input_template=f"{before}{{input}}{after}" * places)
    if prompt.input_template.count("{input}") == places:
        assert prompt.unwrap(prompt.wrap(text)) == text


@pytest.mark.parametrize("turn", ["", "two", "Say: two", "two!", "Say: !", "Say:!"])
def test_a_turn_that_the_template_did_not_make_is_an_input_itself(turn: str) -> None:
    prompt = Prompt(input_template="Say: {input} and {input}!")
    assert prompt.unwrap(turn) == turn


def test_an_empty_instruction_is_no_turn() -> None:
    assert Prompt().messages("x") == [{"role": "user", "content": "x"}]


def test_braces_in_the_input_stay_what_they_are() -> None:
    assert Prompt().messages("{input} {0} {x!r}")[-1]["content"] == "{input} {0} {x!r}"


def test_content_survives_the_round_trip_with_keys_of_others() -> None:
    content = {**CONTENT, "retrieval": {"chunks": 3}}
    assert Prompt.from_content(content).content() == content


@given(
    st.text(),
    st.lists(st.tuples(st.text(), st.text()), max_size=3),
    st.dictionaries(st.text(min_size=1), st.integers() | st.text() | st.none(), max_size=3),
)
def test_every_prompt_survives_the_round_trip(system: str, turns: list[tuple[str, str]], parameters: dict) -> None:
    prompt = Prompt(system, tuple(Demonstration(*turn) for turn in turns), parameters=parameters)
    again = Prompt.from_content(prompt.content())
    assert again == prompt
    assert again.digest == prompt.digest


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("system_prompt", 3),
        ("examples", "x"),
        ("examples", ["x"]),
        ("examples", [{"input": 1}]),
        ("parameters", []),
        ("model", None),
        ("input_template", "no place for it"),
    ],
)
def test_bad_content_is_refused_by_the_name_of_the_key(key: str, value: object) -> None:
    with pytest.raises(ValueError, match="input" if key == "examples" and isinstance(value, list) else key):
        Prompt.from_content({**CONTENT, key: value})


@pytest.mark.parametrize(
    "make",
    [
        lambda: Budget(0),
        lambda: Cost(calls=-1),
        lambda: Cost(calls=1, cached_calls=2),
        lambda: Completion("x", input_tokens=-1),
        lambda: Example("", "x", "y", Split.TRAIN),
        lambda: Example("k", "x", "y", "holdout"),  # type: ignore[arg-type]
    ],
)
def test_impossible_values_are_refused(make: object) -> None:
    with pytest.raises(ValueError):
        make()  # type: ignore[operator]


def test_costs_add_up() -> None:
    assert Cost(1, 1, 2, 3) + Cost(4, 0, 5, 6) == Cost(5, 1, 7, 9)


def test_a_seal_breaks_once() -> None:
    sealed = SealedSplit(1, lambda: [Example("k", "x", "y", Split.TEST)])
    assert len(sealed.read_test()) == 1
    with pytest.raises(EngineError, match="read before"):
        sealed.read_test()


def test_a_sealed_split_holds_test_examples_only() -> None:
    with pytest.raises(EngineError, match="do not belong"):
        SealedSplit(1, lambda: [Example("k", "x", "y", Split.TRAIN)]).read_test()


def test_importing_the_engines_imports_neither_django_nor_openai() -> None:
    program = (
        "import sys, learning.engines.prompt, learning.engines.metrics\n"
        "assert not {'django', 'openai', 'torch'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
