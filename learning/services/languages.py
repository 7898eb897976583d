"""Which languages an agent answers in, learned from its examples."""

from __future__ import annotations

from time import monotonic
from uuid import UUID

from django.db.models import Case, F, When
from django.db.models.functions import Left

from learning.models import BAD_TYPES, LearningExample
from learning.services.review import AWAITING

LOOKED_AT = 200  # of the newest prepared examples of an agent
GOOD_FOR = 600.0  # seconds
BEGINNING = 500  # characters
MOST_AGENTS = 1_000
_known: dict[UUID, tuple[float, frozenset[str]]] = {}  # by agent; keys of different organizations differ


def answer_languages(*, agent_id: UUID) -> frozenset[str]:
    """Codes of the languages in which this agent's answers are; empty while too few are known.

    Examples that people have decided about count before those that still wait.
    """
    known = _known.get(agent_id)
    if known and known[0] > monotonic():
        return known[1]
    from learning.engines.language import expected_languages  # loads the detector, which only workers need

    found = expected_languages(_answers(agent_id))
    if len(_known) >= MOST_AGENTS:
        _known.clear()
    _known[agent_id] = (monotonic() + GOOD_FOR, found)
    return found


def _answers(agent_id: UUID) -> list[str]:
    rows = LearningExample.objects.filter(agent_id=agent_id, prepared_version__gt=0).order_by("-created_at")
    answer = Case(When(example_type__in=BAD_TYPES, then=F("original_output")), default=F("expected_output"))
    texts = rows.annotate(answer=Left(answer, BEGINNING)).values_list("answer", flat=True)
    decided = list(texts.exclude(review_status__in=AWAITING)[:LOOKED_AT])
    return decided if len(decided) >= LOOKED_AT // 2 else [*decided, *texts[:LOOKED_AT]]
