"""What an engine may raise besides ValueError for impossible input."""

from __future__ import annotations


class EngineError(Exception):
    """The run cannot go on; the text says why in words for a person."""


class Cancelled(EngineError):
    """Somebody asked for the run to stop. Raised by a progress callback and passed through untouched."""


class BudgetExceeded(EngineError):
    """One more call would go over the budget. Raised before the call is made."""


class ModelUnavailable(EngineError):
    """The language model gave no usable answer, even after the retries."""


class MetricFailed(EngineError):
    """The metric could not score a single one of the first answers, so it is set up wrongly."""


class JudgeRefused(EngineError):
    """The language model that judges does not agree with the experts, so its scores would mean nothing."""
