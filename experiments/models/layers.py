"""Shares of the units that experiments divide among themselves, so that nobody is in two of them."""

from __future__ import annotations

from django.db import models

from experiments.bucketing import BUCKETS, new_salt, percent_of
from organizations.constraints import between
from organizations.models import OrganizationModel


class Layer(OrganizationModel):
    """Experiments of one layer exclude each other: each takes a range of its 10,000 buckets while it is live.

    The first `holdout` buckets are in no experiment of the layer. Salt and, while an experiment of the layer is live,
    holdout are frozen by a trigger. A layer may span agents.
    """

    name = models.CharField(max_length=200)
    salt = models.CharField(max_length=32, default=new_salt, editable=False)
    holdout = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="layer_name_once"),
            between("holdout", 0, BUCKETS - 1),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def holdout_share(self) -> float:
        """Percent of the units that no experiment of the layer takes."""
        return percent_of(self.holdout)
