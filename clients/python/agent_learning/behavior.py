"""What a policy update taught an agent, used at run time: like demonstrations, likely next actions, forbidden ones.

Everything is computed here, from the config that was fetched: nothing waits for the server. The features and sums are
those of the product (docs/behavior.md), in plain Python.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

WORD = re.compile(r"[^\W\d_]{2,}")
MOST_WORDS = 150
TEXT = 2.0
MOST_NOTED = 50
RESPOND = "respond"

Past = Sequence[tuple[str, bool]]


@dataclass(frozen=True)
class Situation:
    """What the agent knows now. `observation`: what came last, None for the request itself; `source`: who it came from,
    "user" or "tool"; `past`: (action, failed) until now.
    """

    request: str
    observation: str | None = None
    source: str = "user"
    past: Past = ()

    @property
    def seen(self) -> str:
        return self.request if self.observation is None else self.observation


@dataclass
class Behavior:
    """The learned behavior in the content of an agent config; empty when there is none.

    `applied`: what was used of it here, {"demonstrations": [ids], "forbidden": [actions]}.
    """

    content: Mapping[str, Any]
    applied: dict[str, list[str]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _store: _Store | None = field(default=None, init=False, repr=False, compare=False)

    def for_one_run(self) -> Behavior:
        """The same, with its own record of what was applied."""
        one = Behavior(self.content)
        one._store = self._stored()
        return one

    def suggest(self, situation: Situation) -> dict[str, float]:
        """The likely next actions with their probabilities, the likeliest first, without what the rules forbid."""
        policy = self.content.get("action_policy")
        if not policy:
            return {}
        scores = _scores(policy, features_of(situation))
        allowed = {name: one for name, one in scores.items() if not self._broken(name, situation)} or scores
        top = max(allowed.values())
        raised = {name: math.exp(one - top) for name, one in allowed.items()}
        total = sum(raised.values())
        return dict(sorted(((name, one / total) for name, one in raised.items()), key=lambda one: -one[1]))

    def forbids(self, action: str, situation: Situation) -> str:
        """The rule that the action would break now; empty when there is none. An answer is never forbidden."""
        rule = self._broken(action, situation)
        if rule:
            self._note("forbidden", [action])
        return rule

    def _broken(self, action: str, situation: Situation) -> str:
        if action == RESPOND:
            return ""
        done = {name for name, failed in situation.past if not failed}
        for rule in self.content.get("rules", ()):
            check = rule.get("check") or {}
            if check.get("action") != action:
                continue
            kind, other = check.get("kind"), check.get("of", "")
            broken = (
                (kind == "after" and other not in done)
                or (kind == "not_after" and other in done and action not in done)
                or (kind == "asked" and situation.source != "user")
            )
            if broken:
                return str(rule.get("text") or "A learned rule forbids this action now.")
        return ""

    def demonstrations(self, situation: Situation, most: int | None = None) -> list[Mapping[str, Any]]:
        """The demonstrated steps whose situation is most alike, the best first; `most`: as the config says."""
        store = self._stored()
        if store is None:
            return []
        return store.nearest(situation, self.content.get("shown", 3) if most is None else most)

    def messages(self, messages: Sequence[Mapping[str, Any]], situation: Situation) -> list[dict[str, Any]]:
        """A chat with the most alike demonstrations before its last turn but after what the system says."""
        found = self.demonstrations(situation)
        self._note("demonstrations", [str(one["from"]) for one in found if one.get("from")])
        shown = [turn for one in reversed(found) for turn in _as_turns(one)]
        start = next((place for place, one in enumerate(messages) if one.get("role") != "system"), len(messages))
        return [*map(dict, messages[:start]), *shown, *map(dict, messages[start:])]

    def _stored(self) -> _Store | None:
        rows = self.content.get("demonstrations") or ()
        if rows and self._store is None:
            self._store = _Store(rows)
        return self._store

    def _note(self, kind: str, names: Sequence[str]) -> None:
        if names:
            self.applied[kind] = list(dict.fromkeys([*self.applied.get(kind, ()), *names]))[:MOST_NOTED]


def features_of(situation: Situation) -> dict[str, float]:
    """Feature names with their values."""
    names = [name for name, _ in situation.past[-3:]]
    found = {"bias": 1.0, f"from={situation.source}": 1.0, f"steps={_size(len(situation.past))}": 1.0}
    for length in range(1, 4):
        last = names[-length:] if len(names) >= length else ["start", *names]
        found[f"last{length}={'>'.join(last)}"] = 1.0
    for name in {name for name, _ in situation.past}:
        found[f"done={name}"] = 1.0
    if situation.past and situation.past[-1][1]:
        found["failed"] = 1.0
        found[f"failed={situation.past[-1][0]}"] = 1.0
    found.update(_words("o", situation.seen))
    found.update(_words("r", situation.request))
    return found


class _Store:
    """Cosine of features weighted by inverse document frequency."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.rows = rows
        vectors = [features_of(_situation(row)) for row in rows]
        counts = Counter(name for vector in vectors for name in vector)
        self.idf = {name: math.log((1 + len(rows)) / (1 + count)) + 1 for name, count in counts.items()}
        self.vectors = [self._weighted(vector) for vector in vectors]

    def nearest(self, situation: Situation, most: int) -> list[Mapping[str, Any]]:
        wanted = self._weighted(features_of(situation))
        alike = [sum(value * vector.get(name, 0.0) for name, value in wanted.items()) for vector in self.vectors]
        order = sorted(range(len(alike)), key=lambda place: -alike[place])
        return [self.rows[place] for place in order[:most]]

    def _weighted(self, vector: Mapping[str, float]) -> dict[str, float]:
        weighted = {name: value * self.idf[name] for name, value in vector.items() if name in self.idf}
        length = math.sqrt(sum(value * value for value in weighted.values())) or 1.0
        return {name: value / length for name, value in weighted.items()}


def _situation(row: Mapping[str, Any]) -> Situation:
    past = [(str(name), bool(failed)) for name, failed in row.get("past", ())]
    return Situation(str(row.get("request", "")), str(row.get("observation", "")), str(row.get("source", "user")), past)


def _as_turns(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A demonstrated step as an exchange of the chat; a call of a tool in words, so that every model takes it."""
    arguments = row.get("arguments") or {}
    said = str(arguments["text"]) if row["action"] == RESPOND and "text" in arguments else (
        f"{row['action']}({json.dumps(arguments, ensure_ascii=False)})"
    )  # fmt: skip
    seen = str(row.get("observation") or row.get("request") or "")
    return [{"role": "user", "content": seen}, {"role": "assistant", "content": said}]


def _scores(policy: Mapping[str, Any], features: Mapping[str, float]) -> dict[str, float]:
    known = [(place, features[name]) for place, name in enumerate(policy["features"]) if name in features]
    return {
        name: sum(row[place] * value for place, value in known)
        for name, row in zip(policy["actions"], policy["weights"], strict=True)
    }


def _words(prefix: str, text: str) -> dict[str, float]:
    words = WORD.findall(text.casefold())[:MOST_WORDS]
    terms = set(words) | {f"{one} {other}" for one, other in pairwise(words)}
    return {f"{prefix}:{term}": TEXT / math.sqrt(len(terms)) for term in terms}


def _size(number: int) -> int:
    return 0 if number == 0 else (number - 1).bit_length() + 1
