"""What the codes of audit events are called, for people. The codes themselves never change: they are sealed."""

from __future__ import annotations

from functools import cache

from django.apps import apps

# What the parts of a code would not say.
WHOLE = {
    "agent.serves": "agent serves another config",
    "annotation.kept": "review kept, too late to count",
    "datasetversion.test_split_read": "test split opened",
    "examples.import_requested": "import of examples requested",
    "experiment.stop_reason": "reason of the stop given",
    "membership.removed": "member removed",
    "membership.set": "role given to a member",
}
NOUNS = {"learningexample": "example", "annotation": "review", "expertannotation": "review"}
VERBS = {
    "auto_approved": "approved by itself",
    "cancel_requested": "asked to stop",
    "pending": "waits again",
    "in_review": "is in review",
}


def event_words(action: str) -> str:
    """Such as "Training run requested" for "trainingrun.requested"; a code that nobody knows is told by its parts."""
    noun, _, verb = action.partition(".")
    told = WHOLE.get(action) or f"{noun_words(noun)} {VERBS.get(verb, verb.replace('_', ' '))}".strip()
    return told[:1].upper() + told[1:]


def noun_words(name: str) -> str:
    """What a table or a field is called: "gate report" for "gatereport", "review status" for "review_status"."""
    return NOUNS.get(name) or _names().get(name) or name.replace("_", " ")


@cache
def _names() -> dict[str, str]:
    """The models by the name that the audit knows them by."""
    return {model._meta.model_name or "": str(model._meta.verbose_name) for model in apps.get_models()}
