"""Examples that are chosen for a question: the clients show the ones that the product measured with."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from agent_learning import AgentConfig

from learning.engines.types import Prompt
from tests.clients.test_js_node import LEARNING, NODE, in_node

ODD = [
    "STRAẞE Σίσυφος ΌΔΟΣ",
    "ǅ ﬁne I\u0307 ınk",
    "ꭰᏣ ½ x2 e\u0301 ⅷ ²³",
    "ŉ 日本語 🙂🙂 𝒳𝒳𝒴 a_b",
    "",
    "<b>$& {input}</b>",
    "é" * 700,
]
WORDS = ("refund", "order", "parcel", "card", "shoes", "where", "my", "the", "a", "late", "Straße", "返金", "42", "E42")


def texts(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return ODD + [" ".join(rng.choices(WORDS, k=rng.randint(1, 9))) for _ in range(count)]


CONTENT: dict[str, Any] = {
    "system_prompt": "Answer.", "model": "m", "parameters": {}, "input_template": "Say: {input}!",
    "nearest_examples": 6,
    "examples": [{"input": f"Say: {text}!", "output": str(place)} for place, text in enumerate(texts(60, 1))],
}  # fmt: skip
MORE: list[dict[str, Any]] = [
    {}, {"nearest_examples": 0}, {"nearest_examples": 99}, {"examples": []}, {"input_template": "{input}"},
    {"input_template": "word " * 400 + "{input}"}, {"input_template": "{input} and {input}"},
]  # fmt: skip
QUESTIONS = [*texts(80, 2), *texts(20, 1), "word " * 400]


def config(content: dict[str, Any]) -> AgentConfig:
    return AgentConfig(id="c", number=1, content=content)


@pytest.mark.parametrize("more", MORE)
def test_the_python_client_shows_what_the_product_does(more: dict[str, Any]) -> None:
    ours, theirs = Prompt.from_content(CONTENT | more), config(CONTENT | more)
    for question in QUESTIONS:
        assert theirs.messages(question) == ours.messages(question)


@pytest.mark.skipif(NODE is None, reason="no Node on the path")
@pytest.mark.parametrize("more", MORE)
def test_the_javascript_client_shows_what_the_python_client_does(more: dict[str, Any], tmp_path: Path) -> None:
    content = CONTENT | more
    (tmp_path / "given.json").write_text(json.dumps({"content": content, "questions": QUESTIONS}))
    told = in_node(
        """
        const { AgentConfig } = await import(given.module);
        const { readFileSync } = await import("node:fs");
        const { content, questions } = JSON.parse(readFileSync(given.file, "utf8"));
        const config = new AgentConfig({ config_id: "c", config_number: 1, content });
        const asked = questions.map((question) => config.messages(question));
        const run = config.forOneRun({ ...content, system_prompt: "" });
        answer(questions.map((question, place) => [asked[place], run.messages(question)]));
        """,
        module=(LEARNING / "config.js").as_uri(),
        file=str(tmp_path / "given.json"),
    )
    theirs = config(content)
    for question, (found, in_a_run) in zip(QUESTIONS, told, strict=True):
        assert found == theirs.messages(question)
        assert in_a_run == found[1:]


def test_examples_are_looked_at_once_for_all_runs_and_users() -> None:
    one = config(CONTENT)
    looked_at = one._nearest._texts
    changed = one.for_one_run({**CONTENT, "system_prompt": "Other."})
    assert changed._nearest._texts is one.for_one_run()._nearest._texts is looked_at
    assert config(json.loads(json.dumps(CONTENT)))._nearest._texts is looked_at
    fewer = one.for_one_run({**CONTENT, "examples": CONTENT["examples"][:3]})
    assert len(fewer.messages("refund")) == 1 + 2 * 3 + 1


@pytest.mark.skipif(NODE is None, reason="no Node on the path")
def test_javascript_looks_at_the_same_examples_once_and_forgets_those_that_nobody_asked_about_lately() -> None:
    told = in_node(
        """
        const { lookedAt } = await import(given.module);
        const first = lookedAt(["a refund", "a card"]);
        const kept = [];
        for (let n = 0; n < 20; n++) kept.push(lookedAt([`text ${n}`]) && lookedAt(["a refund", "a card"]) === first);
        const once = lookedAt(["text 0"]);
        for (let n = 0; n < 8; n++) lookedAt([`another ${n}`]);
        answer([kept.every(Boolean), lookedAt(["text 0"]) === once, lookedAt(["a card", "a refund"]) === first]);
        """,
        module=(LEARNING / "nearest.js").as_uri(),
    )
    assert told == [True, False, False]
