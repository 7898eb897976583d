"""Which of two answers people preferred, in a window: comparisons, and corrections of what the agent said."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from learning.choice_sources import choice_sources
from learning.models import Agent, AgentFeedback, ExampleType, LearningExample, ReviewStatus
from learning.services.insight_opinions import CORRECTS
from learning.services.text_numbers import Numbers, case_of, correction_numbers, execution_numbers

if TYPE_CHECKING:
    from learning.engines.insight import Pairs

MOST_CHOICES = 10_000  # of each source, the newest
BATCH = 1_000
# What is compared, those first that matter most where there are few pairs: length, tone, structure. Lengths are
# compared as logarithms, so that twice as long is the same for a short and for a long answer.
COMPARED = ("words", "hedges", "list_share", "code_share", "reading_ease", "questions", "numbers")
LENGTH = "words"


@dataclass(frozen=True, slots=True)
class Chosen:
    """One person preferred one answer to another. who: as of an Opinion. compared: both were shown to them; else they
    wrote the better one. difference: of COMPARED, the better one's minus the other's. case: what was asked.
    """

    who: tuple[str, Any]
    compared: bool
    difference: Mapping[str, float]
    case: str
    execution_id: UUID | None = None
    example_id: UUID | None = None

    @property
    def said_by(self) -> str:
        """user or expert."""
        return self.who[0]

    @property
    def length_ratio(self) -> float:
        """How many times as long the preferred answer is."""
        return math.exp(self.difference[LENGTH])


def read_choices(*, agent: Agent, since: datetime, until: datetime, keep: bool = True) -> list[Chosen]:
    """Of users who consented, of experts, and of what was sent as a preference and nobody has judged since.

    keep: store the numbers of texts that were not known yet.
    """
    found = list(_corrections_of_users(agent, since, until, keep))
    by_experts = list(_of_experts(agent, since, until))
    judged = {one.example_id for one in by_experts if one.compared}
    return found + by_experts + [one for one in _sent(agent, since, until) if one.example_id not in judged]


def pairs_of(choices: Sequence[Chosen], who: list[tuple[str, Any]]) -> Pairs:
    """The columns that the engine takes. who: reviewers by code; those who are not in it yet are added."""
    from learning.engines.insight import Pairs
    from learning.engines.insight.types import codes_of
    from learning.services.insight_features import column

    codes = {one: code for code, one in enumerate(who)}
    for one in choices:
        if one.who not in codes:
            codes[one.who] = len(who)
            who.append(one.who)
    numbers = codes_of([*range(len(who)), *(codes[one.who] for one in choices)])[len(who) :]
    columns = {f"answer.{name}": column([one.difference for one in choices], name) for name in COMPARED}
    return Pairs(columns, numbers, codes_of([one.case or id(one) for one in choices]))


def _corrections_of_users(agent: Agent, since: datetime, until: datetime, keep: bool) -> Iterator[Chosen]:
    rows = AgentFeedback.objects.filter(
        CORRECTS, agent=agent, consent=True, execution__isnull=False, created_at__gte=since, created_at__lt=until
    )
    said = list(rows.order_by("-id").values_list("pk", "execution_id", "user")[:MOST_CHOICES])
    for start in range(0, len(said), BATCH):
        part = said[start : start + BATCH]
        better = correction_numbers([row[0] for row in part], keep=keep)
        worse = execution_numbers([row[1] for row in part], keep=keep)
        for pk, execution_id, user in part:
            if pk not in better or execution_id not in worse:
                continue
            answer = _of_answer(worse[execution_id])
            difference = _difference(better[pk].values, answer)
            if any(difference.values()):
                who = ("user", user or str(pk))
                yield Chosen(who, False, difference, worse[execution_id].case, execution_id)


def _of_experts(agent: Agent, since: datetime, until: datetime) -> Iterator[Chosen]:
    examples = LearningExample.objects.filter(agent=agent, action_corrections__isnull=True)
    choices = [
        choice
        for source in choice_sources()
        for choice in source(examples=examples.values("id"), since=since, until=until, most=MOST_CHOICES)
    ]
    asked = dict(examples.filter(pk__in={one.example_id for one in choices}).values_list("pk", "input_text"))
    for one in choices:
        yield from _of_texts(
            ("expert", one.expert_id),
            one.compared,
            one.better,
            one.worse,
            asked.get(one.example_id, ""),
            one.example_id,
        )


def _sent(agent: Agent, since: datetime, until: datetime) -> Iterator[Chosen]:
    """What applications sent or imported as a preference: its sender's, until an expert judges it."""
    rows = LearningExample.objects.filter(
        agent=agent, example_type=ExampleType.PREFERENCE, action_corrections__isnull=True, created_at__gte=since,
        created_at__lt=until,
    ).exclude(review_status=ReviewStatus.REJECTED)  # fmt: skip
    names = ("pk", "user", "expected_output", "rejected_output", "input_text")
    for pk, user, better, worse, asked in rows.order_by("-id").values_list(*names)[:MOST_CHOICES]:
        yield from _of_texts(("user", user or str(pk)), True, better, worse, asked, pk)


def _of_texts(
    who: tuple[str, Any], compared: bool, better: str, worse: str, asked: str, example_id: UUID
) -> Iterator[Chosen]:
    """Nothing where one of them has no text, or both are the same."""
    from learning.engines.insight.text_features import text_features

    if better.strip() and worse.strip() and better.strip() != worse.strip():
        difference = _difference(text_features(better), text_features(worse))
        yield Chosen(who, compared, difference, case_of(asked), None, example_id)


def _of_answer(numbers: Numbers) -> dict[str, float]:
    return {name: numbers.values[f"answer.{name}"] for name in COMPARED}


def _difference(better: Mapping[str, float], worse: Mapping[str, float]) -> dict[str, float]:
    found = {name: better[name] - worse[name] for name in COMPARED if name != LENGTH}
    return {LENGTH: math.log1p(better[LENGTH]) - math.log1p(worse[LENGTH])} | found
