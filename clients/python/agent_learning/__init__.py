"""Client of the agent learning system."""

from agent_learning.async_client import AsyncClient
from agent_learning.background import Background, Counts
from agent_learning.behavior import Behavior, Situation
from agent_learning.client import Client
from agent_learning.configs import AgentConfig
from agent_learning.decisions import decided
from agent_learning.errors import LearningError, Refused, Unreachable
from agent_learning.learned import AsyncLearningAgent, Improvement, LearningAgent
from agent_learning.recording import Decision, Recording, current
from agent_learning.tokens import mint_feedback_token

__all__ = [
    "AgentConfig",
    "AsyncClient",
    "AsyncLearningAgent",
    "Background",
    "Behavior",
    "Client",
    "Counts",
    "Decision",
    "Improvement",
    "LearningAgent",
    "LearningError",
    "Recording",
    "Refused",
    "Situation",
    "Unreachable",
    "current",
    "decided",
    "mint_feedback_token",
]
