"""Whether OPENAI_BASE_URL has the models that are about to be asked: another model's answers prove nothing."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from learning.engines.errors import ModelUnavailable
from learning.llm_models import lacks, listed_models, told
from learning.services.prices import named


def why_not_served(models: Iterable[str]) -> str:
    """What is wrong and what to do, for the first model that is not there; empty where nothing is known to be wrong.

    Asks the endpoint, once a minute at most.
    """
    listed = listed_models(settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY)
    missing = next((one for one in map(named, models) if listed and lacks(listed, one)), None)
    if missing is None:
        return ""
    return (
        f"This endpoint has no model {missing}; it has {told(listed or ())}. Set OPENAI_BASE_URL and OPENAI_API_KEY to "
        "one that has it, or change the config's model."
    )


def require_served(models: Iterable[str]) -> None:
    """For a worker, before its first call. Raises ModelUnavailable: to try again would not help."""
    if reason := why_not_served(models):
        raise ModelUnavailable(reason)
