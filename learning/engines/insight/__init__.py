"""Learns from what people say about executions: what goes with approval, and what each reviewer is like."""

from learning.engines.insight.learner import HumanFeedbackLearner, Insight
from learning.engines.insight.pairs import Pairs
from learning.engines.insight.types import Opinions

__all__ = ["HumanFeedbackLearner", "Insight", "Opinions", "Pairs"]
