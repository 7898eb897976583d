"""What features, aspects and patterns are called in sentences for people. Pure."""

from __future__ import annotations

from learning.engines.insight.text_features import FEATURE_WORDS

TEXTS = {"answer": "the answer", "input": "the question", "reasoning": "the reasoning"}
FEATURES = {
    "duration_ms": "duration in milliseconds",
    "input_tokens": "tokens of the request",
    "output_tokens": "tokens of the answer",
    "cost": "cost",
    "confidence": "the agent's confidence",
    "decisions": "number of decisions",
    "decision_confidence": "mean confidence of the decisions",
    "alternatives": "alternatives considered in a decision",
    "turns": "earlier turns of the conversation",
    "similarity_to_correction": "likeness of the answer to its correction",
}
ASPECTS = {
    "user.rating": "stars",
    "user.satisfied": "satisfaction of users",
    "user.accuracy": "accuracy, say users",
    "user.helpfulness": "helpfulness, say users",
    "user.clarity": "clarity, say users",
    "user.completeness": "completeness, say users",
    "expert.approved": "approval by experts",
    "expert.technical_accuracy": "technical accuracy, say experts",
    "expert.professional_quality": "professional quality, say experts",
    "expert.completeness": "completeness, say experts",
    "expert.clarity": "clarity, say experts",
    "expert.score": "mean score of experts",
}


def feature_words(name: str) -> str:
    """A feature as it is called in a sentence."""
    text, _, kind = name.partition(".")
    if text in TEXTS and kind in FEATURE_WORDS:
        return FEATURE_WORDS[kind].replace("{text}", TEXTS[text])
    if name.startswith("metadata."):
        return f"“{name.removeprefix('metadata.')}” of the metadata"
    return FEATURES.get(name, name.replace("_", " "))


def aspect_words(name: str) -> str:
    """An aspect as it is called in a sentence."""
    return ASPECTS.get(name, name.replace("_", " "))


def number(value: float) -> str:
    """A number with as many digits as are worth reading."""
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2g}"
