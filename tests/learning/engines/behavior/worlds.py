"""Made-up work whose truth is known: a shop agent that should look up an order before it refunds."""

from __future__ import annotations

import random

from learning.engines.behavior.episodes import RESPOND, TOOL, USER, Action, Episode, State, Step

WANTS = {"refund": "I want my money back for order {n}", "track": "Where is my parcel of order {n}"}


def step(name: str, observation: str = "", *, source: str = USER, failed: bool = False, **arguments: object) -> Step:
    return Step(observation, Action(name, arguments), "error: no" if failed else "", failed, source)


def episode(key: str, *names: str, reward: float | None = None, group: str = "") -> Episode:
    return Episode(key, tuple(step(name, f"{key} says something") for name in names), reward, group)


def state(observation: str = "hello", *past: str, source: str = USER) -> State:
    return State(observation, observation, source, tuple((name, False) for name in past))


def shop_episode(number: int, rng: random.Random, *, careful: float = 0.5) -> Episode:
    """A request and what the agent did. It ends well mostly when the order was looked up before it acted."""
    want = rng.choice(sorted(WANTS))
    asked = WANTS[want].format(n=1000 + number)
    looked_up = rng.random() < careful
    steps = [step(RESPOND, asked, text="Let me see.")]
    if looked_up:
        steps.append(step("look_up", "yes please", order=str(1000 + number)))
    steps.append(step(want, "the order is there", source=TOOL if looked_up else USER, order=str(1000 + number)))
    steps.append(step(RESPOND, "done", source=TOOL, text="Done."))
    return Episode(f"e{number}", tuple(steps), float(rng.random() < (0.95 if looked_up else 0.1)))


def shop(count: int, seed: int = 1, *, careful: float = 0.5) -> list[Episode]:
    rng = random.Random(seed)
    return [shop_episode(number, rng, careful=careful) for number in range(count)]
