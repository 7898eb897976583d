"""The optimizer against the real local model on real text. Small budgets: half a minute each on idle cores."""

from __future__ import annotations

import calendar
import random
from collections.abc import Iterator, Sequence

import pytest

from learning.engines.metrics import exact
from learning.engines.prompt import PromptOptimizer, PromptResult
from learning.engines.types import Budget, Example, Prompt, Split
from learning.llm import OpenAIModel
from learning.llm_cache import MemoryCache
from project.demo.data import read_items
from project.services.local_model import ModelServer

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.timeout(900)]
SIZES = ((Split.TRAIN, 30), (Split.VALIDATION, 20), (Split.TEST, 24))
CALLS = 100


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAIModel]:
    with ModelServer(tmp_path_factory.mktemp("model") / "model.log") as server:
        yield OpenAIModel(
            base_url=server.url, api_key="", model="smollm2-135m-instruct", cache=MemoryCache(), timeout=120
        )


def as_examples(pairs: Sequence[tuple[str, str]]) -> list[Example]:
    splits = [split for split, size in SIZES for _ in range(size)]
    return [Example(str(n), *pair, split) for n, (pair, split) in enumerate(zip(pairs, splits, strict=False))]


def improve(model: OpenAIModel, instruction: str, pairs: Sequence[tuple[str, str]]) -> PromptResult:
    current = Prompt(instruction, parameters={"temperature": 0, "max_tokens": 16, "seed": 1})
    before = model.meter.calls
    optimizer = PromptOptimizer(model=model, metric=exact, budget=Budget(CALLS), seed=1)
    result = optimizer.optimize(current, as_examples(pairs), ["accuracy", "clarity"])
    assert model.meter.calls - before <= CALLS
    assert result.confirmation
    shown = {name: result.as_json()[name]["mean"] for name in ("before", "after", "instruction_only")}
    print(f"{instruction} {shown}, {result.improvement}, {result.cost.calls} calls: {result.best_variant.name}")
    return result


def test_review_sentiment_goes_from_nothing_to_most_answers_right(model: OpenAIModel) -> None:
    items = [(item.text, item.expected) for item in read_items("reviews")]
    halves = [[item for item in items if item[1] == label] for label in ("positive", "negative")]
    balanced = [item for both in zip(*halves, strict=False) for item in both]
    result = improve(model, "What is the sentiment of the text?", balanced)
    assert result.improved
    assert result.confirmation
    assert result.confirmation.before.mean <= 0.1
    assert result.confirmation.after.mean >= 0.4
    assert result.confirmation.improvement.low > 0.1


def test_dates_become_iso_dates(model: OpenAIModel) -> None:
    rng = random.Random(1)
    pairs = []
    for _ in range(sum(size for _, size in SIZES)):
        year, month, day = rng.randint(1995, 2026), rng.randint(1, 12), rng.randint(1, 28)
        name = calendar.month_name[month]
        written = rng.choice([f"{name} {day}, {year}", f"{day} {name} {year}", f"{day}-{name[:3]}-{year}"])
        pairs.append((written, f"{year:04d}-{month:02d}-{day:02d}"))
    result = improve(model, "Normalise the date.", pairs)
    assert result.improved
    assert result.confirmation
    assert result.confirmation.improvement.low > 0
