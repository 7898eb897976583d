"""Policy rules in plain words, each with the evidence behind it. Pure.

A rule is made from what was mined: a precondition, an order, a forbidden action, or a pattern that tells success from
failure. Its words come from a template. A language model may say them better; its sentence is taken only when it names
exactly the actions of the rule, no other action and no number: then it cannot claim what the evidence does not hold.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from learning.engines.behavior.episodes import Episode
from learning.engines.behavior.order import Forbidden, Order
from learning.engines.behavior.patterns import Pattern
from learning.engines.behavior.preconditions import Condition, Precondition, keeps
from learning.engines.behavior.traits import traits_of
from learning.engines.errors import BudgetExceeded, ModelUnavailable
from learning.engines.fencing import AS_DATA, fence, fenced
from learning.engines.protocols import LanguageModel, Tick
from learning.engines.types import CompletionRequest, Message

LONGEST_RULE = 300  # characters
# Whether an action is used at all follows from what the user wants: no advice. How it is used is.
MANNERS = ("run", "before", "repeated", "retried", "unasked", "first")
ALPHA = 0.05
TASK = f"""You write rules for an agent. {AS_DATA} You get one finding about the agent's work. Say it as one rule for
the agent, in one plain sentence of at most 40 words. Keep the names of the actions exactly as they are, name no other
action, and give no numbers. Reply with the sentence alone."""
_NAME = re.compile(r"\b[A-Za-z][A-Za-z0-9]*(?:[_.][A-Za-z0-9]+)+\b")  # what looks like the name of an action


@dataclass(frozen=True, slots=True)
class Rule:
    """`kind`: precondition, order, forbidden or pattern; `about`: what can be checked on an episode."""

    kind: str
    text: str
    actions: tuple[str, ...]
    evidence: dict[str, Any] = field(hash=False)
    about: Condition | Order | Forbidden | Pattern = field(hash=False)
    by_model: bool = False

    def kept_by(self, episode: Episode) -> bool | None:
        """Whether an episode keeps to the rule; None where it does not apply."""
        if isinstance(self.about, Condition):
            return keeps(episode, self.about)
        names = episode.names
        if isinstance(self.about, Order):
            if not {self.about.first, self.about.then} <= set(names):
                return None
            return names.index(self.about.first) < names.index(self.about.then)
        if isinstance(self.about, Forbidden):
            return self.about.action not in names
        if not set(self.about.trait.actions) <= set(names):
            return None
        return (self.about.trait in traits_of(episode)) == self.about.helps

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "text": self.text,
            "actions": list(self.actions),
            "evidence": self.evidence,
            "by_model": self.by_model,
        } | self._checkable()

    def _checkable(self) -> dict[str, Any]:
        """What a client needs to see that an action would break the rule."""
        if isinstance(self.about, Condition):
            return {"check": {"kind": self.about.kind, "action": self.about.action, "of": self.about.of}}
        if isinstance(self.about, Order):
            # Once `then` was used, `first` comes too late.
            return {"check": {"kind": "not_after", "action": self.about.first, "of": self.about.then}}
        return {}


def rules_from(
    preconditions: Sequence[Precondition],
    orders: Sequence[Order],
    forbidden: Sequence[Forbidden],
    patterns: Sequence[Pattern],
) -> list[Rule]:
    """One rule for each finding that can be an advice."""
    conditions = [
        Rule("precondition", one.condition.words, _actions(one.condition), one.as_json(), one.condition)
        for one in preconditions
    ]
    said = {(rule.about.of, rule.about.action) for rule in conditions if isinstance(rule.about, Condition)}
    by_order = [
        Rule("order", one.words, (one.first, one.then), {"kept": one.kept, "cases": one.cases}, one)
        for one in orders
        if (one.first, one.then) not in said
    ]
    never = [
        Rule(
            "forbidden", one.words, (one.action, one.instead),
            {"corrections": one.corrections, "demonstrated": one.demonstrated}, one,
        )
        for one in forbidden
    ]  # fmt: skip
    advice = [
        Rule("pattern", _advice(one), one.trait.actions, one.as_json(), one) for one in patterns if is_advice(one)
    ]
    return [*conditions, *by_order, *never, *advice]


def is_advice(pattern: Pattern) -> bool:
    """A manner of work that goes with success or failure also inside cases, where cases were tried several times."""
    surely = pattern.adjusted <= ALPHA and (pattern.within is None or pattern.within <= ALPHA)
    return surely and pattern.trait.kind in MANNERS


def reword(rules: Sequence[Rule], model: LanguageModel, *, seed: int = 1, tick: Tick | None = None) -> list[Rule]:
    """The rules in the model's words where those pass the check, in the template's otherwise.

    Raises only what the caller's `tick` raises: a model that cannot be reached leaves the templates.
    """
    requests = [_request(rule, seed + place) for place, rule in enumerate(rules)]
    if not requests:
        return []
    try:
        replies = model.complete_many(requests, tick=tick)
    except (ModelUnavailable, BudgetExceeded):
        return list(rules)
    return [_with_words(rule, reply.text) for rule, reply in zip(rules, replies, strict=True)]


def check_words(text: str, rule: Rule, known: Sequence[str] = ()) -> str:
    """Why a sentence cannot stand for the rule; empty when it can. `known`: other names it must not use."""
    if not text or len(text) > LONGEST_RULE or "\n" in text:
        return "not one sentence"
    if re.search(r"\d", _without(text, rule.actions)):
        return "a number that the evidence does not give"
    for name in rule.actions:
        if name not in text:
            return f"it does not name {name}"
    others = set(_NAME.findall(_without(text, rule.actions))) | {name for name in known if name in text.split()}
    if others - set(rule.actions):
        return f"it names {min(others - set(rule.actions))}"
    negative = rule.text.startswith("Do not") or ", not " in rule.text or " only " in rule.text
    if negative and not re.search(r"\b(not|never|only|avoid|without|unless|before|until|don't)\b", text.casefold()):
        return "it turned the rule around"
    return ""


def _request(rule: Rule, seed: int) -> CompletionRequest:
    finding = f"rule: {fenced(rule.text, LONGEST_RULE)}"
    names = "actions: " + ", ".join(fenced(name, 200) for name in rule.actions)
    chat = (Message(role="system", content=TASK), Message(role="user", content=fence(finding, names)))
    return CompletionRequest(chat, parameters={"temperature": 0, "max_tokens": 120, "seed": seed})


def _with_words(rule: Rule, reply: str) -> Rule:
    text = reply.strip().strip('"').strip()
    if check_words(text, rule):
        return rule
    return Rule(rule.kind, text, rule.actions, rule.evidence, rule.about, by_model=True)


def _advice(pattern: Pattern) -> str:
    done = {
        "run": "use {0} right before {1}" if len(pattern.trait.actions) == 2 else "use {0}, {1} and {2} in a row",
        "before": "use {0} before {1}",
        "repeated": "use {0} more than once",
        "retried": "try {0} again at once after it failed",
        "unasked": "use {0} right after a tool's answer without asking the user in between",
        "first": "begin with {0}",
    }[pattern.trait.kind].format(*pattern.trait.actions)
    return f"{done[0].upper()}{done[1:]} where it fits." if pattern.helps else f"Do not {done}."


def _actions(condition: Condition) -> tuple[str, ...]:
    return (condition.action, condition.of) if condition.of else (condition.action,)


def _without(text: str, names: Sequence[str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, "")
    return text
