"""The moving shares of a bandit. What they should be is for experiments.stats to say; here they are stored."""

from __future__ import annotations

import math
from collections.abc import Mapping

from django.db import transaction

from experiments.bucketing import BUCKETS
from experiments.metrics import metric_of
from experiments.models import (
    Analysis,
    Experiment,
    ExperimentKind,
    ExperimentStatus,
    MetricResult,
    Variant,
    WeightsUpdate,
)
from experiments.stats.terms import Role
from organizations import audit
from organizations.errors import Conflict, Refused

FLOOR = 500  # buckets: 5 percent, or scores that divide by the propensity lose their precision
FEWEST = 30  # outcomes of an arm before its shares move


def whole_buckets(shares: Mapping[str, float], *, floor: int = FLOOR) -> dict[str, int]:
    """Shares (in any scale) as buckets, each at least `floor`, together 10,000.

    What lies above the floor is dealt by the largest remainders (Hamilton's method): shares that keep the floor by
    themselves are not off by a whole bucket.
    """
    total = sum(shares.values())
    if total <= 0 or min(shares.values()) < 0 or floor * len(shares) > BUCKETS:
        raise Refused("Shares are not negative, and not all of them nothing.", "weights")
    above = {key: max(share / total * BUCKETS - floor, 0.0) for key, share in shares.items()}
    free = (BUCKETS - floor * len(shares)) / (sum(above.values()) or 1)
    exact = {key: part * free for key, part in above.items()}
    buckets = {key: floor + int(part) for key, part in exact.items()}
    left = BUCKETS - sum(buckets.values())
    for key in sorted(exact, key=lambda one: (int(exact[one]) - exact[one], one))[:left]:
        buckets[key] += 1
    return buckets


def update_weights(*, experiment: Experiment, shares: Mapping[str, float]) -> WeightsUpdate | None:
    """New units are assigned by these shares from now on; None when they are those of now.

    Raises Conflict unless it is a bandit that runs, Refused for shares that are not one for each arm.
    """
    if experiment.kind != ExperimentKind.BANDIT:
        raise Conflict("Only the shares of a bandit move.", "kind")
    arms = Variant.objects.filter(experiment=experiment)
    if set(shares) != {arm.key for arm in arms}:
        raise Refused("Give one share for each variant.", "weights")
    buckets = whole_buckets(shares)
    with transaction.atomic():
        locked = Experiment.objects.select_for_update(no_key=True).get(pk=experiment.pk)
        if locked.status != ExperimentStatus.RUNNING:
            raise Conflict(f"This experiment is {locked.status}.", "status")
        before = locked.weights or {"revision": 0, "buckets": {arm.key: arm.buckets for arm in arms}}
        if before["buckets"] == buckets:
            return None
        update = WeightsUpdate.objects.create(experiment=locked, revision=before["revision"] + 1, buckets=buckets)
        locked.weights = {"revision": update.revision, "buckets": buckets}
        locked.save(update_fields=["weights", "updated_at"])
        audit.record(action="experiment.shares_moved", target=locked, before=before, after=locked.weights)
    experiment.weights = locked.weights
    return update


def shares_at(experiment: Experiment, revision: int) -> dict[str, float]:
    """The probability of each arm by the shares of a revision (Exposure.revision); 0: as planned."""
    if revision:
        buckets = WeightsUpdate.objects.get(experiment=experiment, revision=revision).buckets
    else:
        buckets = dict(Variant.objects.filter(experiment=experiment).values_list("key", "buckets"))
    return {key: number / BUCKETS for key, number in buckets.items()}


def move_shares(*, experiment: Experiment, analysis: Analysis) -> WeightsUpdate | None:
    """After a look: the shares that the first success metric speaks for; None while an arm has too few outcomes.

    Thompson sampling of two arms (top-two of two is half and half for ever), top-two of more, by the arms' means and
    standard errors.
    """
    if experiment.kind != ExperimentKind.BANDIT or experiment.status != ExperimentStatus.RUNNING:
        return None
    metric = next(item["name"] for item in experiment.metrics if item["role"] == Role.SUCCESS.value)
    beliefs = _beliefs(experiment, analysis, metric)
    if beliefs is None:
        return None
    from experiments.stats.bandit import thompson_shares, top_two_shares  # numpy and scipy: see docs/decisions/0011

    sign = 1 if metric_of(next(item for item in experiment.metrics if item["name"] == metric)).higher_is_better else -1
    means, errors = zip(*beliefs.values(), strict=True)
    rule = top_two_shares if len(beliefs) > 2 else thompson_shares
    shares = rule([sign * mean for mean in means], errors, floor=FLOOR / BUCKETS)
    return update_weights(experiment=experiment, shares=dict(zip(beliefs, map(float, shares), strict=True)))


def _beliefs(experiment: Experiment, analysis: Analysis, metric: str) -> dict[str, tuple[float, float]] | None:
    """Mean and standard error by arm."""
    control = Variant.objects.get(experiment=experiment, is_control=True).key
    found: dict[str, tuple[float, float]] = {}
    for row in MetricResult.objects.filter(analysis=analysis, metric=metric).select_related("variant"):
        for key, n, mean, m2 in (
            (control, row.control_n, row.control_mean, row.control_m2),
            (row.variant.key, row.treatment_n, row.treatment_mean, row.treatment_m2),
        ):
            if n < FEWEST or mean is None or m2 <= 0:
                return None
            found[key] = (mean, math.sqrt(m2 / (n - 1) / n))
    return found or None
