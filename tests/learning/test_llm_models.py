"""Which models an endpoint says it has, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from learning.engines.errors import ModelUnavailable
from learning.llm_models import differs, forget_listed, lacks, listed_models, told
from learning.services.served_models import require_served, why_not_served
from tests.scripted_llm import ScriptedLLM


@pytest.fixture(autouse=True)
def unknown() -> Iterator[None]:
    forget_listed()
    yield
    forget_listed()


@pytest.fixture
def llm(settings: Any) -> Iterator[ScriptedLLM]:
    with ScriptedLLM(lambda messages: "yes", models=["small-1", "small-2"]) as server:
        settings.OPENAI_BASE_URL, settings.DEFAULT_MODEL = server.base_url, "small-1"
        yield server


def test_a_model_that_is_listed_may_be_asked(llm: ScriptedLLM) -> None:
    require_served(["small-2"])


def test_no_name_means_the_default_model(llm: ScriptedLLM, settings: Any) -> None:
    assert why_not_served([""]) == ""
    settings.DEFAULT_MODEL = "large"
    assert "no model large" in why_not_served([""])


def test_a_model_that_is_not_there_is_refused_with_what_is_there_and_what_to_do(llm: ScriptedLLM) -> None:
    with pytest.raises(ModelUnavailable) as refusal:
        require_served(["small-1", "gpt-4o-mini"])
    assert str(refusal.value) == (
        "This endpoint has no model gpt-4o-mini; it has small-1, small-2. Set OPENAI_BASE_URL and OPENAI_API_KEY to "
        "one that has it, or change the config's model."
    )


def test_the_list_is_asked_for_once_a_minute(llm: ScriptedLLM) -> None:
    assert [listed_models(llm.base_url, "key") for _ in range(3)] == [("small-1", "small-2")] * 3
    assert llm.asked_for_models == 1


def test_an_endpoint_that_lists_nothing_is_not_asked_again_and_nothing_is_refused(llm: ScriptedLLM) -> None:
    llm.models = ()
    assert [why_not_served(["gpt-4o-mini"]) for _ in range(3)] == [""] * 3
    assert llm.asked_for_models == 1


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/v1", "file:///etc", "http://[broken/v1", "https://x.openai.azure.com/v1"]
)
def test_an_address_that_does_not_answer_refuses_nothing(settings: Any, address: str) -> None:
    settings.OPENAI_BASE_URL = address
    assert why_not_served(["gpt-4o-mini"]) == ""


@pytest.mark.parametrize(
    ("listed", "wanted"),
    [
        ("gpt-4o", "GPT-4o"), ("models/gemini-2", "gemini-2"), ("llama3:latest", "llama3"),
        ("maker/one", "maker/one:free"), ("maker/*", "maker/one"),
    ],
)  # fmt: skip
def test_a_name_is_known_in_the_ways_that_endpoints_write_it(listed: str, wanted: str) -> None:
    assert not lacks([listed], wanted)


@pytest.mark.parametrize(
    ("listed", "wanted"), [("gpt-4o", "gpt-4o-mini"), ("gpt-4o-mini", "gpt-4o"), ("llama3:8b", "llama3:70b")]
)
def test_a_name_that_only_begins_alike_is_another_model(listed: str, wanted: str) -> None:
    assert lacks([listed], wanted)


def test_a_long_list_is_told_in_part() -> None:
    assert told([str(n) for n in range(1_007)]) == "0, 1, 2, 3, 4 and 1,002 more"


@pytest.mark.parametrize(
    ("asked", "answered", "other"),
    [
        ("gpt-4o-mini", "gpt-4o-mini-2024-07-18", False), ("openai/gpt-4o", "gpt-4o", False), ("gpt-4o", "", False),
        ("gpt-4o-mini", "smollm2-135m-instruct", True),
    ],
)  # fmt: skip
def test_an_answer_of_another_model_is_known_by_its_name(asked: str, answered: str, other: bool) -> None:
    assert differs(asked, answered) is other
