"""What the settings and figures of runs are called, for people."""

from __future__ import annotations

from typing import Any

from learning.engines.behavior.strategies import IMITATION
from learning.engines.metrics import METRIC_KINDS
from learning.models import TrainingRun, TrainingType

# What the mean of a metric over many answers is called, and the head of its column. Others: the metric's own title.
RIGHT = ("right answers", "Right")
SCORES = {"exact": RIGHT, "normalised": RIGHT, "same_json": RIGHT, "token_f1": ("mean token F1", "Mean F1")}
SETTING_WORDS = {
    "agent_id": "Agent",
    "dataset": "Dataset",
    "base_config": "Started from config",
    "training_type": "Type",
    "seed": "Seed",
    "config.max_calls": "Most calls",
    "config.max_tokens": "Most tokens",
    "config.max_money": "Most money",
    "config.max_seconds": "Most seconds",
    "config.metric": "Metric",
    "config.metric_options": "Options of the metric",
    "config.goals": "Goals",
    "config.strategies": "Ways to make candidates",
    "config.rewrites": "Instructions written by the model",
    "config.concurrency": "Calls at a time",
    "config.strategy": "Strategy",
    "config.word_rules": "Rules worded by the model",
}
OF_BEHAVIOR = {"strategy": IMITATION, "word_rules": False}  # what a run of behavior goes by, and where it is left out
LIMITS = ("max_calls", "max_tokens", "max_money", "max_seconds", "concurrency")  # of whatever asks a model


def score_words(config: Any) -> tuple[str, str]:
    """What a mean score is called in a sentence, and at the head of a column."""
    metric = str(config.get("metric", "")) if isinstance(config, dict) else ""
    if metric in SCORES or not metric:
        return SCORES.get(metric, RIGHT)
    name = metric_words(metric)
    return f"mean score: {name.lower()}", "Mean score"


def metric_words(metric: Any) -> str:
    """The title of a metric."""
    kind = METRIC_KINDS.get(str(metric))
    return kind.title if kind else plain(metric)


def plain(name: Any) -> str:
    """A name of the API as words: "few_shot" becomes "few-shot", "token_f1" "token F1"."""
    text = str(name or "")
    return {"few_shot": "few-shot", "token_f1": "token F1"}.get(text, text.replace("_", " "))


def setting_words(setting: str) -> str:
    """What the form calls a setting."""
    return SETTING_WORDS.get(setting, plain(setting.removeprefix("config.")).capitalize())


def told(value: Any) -> str:
    """The value of a setting as people read it."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(plain(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{plain(key)}: {one}" for key, one in value.items())
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def asks_model(run: TrainingRun) -> bool:
    """Whether a language model has a part in the run: a run of behavior asks it for nothing but the words of rules."""
    config = run.config if isinstance(run.config, dict) else {}
    return run.training_type != TrainingType.BEHAVIOR_CLONING or config.get("word_rules") is True


def config_words(run: TrainingRun) -> list[tuple[str, str]]:
    """The settings that a run goes by, in words."""
    places = list(SETTING_WORDS)
    named = [(f"config.{key}", value) for key, value in _used(run).items()]
    named.sort(key=lambda one: places.index(one[0]) if one[0] in places else len(places))
    rows = [
        (setting_words(key), metric_words(value) if key == "config.metric" else told(value)) for key, value in named
    ]
    return [*rows, ("Seed", str(run.seed))]


def _used(run: TrainingRun) -> dict[str, Any]:
    """Its settings without those that a run of its type does not look at."""
    config = run.config if isinstance(run.config, dict) else {}
    if run.training_type != TrainingType.BEHAVIOR_CLONING:
        return {key: value for key, value in config.items() if key not in OF_BEHAVIOR}
    limits = LIMITS if asks_model(run) else ()
    return OF_BEHAVIOR | {key: value for key, value in config.items() if key in (*OF_BEHAVIOR, *limits)}
