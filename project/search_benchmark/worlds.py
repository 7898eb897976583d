"""Scripted tasks: a language model that is right with a known probability, which the whole prompt decides.

The probability is a logistic function of what is known to matter to small models: whether examples are shown, and how
many; the instruction; which examples, the later ones more than the first; their order; the label of the last one and
the balance of the labels (Zhao and others, "Calibrate before use", 2021; Lu and others, "Fantastically ordered
prompts", 2022). Every question is harder or easier for all prompts alike. How large the effects are differs from kind
to kind and was not fitted to any model.
"""

from __future__ import annotations

import hashlib
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from learning.engines.protocols import Tick
from learning.engines.types import Completion, CompletionRequest, Example, Message, Prompt, Split

SIZES = {Split.TRAIN: 40, Split.VALIDATION: 30, Split.TEST: 60}
CURRENT = Prompt("What is this about?", parameters={"temperature": 0})
HARDNESS = [statistics.NormalDist().inv_cdf((place + 0.5) / 41) for place in range(41)]


@dataclass(frozen=True)
class Kind:
    """A kind of task. Effects in logits: `without` and `with_one` example, `per_doubling` of their number; standard
    deviations of the effects of the `instruction`, of single `examples`, of their `order`, and of `hardness`; `bias`
    towards the last label and the more frequent ones.
    """

    name: str
    without: float
    with_one: float
    per_doubling: float
    instruction: float = 0.3
    examples: float = 0.8
    order: float = 0.3
    bias: float = 0.4
    hardness: float = 1.2
    labels: int = 3


KINDS = (
    Kind("needs examples", without=-6, with_one=-0.6, per_doubling=0.25),
    Kind("examples help a little", without=0.2, with_one=0.2, per_doubling=0.15, instruction=0.4),
    Kind("instructions decide", without=-0.4, with_one=-0.4, per_doubling=0.0, instruction=1.0, examples=0.3),
    Kind("hard", without=-6, with_one=-2.0, per_doubling=0.25, hardness=1.6),
    Kind("few are better", without=-3, with_one=0.6, per_doubling=-0.25, order=0.5),
    Kind("free text", without=-6, with_one=-0.4, per_doubling=0.2, bias=0.0, labels=0),
)
NULL = Kind("nothing helps", 0.0, 0.0, 0.0, instruction=0, examples=0, order=0, bias=0, hardness=0)


@dataclass
class World:
    """One task of a kind, and the model that answers it. Nothing is random but by the seed."""

    kind: Kind
    seed: int
    examples: list[Example] = field(init=False)
    _right: dict[str, str] = field(init=False)
    _known: dict[tuple[str, ...], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.examples = [
            Example(f"{split}-{n}", f"{split} text {n} of task {self.seed}", self._wanted(f"{split}{n}"), split)
            for split, count in SIZES.items()
            for n in range(count)
        ]
        self._right = {one.input: one.expected for one in self.examples}

    def complete_many(self, requests: Sequence[CompletionRequest], *, tick: Tick | None = None) -> list[Completion]:
        return [Completion(self._answer(request.messages), 40, 2) for request in requests]

    def accuracy(self, prompt: Prompt) -> float:
        """The share (0-1) of right answers that a prompt would have over all questions that there might be.

        What chooses its examples for each question is another prompt for each: the test questions stand for all.
        """
        asked = [one.input for one in self.examples if one.split is Split.TEST] if prompt.nearest else [""]
        return statistics.fmean(self._accuracy(prompt.messages(text)[:-1]) for text in asked)

    def _accuracy(self, turns: Sequence[Message]) -> float:
        base, labels = self._quality(turns), self._labels or [""]
        logits = [base + self._pull(turns, label) for label in labels]
        return statistics.fmean(_logistic(logit - self.kind.hardness * hard) for logit in logits for hard in HARDNESS)

    def _answer(self, messages: Sequence[Message]) -> str:
        turns, text = messages[:-1], messages[-1]["content"]
        right = self._right[text]
        logit = self._quality(turns) + self._pull(turns, right) - self.kind.hardness * self._normal("hard", text)
        if self._share("answer", *_told(turns), text) < _logistic(logit):
            return right
        if not _shown(turns):
            return f"I think that it may be {right}."
        others = [label for label in self._labels if label != right] or ["something else"]
        return others[int(self._share("wrong", *_told(turns), text) * len(others))]

    def _quality(self, turns: Sequence[Message]) -> float:
        """The logit of a prompt, whatever is asked."""
        told = _told(turns)
        if told not in self._known:
            self._known[told] = self._reckon(turns)
        return self._known[told]

    def _reckon(self, turns: Sequence[Message]) -> float:
        kind, shown = self.kind, _shown(turns)
        system = next((turn["content"] for turn in turns if turn["role"] == "system"), "")
        logit = kind.instruction * self._normal("instruction", system)
        if not shown:
            return logit + kind.without
        weights = [1 + place / len(shown) for place in range(len(shown))]
        length = math.sqrt(sum(weight * weight for weight in weights))
        worth = sum(weight * self._normal("example", one) for weight, one in zip(weights, shown, strict=True)) / length
        order = self._normal("order", *_told(turns))
        size = kind.with_one + kind.per_doubling * math.log2(len(shown))
        return logit + size + kind.examples * worth + kind.order * order

    def _pull(self, turns: Sequence[Message], label: str) -> float:
        """How much the shown labels draw towards one: the last of them, and those shown too often."""
        said = [turn["content"] for turn in turns if turn["role"] == "assistant"]
        if not said or not self._labels:
            return 0.0
        fair = 1 / len(self._labels)
        return self.kind.bias * ((said[-1] == label) - fair + 2 * (said.count(label) / len(said) - fair))

    @property
    def _labels(self) -> list[str]:
        return [f"label {n}" for n in range(self.kind.labels)]

    def _wanted(self, name: str) -> str:
        if not self._labels:
            return f"the answer to {name} of {self.seed}"
        return self._labels[int(self._share("label", name) * len(self._labels))]

    def _share(self, *names: str) -> float:
        """A number from 0 to 1 that the names alone decide."""
        text = "\x1f".join((str(self.seed), self.kind.name, *names))
        return (int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) + 0.5) / 2**64

    def _normal(self, *names: str) -> float:
        return statistics.NormalDist().inv_cdf(self._share(*names))


def _told(turns: Sequence[Message]) -> tuple[str, ...]:
    return tuple(f"{turn['role']}: {turn['content']}" for turn in turns)


def _shown(turns: Sequence[Message]) -> list[str]:
    return [turn["content"] for turn in turns if turn["role"] == "user"]


def _logistic(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))
