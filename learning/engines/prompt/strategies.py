"""How variants may come about. A run may name the strategies it wants; otherwise it takes those that fit."""

from __future__ import annotations

from collections.abc import Sequence

# Name -> what it does, for the people who choose. The order is the one in which they are offered.
STRATEGIES: dict[str, str] = {
    "clarified": "The instruction with the wanted form of the answer stated.",
    "restructured": "The instruction put into another order: task, answer, nothing else.",
    "output_contract": "Rules for the form of the answer, with a sample of each kind.",
    "few_shot": "Examples shown as earlier turns of the chat, under the instruction as it is.",
    "combined": "Examples under a new instruction.",
    "nearest": "Of many examples those that are most like the question, chosen anew for each.",
    "rewritten": "Instructions that the language model writes itself. Costs calls; needs a capable model.",
    "reflective": "Instructions evolved from mistakes and users' words (GEPA). Many calls; needs a capable model.",
}
NEED_A_WRITER = frozenset({"rewritten", "reflective"})
SEARCH_OVER_EXAMPLES = frozenset({"few_shot", "combined", "nearest"})
SCARCE_CALLS = 120  # with fewer for the race, plain instructions leave too little for the search over examples
REFLECTIVE_CALLS = 300  # with fewer for the race, reflection leaves too little for the race


def choose_strategies(asked: Sequence[str] | None, *, race_calls: int, rewrites: int) -> frozenset[str]:
    """The strategies of a run. Raises ValueError naming one that does not exist.

    Asked by nobody: search over examples alone when calls are scarce, and nothing that the model must write itself
    unless rewrites are wanted.
    """
    if asked is not None:
        return _known(asked)
    chosen = set(STRATEGIES) - NEED_A_WRITER
    if race_calls < SCARCE_CALLS:
        chosen &= SEARCH_OVER_EXAMPLES
    if rewrites:
        chosen.add("rewritten")
        if race_calls >= REFLECTIVE_CALLS:
            chosen.add("reflective")
    return frozenset(chosen)


def _known(asked: Sequence[str]) -> frozenset[str]:
    for name in asked:
        if name not in STRATEGIES:
            raise ValueError(f"Unknown strategy {name!r}: choose from {', '.join(STRATEGIES)}.")
    if not asked:
        raise ValueError("At least one strategy is needed.")
    return frozenset(asked)
