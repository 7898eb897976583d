"""What a browser sends with the form of a new experiment that nobody changed."""

from __future__ import annotations

from typing import Any

from experiments.pages.experiment_form import ExperimentForm
from learning.models import AgentConfig


def form_of(candidate: AgentConfig | None, **changes: str) -> dict[str, str]:
    """All fields as they are shown first, a name, the candidate, and `changes`."""
    form = ExperimentForm()
    fields = {name: form[name].value() for name in form.fields}
    shown: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    chosen = {"config": str(candidate.pk)} if candidate else {}
    first = {"name": "Trial", "kind": "ab", "unit": "user"}  # of a list a browser sends the first
    return {name: str(value) for name, value in shown.items()} | first | chosen | changes
