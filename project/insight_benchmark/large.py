"""100,000 executions with an opinion each: how long everything takes, and with how much memory.

As the product does it at its first look: the texts of all executions are read for their numbers, which later looks find
stored, and the words of the newest MOST_TEXTS are compared.
"""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from learning.engines.insight.learner import HumanFeedbackLearner
from learning.engines.insight.pairs import Pairs
from learning.engines.insight.text_features import text_features
from learning.engines.insight.types import Opinions
from learning.services.insight_choices import MOST_CHOICES
from learning.services.insight_features import MOST_TEXTS

if TYPE_CHECKING:
    import numpy as np

ROWS, QUICK_ROWS = 100_000, 10_000
WORDS, VOCABULARY = 100, 5_000  # of an answer, and of all; the n-th word is as frequent as 1/n
REVIEWERS, CASES = 2_000, 30_000
LETTERS = ("bdklmnrst", "aeiou", "bdklmnrst", "aeiou", "lnrst")  # of made-up words


@dataclass(frozen=True)
class Effort:
    """Seconds of reading the texts and of learning, processor time; megabytes at the most."""

    rows: int
    reading: float
    learning: float
    memory: float


def learn_from_many(rows: int) -> Effort:
    """Everything that a run does between reading from and writing to the database."""
    import numpy as np

    rng = np.random.default_rng(0)
    texts = _texts(rng, rows)
    before = time.process_time()
    read = [text_features(text) for text in texts]
    reading = time.process_time() - before
    features = {f"answer.{name}": np.array([one[name] for one in read]) for name in read[0]}
    features |= {name: rng.exponential(size=rows) for name in ("duration_ms", "input_tokens", "cost", "confidence")}
    quality = np.clip(0.6 + 0.1 * rng.normal(size=rows) - 0.05 * features["duration_ms"], 0, 1)
    aspects = {f"user.{name}": np.round(1 + 4 * quality + rng.normal(0, 0.5, rows)) for name in "abcde"}
    properties = {f"route {name}": rng.uniform(size=rows) < 0.2 for name in range(20)}
    worded = [*texts[:MOST_TEXTS], *[""] * max(0, rows - MOST_TEXTS)]
    who, what = rng.integers(0, REVIEWERS, rows), rng.integers(0, CASES, rows)
    pairs = _pairs(rng)
    before = time.process_time()
    HumanFeedbackLearner().learn(Opinions(features, aspects, who, what, worded), quality, properties, pairs=pairs)
    learning = time.process_time() - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Effort(rows, reading, learning, memory)


def _texts(rng: np.random.Generator, rows: int) -> list[str]:
    import numpy as np

    made = ["".join(one) for one in product(*LETTERS)][:VOCABULARY]
    words = [f"{word}." if place % 12 == 0 else word for place, word in enumerate(made)]
    chances = 1 / np.arange(1, len(words) + 1)
    drawn = (rng.choice(len(words), WORDS, p=chances / chances.sum()) for _ in range(rows))
    return [" ".join(map(words.__getitem__, row.tolist())) for row in drawn]


def _pairs(rng: np.random.Generator) -> Pairs:
    """As many as are read of one source, on seven features."""
    differences = {f"answer.{name}": rng.normal(0.3, 1, MOST_CHOICES) for name in "abcdefg"}
    who, what = rng.integers(0, REVIEWERS, MOST_CHOICES), rng.integers(0, CASES, MOST_CHOICES)
    return Pairs(differences, who, what)
