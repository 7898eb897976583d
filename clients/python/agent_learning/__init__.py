"""Client of the agent learning system."""

from agent_learning.client import Client
from agent_learning.configs import AgentConfig
from agent_learning.errors import LearningError, Refused, Unreachable

__all__ = ["AgentConfig", "Client", "LearningError", "Refused", "Unreachable"]
