"""What rules would have made of past data, before anybody switches them on. Writes nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import Count
from django.utils import timezone

from learning.engines.rules import first_fitting
from learning.models import AgentFeedback, ExampleRule, Execution, LearningExample
from learning.services.example_rules import rules_in_order
from learning.services.execution_search import first_key
from learning.services.rule_application import asks_what_is_slow
from learning.services.rule_candidates import Found, read_between
from organizations.errors import Refused

MOST_DAYS = 365
MOST_LOOKED_AT = 20_000  # of each source, the newest
SAMPLES = 10
SHOWN_TEXT = 300  # characters


@dataclass(frozen=True)
class Sample:
    """One example that would be made; texts cut to SHOWN_TEXT characters, as they came in."""

    input_text: str
    output: str
    agent: str
    feedback_type: str
    rating: int | None
    comment: str
    is_known: bool  # it is an example already


@dataclass(frozen=True)
class Line:
    """What one rule would make: how many examples, and how many candidates fit it that an earlier rule takes."""

    rule: ExampleRule
    made: int
    taken_before: int
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class Preview:
    """`looked_at` of the newest pieces; `is_whole`: those were all of the days asked for."""

    days: int
    looked_at: int
    is_whole: bool
    lines: tuple[Line, ...]


def preview_rule(*, rule: ExampleRule, days: int = 30) -> Preview:
    """What a rule, switched on beside those that are, would have made in the last days. Raises Refused."""
    return _preview([rule], rule.source, days)


def check_days(days: int) -> int:
    """Raises Refused outside of 1 to MOST_DAYS."""
    if not 1 <= days <= MOST_DAYS:
        raise Refused(f"Give 1 to {MOST_DAYS} days.", "days")
    return days


def _preview(chosen: list[ExampleRule], source: str, days: int) -> Preview:
    rules = rules_in_order(source=source, also=chosen, from_beginning=True)
    now = timezone.now()
    found = read_between(
        source,
        after=first_key(now - timedelta(days=check_days(days))),
        before=first_key(now + timedelta(minutes=1)),
        limit=MOST_LOOKED_AT,
        newest=True,
        slow=asks_what_is_slow(rules),
    )
    wanted = {str(rule.pk): rule for rule in chosen}
    fitting: dict[str, list[Found]] = defaultdict(list)
    before: Counter[str] = Counter()
    once: set[tuple[str, UUID | None]] = set()
    for one in reversed(found):
        first = first_fitting(rules, one.candidate, str(one.agent_id), str(one.key)) if one.usable else None
        for rule in rules if first else ():
            if rule.key in wanted and rule is not first and rule.fits(one.candidate, str(one.agent_id), str(one.key)):
                before[rule.key] += 1
        if first and first.key in wanted and (first.key, one.execution_id) not in once:
            once.add((first.key, one.execution_id))
            fitting[first.key].append(one)
    lines = tuple(
        Line(rule, len(fitting[key]), before[key], _samples(fitting[key][:SAMPLES])) for key, rule in wanted.items()
    )
    return Preview(days, len(found), len(found) < MOST_LOOKED_AT, lines)


def count_made(rules: list[ExampleRule]) -> dict[UUID, int]:
    """How many examples each rule has made."""
    rows = LearningExample.objects.filter(rule__in=rules).order_by().values_list("rule_id")
    return dict(rows.annotate(number=Count("id")))


def _samples(found: list[Found]) -> tuple[Sample, ...]:
    executions = Execution.objects.select_related("agent").in_bulk([one.execution_id for one in found])
    said = AgentFeedback.objects.in_bulk([one.key for one in found if one.candidate.feedback_type])
    known = LearningExample.objects.filter(source_execution__in=executions, rule__isnull=False)
    learned = set(known.values_list("source_execution_id", flat=True))
    return tuple(
        Sample(
            input_text=executions[one.execution_id].input[:SHOWN_TEXT],
            output=executions[one.execution_id].output[:SHOWN_TEXT],
            agent=executions[one.execution_id].agent.name,
            feedback_type=one.candidate.feedback_type,
            rating=one.candidate.rating,
            comment=said[one.key].feedback_text[:SHOWN_TEXT] if one.key in said else "",
            is_known=one.execution_id in learned,
        )
        for one in found
        if one.execution_id in executions
    )
