"""Rules applied to past data: a job, because there may be a lot of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from learning.models import AgentFeedback, ExampleRule, Execution, Job, JobKind, RuleSource
from learning.services.example_rules import rules_in_order
from learning.services.execution_search import first_key
from learning.services.jobs import Step, Work, start_job
from learning.services.rule_application import BATCH, asks_what_is_slow, make_examples
from learning.services.rule_candidates import read_between
from learning.services.rule_preview import check_days
from organizations.errors import Refused

TABLES: dict[str, Any] = {RuleSource.USER_FEEDBACK: AgentFeedback, RuleSource.EXECUTION_LOG: Execution}


def apply_to_past(*, rule: ExampleRule, days: int, user: Any = None) -> Job:
    """A job that makes the examples which the rule would have made in the last days. Raises Refused.

    Of active rules that come before it, each keeps what it would take.
    """
    now = timezone.now()
    request = {
        "rule": str(rule.pk),
        "after": str(first_key(now - timedelta(days=check_days(days)))),
        "before": str(first_key(now)),
    }
    return start_job(kind=JobKind.RULES, title=f"{rule.name}: the last {days} days", request=request, user=user)


def work(work: Work) -> Iterator[Step]:
    """Look at a batch in each step. `result`: {"looked_at", "examples"}."""
    chosen = ExampleRule.objects.filter(pk=work.request["rule"]).first()
    if chosen is None:
        raise Refused("The rule is not there any more.")
    rules = rules_in_order(source=chosen.source, also=[chosen], from_beginning=True)
    slow, before = asks_what_is_slow(rules), UUID(work.request["before"])
    after = UUID(work.cursor.get("after", work.request["after"]))
    counts = Counter({"looked_at": 0, "examples": 0}) + Counter(work.result)
    total = TABLES[chosen.source].objects.filter(pk__gt=UUID(work.request["after"]), pk__lt=before).count()
    while batch := read_between(chosen.source, after=after, before=before, limit=BATCH, slow=slow):
        counts["examples"] += make_examples(batch, rules, only={str(chosen.pk)}).total()
        counts["looked_at"] += len(batch)
        after = batch[-1].key
        yield Step(work.done + len(batch), total, cursor={"after": str(after)}, result=dict(counts))
    yield Step(work.done, total, result={"looked_at": counts["looked_at"], "examples": counts["examples"]})
