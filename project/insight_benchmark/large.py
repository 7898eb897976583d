"""100,000 executions with an opinion each: how long everything takes, and with how much memory."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass

from learning.engines.insight.learner import HumanFeedbackLearner
from learning.engines.insight.text_features import text_features
from learning.engines.insight.types import Opinions

ROWS, QUICK_ROWS = 100_000, 10_000
WORDS = 100  # of an answer
REVIEWERS, CASES = 2_000, 30_000


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
    vocabulary = np.array(
        [f"{one}{other}" for one in ("re", "un", "a", "con") for other in ("port", "ly", "sure", "st.")]
    )
    texts = [" ".join(words) for words in vocabulary[rng.integers(0, len(vocabulary), (rows, WORDS))]]
    before = time.process_time()
    read = [text_features(text) for text in texts]
    reading = time.process_time() - before
    features = {f"answer.{name}": np.array([one[name] for one in read]) for name in read[0]}
    features |= {name: rng.exponential(size=rows) for name in ("duration_ms", "input_tokens", "cost", "confidence")}
    quality = np.clip(0.6 + 0.1 * rng.normal(size=rows) - 0.05 * features["duration_ms"], 0, 1)
    aspects = {f"user.{name}": np.round(1 + 4 * quality + rng.normal(0, 0.5, rows)) for name in "abcde"}
    properties = {f"route {name}": rng.uniform(size=rows) < 0.2 for name in range(20)}
    who, what = rng.integers(0, REVIEWERS, rows), rng.integers(0, CASES, rows)
    before = time.process_time()
    HumanFeedbackLearner().learn(Opinions(features, aspects, who, what, texts), quality, properties)
    learning = time.process_time() - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Effort(rows, reading, learning, memory)
