"""Applying the rules: going forward from a mark over what comes in, never in the path of the intake.

Doing it again makes nothing twice: the database holds one example for each piece of feedback, and one for each rule and
execution.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from learning.engines.rules import Rule, first_fitting
from learning.models import (
    ExampleType,
    Execution,
    FeedbackRollupProgress,
    LearningExample,
    RuleProgress,
    RuleSource,
)
from learning.services.example_rules import rules_in_order
from learning.services.execution_search import first_key
from learning.services.rule_candidates import Found, joined_up_to, read_between, read_joined

BATCH = 500
# What people say about an answer, they mostly say within the hour.
PATIENCE = timedelta(hours=1)
# A request takes its key and its time at two moments; they are never so far from each other.
APART = timedelta(minutes=1)
# Looked at again, because a transaction may commit so much later than its time says.
AGAIN = timedelta(minutes=2)


def learn_by_rules() -> bool:
    """Look at the next batch of what has come in; whether another call would find more. One transaction.

    Returns at once when another process is at it.
    """
    with transaction.atomic():
        RuleProgress.objects.bulk_create([RuleProgress()], ignore_conflicts=True)
        progress = RuleProgress.objects.select_for_update(skip_locked=True).first()
        if progress is None:
            return False
        more = [_follow_feedback(progress), _follow_joined(progress), _follow_executions(progress)]
        progress.save()
        return any(more)


def make_examples(found: Sequence[Found], rules: Sequence[Rule], *, only: set[str] | None = None) -> Counter[str]:
    """Examples of what the rules choose; how many each rule (by key) made that were not there before.

    only: keys of the rules that make examples; the others decide first where they come first, and make none.
    """
    decided = [(one, rule) for one in found if one.usable and (rule := _decide(one, rules, only))]
    if not decided:
        return Counter()
    ids = {one.execution_id for one, _ in decided if one.execution_id}
    executions = Execution.objects.select_related("agent").in_bulk(list(ids))
    rows = [_example_of(one, rule, executions[one.execution_id]) for one, rule in decided if one.execution_id]
    LearningExample.objects.bulk_create(rows, ignore_conflicts=True)
    kept = LearningExample.objects.filter(pk__in=[row.pk for row in rows]).values_list("rule_id", flat=True)
    return Counter(map(str, kept))


def _decide(one: Found, rules: Sequence[Rule], only: set[str] | None) -> Rule | None:
    rule = first_fitting(rules, one.candidate, str(one.agent_id), str(one.key))
    return rule if rule and (only is None or rule.key in only) else None


def _example_of(one: Found, rule: Rule, execution: Execution) -> LearningExample:
    of_feedback = bool(one.candidate.feedback_type)
    liked = rule.example_type == ExampleType.POSITIVE
    return LearningExample(
        agent_id=one.agent_id,
        example_type=rule.example_type,
        source_type=RuleSource.USER_FEEDBACK if of_feedback else RuleSource.EXECUTION_LOG,
        source_execution=execution,
        source_feedback_id=one.key if of_feedback else None,
        rule_id=UUID(rule.key),
        input_text=execution.input,
        input_context=execution.context,
        original_output=execution.output,
        expected_output=execution.output if liked else "",
        domain=execution.agent.domain,
    )


def _follow_feedback(progress: RuleProgress) -> bool:
    """Everything before the horizon is stored that ever will be: the sums of feedback know up to when that holds."""
    summed = FeedbackRollupProgress.objects.values_list("summed_until", flat=True).first()
    if summed is None:
        return False
    horizon = first_key(summed - APART)
    rules = rules_in_order(source=RuleSource.USER_FEEDBACK)
    progress.feedback_mark, more = _follow(RuleSource.USER_FEEDBACK, rules, progress.feedback_mark, horizon)
    return more


def _follow_executions(progress: RuleProgress) -> bool:
    horizon = first_key(timezone.now() - PATIENCE)
    rules = rules_in_order(source=RuleSource.EXECUTION_LOG)
    progress.execution_mark, more = _follow(RuleSource.EXECUTION_LOG, rules, progress.execution_mark, horizon)
    return more


def _follow(source: str, rules: Sequence[Rule], mark: UUID | None, horizon: UUID) -> tuple[UUID, bool]:
    """The next batch after the mark; the mark behind it, and whether more is there."""
    if not rules:
        return max(mark or horizon, horizon), False  # whatever is switched on later looks at what comes after that
    mark = mark or UUID(min(rule.since for rule in rules))
    if mark >= horizon:
        return mark, False
    batch = read_between(source, after=mark, before=horizon, limit=BATCH, slow=asks_what_is_slow(rules))
    make_examples(batch, rules)
    return (batch[-1].key, True) if len(batch) == BATCH else (horizon, False)


def _follow_joined(progress: RuleProgress) -> bool:
    """Feedback behind the mark whose execution has come only now; whether another call would find more."""
    now = timezone.now()
    settled, since, mark = now - AGAIN, progress.joined_until, progress.feedback_mark
    rules = rules_in_order(source=RuleSource.USER_FEEDBACK)
    if not rules or since is None or mark is None:
        progress.joined_until = settled
        return False
    slow = asks_what_is_slow(rules)
    if until := joined_up_to(since=since, until=settled, mark=mark, number=BATCH):
        make_examples(read_joined(since=since, until=until, mark=mark, slow=slow), rules)
        progress.joined_until = until
        return True
    progress.joined_until = max(since, settled)
    while until := joined_up_to(since=since, until=now, mark=mark, number=BATCH):
        make_examples(read_joined(since=since, until=until, mark=mark, slow=slow), rules)
        since = until
    make_examples(read_joined(since=since, until=now, mark=mark, slow=slow), rules)
    return False


def asks_what_is_slow(rules: Sequence[Rule]) -> bool:
    return any(rule.conditions.slow for rule in rules)
