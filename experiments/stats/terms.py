"""Words that the tables share with the statistics; imports nothing, so that models stay quick to load."""

from __future__ import annotations

import enum


class Role(enum.StrEnum):
    """What a metric is for: a success metric must get better, a guardrail must not get worse than its margin."""

    SUCCESS = "success"
    GUARDRAIL = "guardrail"


class Verdict(enum.StrEnum):
    """Who has won."""

    CONTROL = "control"
    TREATMENT = "treatment"
    INCONCLUSIVE = "inconclusive"
