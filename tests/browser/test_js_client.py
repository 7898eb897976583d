"""static/js/client.js and word-diff.js, run by the browser."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.site import Site

CONFIG = {
    "config_id": "c-7",
    "config_number": 7,
    "variant": "treatment",
    "experiment_id": "e-1",
    "content": {
        "system_prompt": "One word.",
        "examples": [{"input": "Great!", "output": "positive"}],
        "model": "small",
        "parameters": {"temperature": 0},
        "input_template": "Review: {input}",
    },
}


@pytest.fixture
def run(page: Page, site: Site) -> Any:
    """run(code): what the code gives, with `learning` (a client that retries once) and the modules at hand."""
    site.pages["/"] = '<!doctype html><html lang="en"><title>Client</title><link rel="icon" href="data:,"></html>'
    page.goto(site.url)

    def evaluated(code: str) -> Any:
        return page.evaluate(
            """async (code) => {
              const { AgentLearning, AgentLearningError } = await import("/static/js/client.js");
              const { wordDiff } = await import("/static/js/word-diff.js");
              const learning = new AgentLearning({ key: "sk_test", retries: 1 });
              return await """
            + f"({code}); }}"
        )

    return evaluated


def test_an_execution_carries_the_config_that_served_it(run: Any, site: Site) -> None:
    site.answers.extend([(200, CONFIG), (201, {"execution_id": "x-1", "id": "0190"})])
    answer = run(
        """learning.configFor("support/1", "u 1").then((config) => learning.logExecution(
        { agent: "support/1", execution: "x-1", user: "u 1", input: "Hi", output: "positive", config,
          durationMs: 12, cost: 0.1 }))"""
    )
    asked, logged = site.sent
    assert answer == {"execution_id": "x-1", "id": "0190"}
    assert asked.path == "/api/learning/agents/support%2F1/config?user_id=u+1"
    assert logged.body == {
        "agent_id": "support/1",
        "execution_id": "x-1",
        "user_id": "u 1",
        "input": "Hi",
        "output": "positive",
        "config_id": "c-7",
        "variant": "treatment",
        "duration_ms": 12,
        "cost": 0.1,
    }


def test_a_config_makes_the_chat_with_examples_as_earlier_turns(run: Any, site: Site) -> None:
    site.answers.append((200, CONFIG))
    assert run('learning.configFor("a", "u").then((config) => config.messages("Bad $& {input}"))') == [
        {"role": "system", "content": "One word."},
        {"role": "user", "content": "Great!"},
        {"role": "assistant", "content": "positive"},
        {"role": "user", "content": "Review: Bad $& {input}"},
    ]


def test_a_busy_server_is_asked_again_with_the_same_key(run: Any, site: Site, complaints: list[str]) -> None:
    site.answers.append((503, {"title": "Busy"}))
    assert run('learning.sendFeedback({ agent: "a", execution: "x", type: "thumbs_up" })')["success"] is True
    assert len({sent.headers["idempotency-key"] for sent in site.sent}) == 1
    assert len(site.sent) == 2
    complaints.clear()


def test_a_refusal_is_not_repeated_and_names_its_field(run: Any, site: Site, complaints: list[str]) -> None:
    site.answers.append((400, {"title": "Bad request", "errors": [{"field": "rating", "message": "At most 5."}]}))
    told = run(
        """learning.sendFeedback({ agent: "a", execution: "x", type: "star_rating", rating: 6 })
        .catch((error) => [error instanceof AgentLearningError, error.message, error.status, error.errors[0].field])"""
    )
    assert told == [True, "At most 5.", 400, "rating"]
    assert len(site.sent) == 1
    complaints.clear()


def test_a_word_diff_gives_back_both_texts(run: Any) -> None:
    pairs = [
        ["It takes ten days.", "It takes 5 days!"],
        ["", "new"],
        ["old", ""],
        ["a a b", "b a a"],
        ["naïve café", "naive café"],
    ]
    for before, after in pairs:
        steps = run(f"wordDiff({before!r}, {after!r})")
        assert "".join(text for op, text in steps if op != "insert") == before
        assert "".join(text for op, text in steps if op != "delete") == after
        assert all(one[0] != other[0] for one, other in pairwise(steps))


def test_a_word_diff_of_long_texts_stays_quick(run: Any) -> None:
    assert run(
        """(() => {
        const text = (word) => Array.from({ length: 20000 }, (_, i) => word + (i * 7919) % 5003).join(" ");
        const start = performance.now();
        wordDiff(text("a"), text("b"));
        return performance.now() - start < 1000; })()"""
    )
