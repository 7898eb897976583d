"""Rules that people can read: the leaves of a shallow tree, with its precision on cases the tree never saw. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from learning.engines.insight.folds import folds_by_group
from learning.engines.insight.rates import Rate, rate_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from learning.engines.insight.types import Flags, Floats, Integers

FEWEST = 60  # opinions
DEPTH = 3
SMALLEST_LEAF = 0.05  # of the opinions it is grown on, and at least 10
LEARNED_PARTS = 3  # one of so many is held out
ERRORS = 0.05  # the chance that any rule that was tried is held better than no rule, and is not


@dataclass(frozen=True, slots=True)
class Condition:
    """`feature` lies above `cut`, or at most there."""

    feature: str
    above: bool
    cut: float


@dataclass(frozen=True, slots=True)
class Rule:
    """Under all conditions executions end in success (or in failure, when not `success`).

    learned: how often that was so where the rule was found; held_out: where it was not, which is the figure to believe.
    base: how often it was so among all that was held out. least: what it surely is on held-out cases, each counted
    once, with all rules that were tried in mind (Bonferroni).
    """

    conditions: tuple[Condition, ...]
    success: bool
    learned: Rate
    held_out: Rate
    base: float
    least: float

    @property
    def holds(self) -> bool:
        """On what was held out it does clearly better than no rule."""
        return self.least > self.base


def find_rules(features: Mapping[str, Floats], success: Floats, cases: Integers, *, seed: int = 0) -> list[Rule]:
    """The rules that hold, the most precise first. success: 1, 0 or nan. A missing value takes the feature's median."""
    import numpy as np

    known = np.isfinite(success)
    parts = folds_by_group(cases[known], LEARNED_PARTS, seed)
    table, names = _table(features, known)
    if known.sum() < FEWEST or len(parts) < LEARNED_PARTS or not names:
        return []
    learned, held = parts[0]
    said = success[known]
    if said[learned].min() == said[learned].max():
        return []
    leaves = _leaves(table[learned], said[learned], names, seed)
    tested = _Held(table[held], said[held], cases[known][held], _quantile(len(leaves)))
    rules = [_checked(leaf, names, tested) for leaf in leaves]
    return sorted((one for one in rules if one.holds), key=lambda one: -(one.held_out.value or 0.0))


def _table(features: Mapping[str, Floats], known: Flags) -> tuple[Floats, list[str]]:
    import numpy as np

    columns, names = [], []
    for name, values in features.items():
        column = np.where(np.isfinite(values), values, np.nan)[known]
        if np.isfinite(column).sum() >= FEWEST and np.nanmin(column) < np.nanmax(column):
            columns.append(np.where(np.isnan(column), np.nanmedian(column), column))
            names.append(name)
    return (np.column_stack(columns) if columns else np.zeros((int(known.sum()), 0))), names


@dataclass(frozen=True, slots=True)
class _Leaf:
    conditions: tuple[Condition, ...]
    successes: float
    n: int


def _leaves(table: Floats, said: Floats, names: list[str], seed: int) -> list[_Leaf]:
    from sklearn.tree import DecisionTreeClassifier  # a second to load, in workers alone

    smallest = max(10, int(SMALLEST_LEAF * len(said)))
    grown = DecisionTreeClassifier(max_depth=DEPTH, min_samples_leaf=smallest, random_state=seed).fit(table, said > 0.5)
    found: list[_Leaf] = []
    _walk(grown.tree_, 0, (), names, found)
    return found


def _walk(tree: Any, node: int, path: tuple[Condition, ...], names: list[str], found: list[_Leaf]) -> None:
    if tree.children_left[node] == -1:
        n = int(tree.n_node_samples[node])
        if path:
            found.append(_Leaf(_merged(path), round(float(tree.value[node][0][1]) * n), n))
        return
    name, cut = names[int(tree.feature[node])], float(tree.threshold[node])
    _walk(tree, int(tree.children_left[node]), (*path, Condition(name, False, cut)), names, found)
    _walk(tree, int(tree.children_right[node]), (*path, Condition(name, True, cut)), names, found)


def _merged(path: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Of two conditions about one end of a feature the narrower, which is the later."""
    kept = {(one.feature, one.above): one for one in path}
    return tuple(kept.values())


@dataclass(frozen=True, slots=True)
class _Held:
    """What was held out. `z`: the normal quantile of the bound that all rules together keep."""

    table: Floats
    said: Floats
    cases: Integers
    z: float


def _quantile(rules: int) -> float:
    from scipy import special

    return float(special.ndtri(1 - ERRORS / 2 / max(1, rules)))


def _checked(leaf: _Leaf, names: list[str], held: _Held) -> Rule:
    import numpy as np

    success = leaf.successes * 2 >= leaf.n
    wanted = held.said > 0.5 if success else held.said <= 0.5
    inside = _inside(leaf, names, held.table)
    right = leaf.successes if success else leaf.n - leaf.successes
    found, cases = rate_of(float(wanted[inside].sum()), float(inside.sum())), len(np.unique(held.cases[inside]))
    least = rate_of((found.value or 0.0) * cases, cases, held.z).low or 0.0
    return Rule(leaf.conditions, success, rate_of(right, leaf.n), found, float(wanted.mean()), least)


def _inside(leaf: _Leaf, names: list[str], table: Floats) -> npt.NDArray[np.bool_]:
    import numpy as np

    inside = np.ones(len(table), bool)
    for one in leaf.conditions:
        above = table[:, names.index(one.feature)].astype(np.float32) > one.cut  # as the tree compares
        inside &= above if one.above else ~above
    return inside
