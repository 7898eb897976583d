"""What was learned from how a person worked, or was served, step by step: taken out of configs and of what runs found.

A demonstration that a config shows is known by its key. A policy goes by words: it becomes blind to those that no
other demonstration has. Its weights stay until it is learned anew; the receipt of the erasure names the config.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils import timezone

from learning.engines.behavior.cloning import LinearPolicy
from learning.engines.behavior.features import term_of, terms_of
from learning.engines.quotes import Quotes, texts_in
from learning.models import ActionCorrection, Demonstration, DemonstrationStep, TrainingRun, TrainingType
from organizations.erasers import Person

MOST_OTHERS = 50_000  # newest steps of others that are looked through for the same words


@dataclass(frozen=True)
class Demonstrated:
    """`sources`: keys of the person's demonstrations and corrections; `terms`: words in them that no others have."""

    sources: frozenset[str]
    terms: frozenset[str]


def demonstrated_by(person: Person) -> Demonstrated:
    """Before their rows are deleted."""
    own = Q(example_id__in=person.example_ids)
    sources = [model.objects.filter(own).values_list("pk", flat=True) for model in (Demonstration, ActionCorrection)]
    terms = {term for text in words_of_steps(own) for term in terms_of(text)}
    for text in words_of_steps(~own, most=MOST_OTHERS) if terms else ():
        terms -= terms_of(text)
    return Demonstrated(frozenset(str(key) for keys in sources for key in keys), frozenset(terms))


def words_of_steps(of_example: Q, *, most: int | None = None) -> Iterator[str]:
    """The texts of steps and corrections, the newest first; of_example: a condition on `example_id`."""
    ours = Demonstration.objects.filter(of_example).values("pk")
    for step in DemonstrationStep.objects.filter(demonstration_id__in=ours).order_by("-id")[:most].iterator():
        yield from (step.observation, step.outcome, *texts_in(list(step.arguments.values())))
    for row in ActionCorrection.objects.filter(of_example).order_by("-id")[:most].iterator():
        told = (row.explanation, row.context.get("request", ""), row.context.get("observation", ""))
        given = [(action or {}).get("arguments", {}).values() for action in (row.original, row.corrected)]
        yield from (*told, *texts_in([value for values in given for value in values]))


def without_person(behavior: Mapping[str, Any], shown: Demonstrated, quotes: Quotes) -> dict[str, Any]:
    """The learned behavior of a config without what shows or quotes the person."""
    rest = {name: value for name, value in behavior.items() if name not in ("demonstrations", "action_policy")}
    kept: dict[str, Any] = _without_keys(quotes.cut(rest), shown.sources)
    if "demonstrations" in behavior:
        rows = [one for one in behavior["demonstrations"] if one.get("from") not in shown.sources]
        kept["demonstrations"] = [one for one in rows if not quotes.found_in(one)]
    if given := behavior.get("action_policy"):
        kept["action_policy"] = _blinded(given, shown, quotes)
    return kept


def drop_evidence(*, steps: Demonstrated) -> None:
    """Take the person's demonstrations out of the evidence that runs name."""
    runs = TrainingRun.objects.filter(training_type=TrainingType.BEHAVIOR_CLONING, metrics__has_key="behavior")
    for run in runs.only("pk", "metrics").iterator() if steps.sources else ():
        kept = _without_keys(run.metrics, steps.sources)
        if kept != run.metrics:
            TrainingRun.objects.filter(pk=run.pk).update(metrics=kept, updated_at=timezone.now())


def _blinded(policy: Mapping[str, Any], shown: Demonstrated, quotes: Quotes) -> Mapping[str, Any]:
    """Unchanged where it goes by no word of theirs."""
    words = {feature: term for feature in policy.get("features", []) if (term := term_of(feature))}
    dropped = {name for name, term in words.items() if term in shown.terms or quotes.found_in(term)}
    if not dropped:
        return policy
    try:
        return LinearPolicy.from_json(policy).without(dropped).as_json()
    except ValueError:  # nobody can read it, so nobody can use it
        return {}


def _without_keys(value: Any, keys: frozenset[str]) -> Any:
    """A JSON value whose lists do not name these keys."""
    if isinstance(value, Mapping):
        return {name: _without_keys(one, keys) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_keys(one, keys) for one in value if not (isinstance(one, str) and one in keys)]
    return value
