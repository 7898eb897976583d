"""How reliable each reviewer is, and what several of them come to, without knowing what is right. Pure numpy.

Dawid and Skene 1979: each reviewer has a table of how often they take each decision when each is right; the tables
and the right decisions are estimated together by expectation maximization. A little is added to each cell
(`SMOOTHING`, more on the diagonal), so that a reviewer with few items is taken for fairly good rather than for perfect
or useless.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

SMOOTHING = 0.5  # answers that each cell of a table starts with
TRUST = 1.5  # and how many more on the diagonal
MOST_ROUNDS = 200
SETTLED = 1e-8  # mean change of the probabilities that ends the estimation

Array = npt.NDArray[np.float64]


class Vote(NamedTuple):
    """One decision by one reviewer about one item. Raters and items are any hashable names."""

    item: object
    rater: object
    label: str


@dataclass(frozen=True)
class Estimate:
    """What the votes come to. Probabilities lie between 0 and 1 and add up to 1 in each row.

    posteriors: {item: {label: probability that it is right}}. confusions: {rater: {right label: {label taken:
    probability}}}. accuracies: {rater: probability that a decision is right}. prior: {label: share}.
    log_likelihoods: one for each round, never falling.
    """

    posteriors: Mapping[Any, Mapping[str, float]]
    confusions: Mapping[Any, Mapping[str, Mapping[str, float]]]
    accuracies: Mapping[Any, float]
    prior: Mapping[str, float]
    log_likelihoods: Sequence[float]


def dawid_skene(votes: Sequence[Vote], labels: Sequence[str]) -> Estimate:
    """Estimate raters and right labels together. Raises ValueError for a vote with an unknown label."""
    if unknown := {vote.label for vote in votes} - set(labels):
        raise ValueError(f"unknown labels {sorted(unknown)}")
    items = list(dict.fromkeys(vote.item for vote in votes))
    raters = list(dict.fromkeys(vote.rater for vote in votes))
    at = [{name: place for place, name in enumerate(names)} for names in (items, raters, labels)]
    cast = np.zeros((len(raters), len(items), len(labels)))
    for vote in votes:
        cast[at[1][vote.rater], at[0][vote.item], at[2][vote.label]] += 1
    posterior = cast.sum(axis=0)
    posterior = posterior / posterior.sum(axis=1, keepdims=True) if items else posterior
    likelihoods: list[float] = []
    tables, prior = _tables(cast, posterior), _prior(posterior, len(labels))
    for _ in range(MOST_ROUNDS):
        updated, likelihood = _posterior(cast, tables, prior)
        likelihoods.append(likelihood + _prior_weight(tables))
        moved = float(np.abs(updated - posterior).mean()) if items else 0.0
        posterior, tables, prior = updated, _tables(cast, updated), _prior(updated, len(labels))
        if moved < SETTLED:
            break
    accuracy = np.einsum("k,rkk->r", prior, tables)
    return Estimate(
        {item: _named(posterior[row], labels) for row, item in enumerate(items)},
        {rater: table_of(tables[row], labels) for row, rater in enumerate(raters)},
        {rater: float(accuracy[row]) for row, rater in enumerate(raters)},
        _named(prior, labels),
        tuple(likelihoods),
    )


def weigh_votes(
    votes: Mapping[Any, str],
    confusions: Mapping[Any, Mapping[str, Mapping[str, float]]],
    labels: Sequence[str],
    *,
    unknown_accuracy: float = 0.8,
) -> dict[str, float]:
    """The probability of each label, given one vote for each rater; every label is as likely before them.

    A rater without a table is taken to be right in `unknown_accuracy` of the cases.
    """
    other = (1 - unknown_accuracy) / (len(labels) - 1)
    logs = np.zeros(len(labels))
    for rater, taken in votes.items():
        table = confusions.get(rater) or {}
        for place, right in enumerate(labels):
            guess = unknown_accuracy if right == taken else other
            logs[place] += np.log(max(table.get(right, {}).get(taken, guess), 1e-9))
    shares = np.exp(logs - logs.max())
    return _named(shares / shares.sum(), labels)


def table_of(table: Array, labels: Sequence[str]) -> dict[str, dict[str, float]]:
    return {right: _named(table[row], labels) for row, right in enumerate(labels)}


def _tables(cast: Array, posterior: Array) -> Array:
    counts = np.einsum("ril,ik->rkl", cast, posterior) + SMOOTHING + TRUST * np.eye(cast.shape[2])
    result: Array = counts / counts.sum(axis=2, keepdims=True)
    return result


def _prior(posterior: Array, labels: int) -> Array:
    counts = posterior.sum(axis=0) + SMOOTHING
    result: Array = counts / counts.sum() if posterior.size else np.full(labels, 1 / labels)
    return result


def _posterior(cast: Array, tables: Array, prior: Array) -> tuple[Array, float]:
    logs = np.log(prior) + np.einsum("ril,rkl->ik", cast, np.log(tables))
    highest = logs.max(axis=1, keepdims=True) if logs.size else logs
    shares = np.exp(logs - highest)
    totals = shares.sum(axis=1, keepdims=True)
    likelihood = float((highest + np.log(totals)).sum()) + SMOOTHING * float(np.log(prior).sum())
    return shares / totals, likelihood


def _prior_weight(tables: Array) -> float:
    """What the smoothing adds to the log-likelihood, so that it is the sum of both that never falls."""
    cells = SMOOTHING + TRUST * np.eye(tables.shape[2])
    return float((np.log(tables) * cells).sum())


def _named(values: Array, labels: Sequence[str]) -> dict[str, float]:
    return {label: float(value) for label, value in zip(labels, values, strict=True)}
