"""The values that engines take and give. Frozen; impossible numbers are refused when the value is made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypedDict

from learning.engines.errors import EngineError
from learning.engines.nearest import nearest_texts, without_template

INPUT_PLACE = "{input}"
NEAREST = "nearest_examples"  # the key of a config's content
MOST_NEAREST = 100
JsonObject = dict[str, Any]


class Message(TypedDict):
    """One turn of a chat."""

    role: str
    content: str


class Split(StrEnum):
    """What an example may be used for: to learn from, to choose by, to confirm on."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Example:
    """One input with the answer that people want.

    `original` is what the agent said when it was asked, None when nobody asked it.
    `group` is shared by near-duplicates, which count as one case when a gain is measured.
    `issues`: categories that users named; `comment`: what they said about the original answer, in their words.
    """

    key: str
    input: str
    expected: str
    split: Split
    original: str | None = None
    group: str = ""
    issues: tuple[str, ...] = ()
    comment: str = ""

    def __post_init__(self) -> None:
        if not self.key:
            raise ValueError("An example needs a key.")
        object.__setattr__(self, "split", Split(self.split))

    @property
    def case(self) -> str:
        """The independent case that this example belongs to."""
        return self.group or self.key


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A question and its answer, shown to the model as an earlier exchange of the same chat."""

    input: str
    output: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything in an agent config that decides how the model is asked.

    `nearest`: how many of the examples are shown with a question, those most like it; 0: all of them, in their order.
    `extra` holds the keys of the config that this engine does not touch, so that they survive a round trip.
    """

    system_prompt: str = ""
    examples: tuple[Demonstration, ...] = ()
    input_template: str = INPUT_PLACE
    model: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)
    nearest: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.nearest, bool) or not isinstance(self.nearest, int) or not 0 <= self.nearest <= MOST_NEAREST:
            raise ValueError(f"{NEAREST} must be a whole number from 0 to {MOST_NEAREST}.")
        if INPUT_PLACE not in self.input_template:
            raise ValueError(f"input_template must contain {INPUT_PLACE}.")

    def wrap(self, text: str) -> str:
        """The user turn for one input. Plain replacement: braces in the text stay what they are."""
        return self.input_template.replace(INPUT_PLACE, text)

    def unwrap(self, turn: str) -> str:
        """The input of a user turn; the turn itself where the template did not make it."""
        start, *others = self.input_template.split(INPUT_PLACE)
        length = (len(turn) - len(start) - sum(map(len, others))) // len(others)
        text = turn[len(start) : len(start) + max(0, length)]
        return text if self.wrap(text) == turn else turn

    def messages(self, text: str) -> list[Message]:
        """The chat that asks this prompt about one input."""
        turns: list[Message] = []
        if self.system_prompt:
            turns.append(Message(role="system", content=self.system_prompt))
        for example in self.shown(text):
            turns.append(Message(role="user", content=example.input))
            turns.append(Message(role="assistant", content=example.output))
        turns.append(Message(role="user", content=self.wrap(text)))
        return turns

    def shown(self, text: str) -> tuple[Demonstration, ...]:
        """The examples that one input is asked with, the most alike last where they are chosen for it."""
        if not self.nearest:
            return self.examples
        asked = tuple(without_template(one.input, self.input_template, INPUT_PLACE) for one in self.examples)
        places = nearest_texts(asked).places(text, self.nearest)
        return tuple(self.examples[place] for place in reversed(places))

    @property
    def shown_count(self) -> int:
        """How many examples a question is asked with."""
        return min(self.nearest or len(self.examples), len(self.examples))

    def request(self, text: str) -> CompletionRequest:
        """The call that asks this prompt about one input."""
        return CompletionRequest(tuple(self.messages(text)), model=self.model, parameters=self.parameters)

    def content(self) -> JsonObject:
        """The content of an agent config that asks the same way."""
        return {
            **self.extra,
            "system_prompt": self.system_prompt,
            "examples": [{"input": one.input, "output": one.output} for one in self.examples],
            "model": self.model,
            "parameters": dict(self.parameters),
            "input_template": self.input_template,
            **({NEAREST: self.nearest} if self.nearest else {}),
        }

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> Prompt:
        """Read the content of an agent config. Raises ValueError naming the key that is wrong."""
        known = {"system_prompt", "examples", "model", "parameters", "input_template", NEAREST}
        return cls(
            system_prompt=_text(content, "system_prompt", ""),
            examples=tuple(_demonstrations(content.get("examples", []))),
            input_template=_text(content, "input_template", INPUT_PLACE),
            model=_text(content, "model", ""),
            parameters=_mapping(content, "parameters"),
            extra={key: value for key, value in content.items() if key not in known},
            nearest=content.get(NEAREST, 0),
        )

    @classmethod
    def with_template_of(cls, content: Mapping[str, Any]) -> Prompt:
        """The template of a config and nothing else of it: whatever of the rest cannot be read does not matter."""
        template = content.get("input_template")
        return cls(input_template=template) if isinstance(template, str) and INPUT_PLACE in template else cls()

    @property
    def digest(self) -> str:
        """SHA-256 of the content in canonical JSON (hexadecimal)."""
        return hashlib.sha256(canonical_json(self.content()).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """One call to a language model. An empty `model` means the one that the client was made with."""

    messages: tuple[Message, ...]
    model: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back. Tokens as counted by the server; `cached` when no call was made: then the tokens and the money
    are those of the time when it was asked for, as far as they are known.

    `error` is set when the model refused this very request (too long, say); the text is then empty.
    `estimated`: the server did not count the tokens, so they and the money come from the length of the texts.
    `money`: what it cost, in the currency of the price table; None when no price is known.
    `seconds`: from the request to the answer; None when nobody measured.
    """

    text: str
    input_tokens: int = 0
    output_tokens: int = 0
    cached: bool = False
    error: str = ""
    money: Decimal | None = None
    seconds: float | None = None
    estimated: bool = False

    def __post_init__(self) -> None:
        if self.input_tokens < 0 or self.output_tokens < 0:
            raise ValueError("Tokens cannot be negative.")


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a run may ask of the model; None: no limit.

    `calls`: completions, confirmation included. `tokens`: in and out together. `money`: in the currency of the price
    table. `seconds`: from the start of the run. An engine plans by its calls; the client keeps to all four.
    """

    calls: int
    tokens: int | None = None
    money: Decimal | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.calls < 1:
            raise ValueError("A budget needs at least one call.")
        for name in ("tokens", "money", "seconds"):
            limit = getattr(self, name)
            if limit is not None and not limit > 0:
                raise ValueError(f"A budget of {name} must be above 0.")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run used. `calls`: completions asked for, of which `cached_calls` came from the cache.

    `estimated_calls`: those whose tokens the server did not count, so that they are estimated here.
    `money`: in the currency of the price table; None when the price of a part of it is unknown.
    """

    calls: int = 0
    cached_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    money: Decimal | None = Decimal(0)
    estimated_calls: int = 0

    def __post_init__(self) -> None:
        tokens = min(self.input_tokens, self.output_tokens)
        if min(self.calls, self.cached_calls, self.estimated_calls, tokens, self.money or 0) < 0:
            raise ValueError("A cost cannot be negative.")
        if self.cached_calls > self.calls:
            raise ValueError("More calls came from the cache than were made.")

    def __add__(self, other: Cost) -> Cost:
        unknown = self.money is None or other.money is None
        return Cost(
            self.calls + other.calls,
            self.cached_calls + other.cached_calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            None if unknown else (self.money or Decimal(0)) + (other.money or Decimal(0)),
            self.estimated_calls + other.estimated_calls,
        )

    @classmethod
    def of(cls, completion: Completion) -> Cost:
        """What one completion cost. An answer from the cache costs nothing, whatever it cost when it was given."""
        if completion.cached:
            return cls(1, 1)
        estimated = int(completion.estimated)
        return cls(1, 0, completion.input_tokens, completion.output_tokens, completion.money, estimated)

    def as_json(self) -> JsonObject:
        """As it is kept; money as a text, so that no digit is lost."""
        money = None if self.money is None else str(self.money)
        return {
            "calls": self.calls,
            "cached_calls": self.cached_calls,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "money": money,
            "estimated_calls": self.estimated_calls,
        }


@dataclass(slots=True)
class SealedSplit:
    """The test split behind a door that opens once. `size` may be known before, the content may not.

    `count_earlier`: how often others read examples of it before, asked when it is opened; the number is in `earlier`.
    """

    size: int
    read: Callable[[], Sequence[Example]]
    opened: bool = False
    count_earlier: Callable[[], int] = int
    earlier: int = 0

    def read_test(self) -> tuple[Example, ...]:
        """Break the seal. Raises EngineError when it was broken before or a wrong example lies inside."""
        if self.opened:
            raise EngineError("The test split was read before; a second look would make its figures worthless.")
        self.opened = True
        examples = tuple(self.read())
        self.earlier = self.count_earlier()
        if any(example.split is not Split.TEST for example in examples):
            raise EngineError("The sealed split holds examples that do not belong to the test split.")
        return examples


def canonical_json(value: object) -> str:
    """The one text for a JSON value: sorted keys, no spaces, no escapes beyond the needed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _text(content: Mapping[str, Any], key: str, default: str) -> str:
    value = content.get(key, default)
    if not isinstance(value, str):
        raise ValueError(f"{key} must be a text.")
    return value


def _mapping(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = content.get(key, {})
    if not isinstance(value, Mapping):
        raise ValueError(f"{key} must be an object.")
    return dict(value)


def _demonstrations(items: object) -> list[Demonstration]:
    if not isinstance(items, list):
        raise ValueError("examples must be a list.")
    demonstrations = []
    for item in items:
        if not isinstance(item, Mapping):
            raise ValueError("examples must hold objects with input and output.")
        demonstrations.append(Demonstration(_text(item, "input", ""), _text(item, "output", "")))
    return demonstrations
