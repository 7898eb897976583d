"""How much personal data redaction finds in real texts, and how often it takes something else for it."""

from __future__ import annotations

import json
import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass

from django.conf import settings

from organizations.redaction.redactor import redact_texts, standard_recognizers
from project.dataset_benchmark import real_texts
from project.services.place import PROJECT_DIR

# Invented persons' data, labelled by kind; where they come from stands beside them.
LABELLED = PROJECT_DIR / "tests" / "data" / "redaction" / "labelled.jsonl"


@dataclass(frozen=True)
class Redaction:
    """recall: of the values put after real sentences, the share of which nothing remains; by kind too.

    precision: of what was replaced in them and in sentences without any, the share that was put in. Personal data that
    the sentences held before counts against it.
    """

    recall: float
    precision: float
    by_kind: dict[str, float]
    texts: int
    texts_per_s: float


def measure() -> Redaction:
    draw = random.Random(11)
    sentences = real_texts.questions() + real_texts.reviews()
    draw.shuffle(sentences)
    recognizers = standard_recognizers(settings.REDACTION_REGIONS)
    found, total = Counter[str](), Counter[str]()
    replaced = right = 0
    values = _values()
    started = time.perf_counter()
    for number, sentence in enumerate(sentences):
        kind, value, said = values[number] if number < len(values) else ("", "", "")
        result = redact_texts({"input_text": f"{sentence} {said}"}, recognizers)
        replaced += sum(result.found.values())
        if value:
            gone = value not in result.texts["input_text"]
            total[kind] += 1
            found[kind] += gone
            right += gone
    seconds = time.perf_counter() - started
    shares = {kind: found[kind] / total[kind] for kind in sorted(total)}
    return Redaction(
        sum(found.values()) / sum(total.values()), right / replaced, shares, len(sentences), len(sentences) / seconds
    )


def _values() -> list[tuple[str, str, str]]:
    """(kind, value, the words that say it), the kinds in turn."""
    by_kind: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for line in LABELLED.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        if case["kind"]:
            by_kind[case["kind"]].append((case["kind"], case["value"], case["text"]))
    return [one for turn in zip(*by_kind.values(), strict=True) for one in turn]
