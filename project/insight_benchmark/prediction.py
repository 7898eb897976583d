"""How long `predict-quality` takes to answer with its reasons.

The largest model that is ever kept, 75 trees on 20 features, asked about an answer of 200 words. A request goes through
everything but the network: sign-in, scope, the database, the features of the texts, the model, the reasons, the JSON.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.test import Client
from django.utils import timezone

from learning.models import Agent, InsightReport, QualityModel
from learning.services.insight_features import PLAIN
from learning.services.text_numbers import ANSWER_NUMBERS
from organizations.keys import create_api_key
from organizations.scope import organization_scope
from organizations.services import create_organization
from project.benchmarks import quantile

if TYPE_CHECKING:
    from learning.engines.insight.saved import SavedModel

ROWS, TREES = 6_000, 75
OTHERS = tuple(f"metadata.{name}" for name in "abcde")  # the application's own, unknown here
QUESTION = "May I return the item that I ordered last week, and who pays for it?"
ANSWER = (
    "You may return it within 30 days. Perhaps the label is in the parcel:\n- print it\n- bring it to a shop\n" * 10
)
PATH = "/api/learning/agents/bench/predict-quality"


@dataclass(frozen=True)
class Latency:
    """Milliseconds of a request: median, 95th percentile, and of this process's processor on average; and of the model
    alone, its features included.
    """

    requests: int
    median: float
    p95: float
    processor: float
    model: float


def measure_prediction(requests: int) -> Latency:
    """Raises RuntimeError when an answer is none."""
    model = largest_model()
    organization = create_organization(name="Prediction", slug="prediction")
    with organization_scope(organization.id):
        _keep(model)
        key = create_api_key(name="bench", scopes=["read"])[1]
    client = Client(headers={"authorization": f"Bearer {key}", "host": "127.0.0.1"})
    body = {"input": QUESTION, "output": ANSWER, "duration_ms": 812, "confidence": 0.7}

    def ask() -> None:
        answer = client.post(PATH, body, content_type="application/json")
        if answer.status_code != 200 or not answer.json()["reasons"]:
            raise RuntimeError(f"predict-quality answered {answer.status_code}: {answer.content[:300]!r}")

    ask()  # loads what is loaded once
    before = time.process_time()
    taken = _timed(ask, requests)
    processor = 1000 * (time.process_time() - before) / requests
    alone = quantile(_timed(_alone(model), requests), 0.5)
    return Latency(requests, quantile(taken, 0.5), quantile(taken, 0.95), processor, alone)


def largest_model() -> SavedModel:
    """Of made-up opinions that every feature has a part in."""
    import numpy as np

    from learning.engines.insight.fitting import Candidate

    rng = np.random.default_rng(0)
    names = (*ANSWER_NUMBERS, *PLAIN, *OTHERS)
    table = rng.normal(size=(ROWS, len(names)))
    said = 0.5 + 0.1 * np.tanh(table).sum(axis=1) / np.sqrt(len(names)) + 0.05 * rng.normal(size=ROWS)
    return Candidate("boosting", TREES).fit(table, said, names, 0).saved


def _keep(model: SavedModel) -> None:
    now = timezone.now()
    agent = Agent.objects.create(external_id="bench", name="Bench")
    report = InsightReport.objects.create(agent=agent, number=1, trigger="command", since=now, until=now)
    QualityModel.objects.create(report=report, used=True, kind=model.kind, reason="Bench.", content=model.as_json())


def _alone(model: SavedModel) -> Callable[[], None]:
    from learning.services.insight_features import describe_answer

    def predict() -> None:
        model.predict(describe_answer(asked=QUESTION, said=ANSWER, known={"duration_ms": 812, "confidence": 0.7}))

    return predict


def _timed(call: Callable[[], None], times: int) -> list[float]:
    found = []
    for _ in range(times):
        before = time.perf_counter()
        call()
        found.append(1000 * (time.perf_counter() - before))
    return found
