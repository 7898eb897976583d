"""Finds a better prompt for an agent by trying variants on examples, and proves it on examples it never saw."""

from learning.engines.prompt.optimizer import PromptOptimizer
from learning.engines.prompt.results import PromptResult
from learning.engines.prompt.strategies import STRATEGIES

__all__ = ["STRATEGIES", "PromptOptimizer", "PromptResult"]
