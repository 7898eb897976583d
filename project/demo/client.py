"""The client package that applications install, taken from this tree."""

from __future__ import annotations

import sys

from project.services.place import PROJECT_DIR

FOLDER = PROJECT_DIR / "clients" / "python"
if str(FOLDER) not in sys.path:
    sys.path.append(str(FOLDER))  # behind an installed one

from agent_learning import AgentConfig, Background, Client, LearningError  # noqa: E402

__all__ = ["AgentConfig", "Background", "Client", "LearningError"]
