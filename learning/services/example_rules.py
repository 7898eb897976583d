"""Rules that turn feedback and executions into examples: kept, changed, switched on and off."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from learning.engines import rules as engine
from learning.models import (
    ISSUE_CATEGORIES,
    Agent,
    ExampleRule,
    ExecutionStatus,
    FeedbackType,
    RuleResult,
    RuleSource,
)
from learning.services.execution_search import first_key
from organizations import audit
from organizations.errors import Conflict, Refused
from organizations.models import Organization
from organizations.scope import current_organization_id

log = logging.getLogger(__name__)
MOST_RULES = 100
# An execution that nobody commented has no opinion on it.
OF_FEEDBACK = (
    "opinion",
    "feedback_types",
    "rating_min",
    "rating_max",
    "issue_categories",
    "has_comment",
    "disagreement",
)
# Corrections make their example at once; finished executions alone are looked at.
TYPES = [kind for kind in FeedbackType.values if kind != FeedbackType.CORRECTION]
STATUSES = [status for status in ExecutionStatus.values if status != ExecutionStatus.RUNNING]
# The usual rules, in the order in which they decide. All are made switched off.
STANDARD: list[tuple[str, str, dict[str, Any], str]] = [
    ("People disagree", RuleSource.USER_FEEDBACK, {"disagreement": True}, RuleResult.EDGE_CASE),
    ("Failed and disliked", RuleSource.USER_FEEDBACK, {"opinion": "negative", "status": "failed"}, RuleResult.FAILURE),
    ("Liked: thumbs up, or 4 to 5 stars", RuleSource.USER_FEEDBACK, {"opinion": "positive"}, RuleResult.POSITIVE),
    ("Disliked: thumbs down, or 1 to 2 stars", RuleSource.USER_FEEDBACK, {"opinion": "negative"}, RuleResult.NEGATIVE),
    ("Failed without a word", RuleSource.EXECUTION_LOG, {"status": "failed", "sample": 0.1}, RuleResult.FAILURE),
    ("Unsure", RuleSource.EXECUTION_LOG, {"confidence_below": 0.5, "sample": 0.1}, RuleResult.EDGE_CASE),
    ("Slow for its agent", RuleSource.EXECUTION_LOG, {"slow": True, "sample": 0.05}, RuleResult.EDGE_CASE),
]


def create_rule(
    *,
    name: str,
    source: str,
    example_type: str,
    conditions: dict[str, Any],
    agent: Agent | None = None,
    position: int = 100,
    user: Any = None,
) -> ExampleRule:
    """A rule, switched off. Raises Refused, naming the field; Conflict for a taken name."""
    checked = check_rule(name=name, source=source, example_type=example_type, conditions=conditions, position=position)
    if ExampleRule.objects.count() >= MOST_RULES:
        raise Refused(f"At most {MOST_RULES} rules can be kept. Change one that is there.", "name")
    try:
        with transaction.atomic():
            rule = ExampleRule.objects.create(
                name=name.strip(), source=source, example_type=example_type, conditions=checked, agent=agent,
                position=position, created_by=user,
            )  # fmt: skip
            audit.record(action="examplerule.created", target=rule, after=_told(rule))
    except IntegrityError as error:
        raise Conflict(f"There is a rule called {name!r} already.", "name") from error
    return rule


def change_rule(*, rule: ExampleRule, **values: Any) -> ExampleRule:
    """Other values for name, source, example_type, conditions, agent, position; they hold from now on.

    Raises like `create_rule`. Examples that were made already stay.
    """
    try:
        with transaction.atomic():
            rule = ExampleRule.objects.select_for_update(no_key=True).get(pk=rule.pk)
            before = _told(rule)
            for field, value in values.items():
                setattr(rule, field, value)
            rule.conditions = check_rule(
                name=rule.name, source=rule.source, example_type=rule.example_type, conditions=rule.conditions,
                position=rule.position,
            )  # fmt: skip
            rule.name = rule.name.strip()
            rule.save(update_fields=[*values, "conditions", "updated_at"])
            if _told(rule) != before:
                audit.record(action="examplerule.changed", target=rule, before=before, after=_told(rule))
    except IntegrityError as error:
        raise Conflict(f"There is a rule called {values.get('name')!r} already.", "name") from error
    return rule


def switch_rule(*, rule: ExampleRule, active: bool) -> ExampleRule:
    """On: what comes in from now on becomes examples. Off: nothing more does."""
    with transaction.atomic():
        rule = ExampleRule.objects.select_for_update(no_key=True).get(pk=rule.pk)
        if rule.active != active:
            rule.active, rule.active_since = active, timezone.now() if active else rule.active_since
            rule.save(update_fields=["active", "active_since", "updated_at"])
            audit.record(action="examplerule.switched_on" if active else "examplerule.switched_off", target=rule)
    return rule


def add_standard_rules(*, user: Any = None) -> list[ExampleRule]:
    """The usual rules that are not there yet (by name), switched off."""
    known = set(ExampleRule.objects.values_list("name", flat=True))
    return [
        create_rule(
            name=name, source=source, conditions=conditions, example_type=result, position=10 * place, user=user
        )
        for place, (name, source, conditions, result) in enumerate(STANDARD, start=1)
        if name not in known
    ]


def check_rule(
    *, name: str, source: str, example_type: str, conditions: dict[str, Any], position: int
) -> dict[str, Any]:
    """The conditions as they are kept: only what is asked for. Raises Refused, naming the field."""
    if not name.strip():
        raise Refused("Give the rule a name.", "name")
    if source not in RuleSource.values:
        raise Refused(f"Choose from {', '.join(RuleSource.values)}.", "source")
    if example_type not in RuleResult.values:
        raise Refused(f"Choose from {', '.join(RuleResult.values)}.", "example_type")
    if not 1 <= position <= 1000:
        raise Refused("The position is a whole number from 1 to 1000.", "position")
    checked = read_conditions(conditions)
    asked = checked.as_json()
    if source == RuleSource.EXECUTION_LOG and (wrong := [field for field in OF_FEEDBACK if field in asked]):
        raise Refused("Executions without feedback have no opinion, rating or comment.", wrong[0])
    if set(asked) <= {"sample"}:
        raise Refused("Name at least one condition, or everything would become an example.", "conditions")
    return asked


def read_conditions(conditions: dict[str, Any]) -> engine.Conditions:
    """Raises Refused, naming the condition at fault."""
    known: dict[str, Iterable[str]] = {
        "opinion": (engine.POSITIVE, engine.NEGATIVE), "feedback_types": TYPES, "status": STATUSES,
    }  # fmt: skip
    if conditions.get("issue_categories"):
        own = Organization.objects.get(pk=current_organization_id()).issue_categories
        known["issue_categories"] = [*ISSUE_CATEGORIES, *own]
    try:
        return engine.read_conditions(conditions, known=known)
    except engine.ConditionRefused as error:
        raise Refused(str(error), error.field) from error


def rules_in_order(*, source: str, also: Iterable[ExampleRule] = (), from_beginning: bool = False) -> list[engine.Rule]:
    """The active rules of a source and those in `also`, in the order in which they decide.

    `from_beginning`: whatever came in before they were switched on counts too. An active rule that cannot be read is
    left out, so that the others go on; one of `also` raises Refused.
    """
    asked = {rule.pk: rule for rule in also if rule.source == source}
    rows = {rule.pk: rule for rule in ExampleRule.objects.filter(active=True, source=source)} | asked
    found = []
    for row in sorted(rows.values(), key=lambda row: (row.position, row.pk)):
        try:
            found.append(_read_rule(row, from_beginning))
        except engine.ConditionRefused as error:
            if row.pk in asked:
                raise Refused(f"The conditions of {row.name} cannot be read: {error}", "conditions") from error
            log.warning("Rule %s cannot be read and is left out: %s", row.pk, error)
    return found


def _read_rule(row: ExampleRule, from_beginning: bool) -> engine.Rule:
    """Raises ConditionRefused."""
    return engine.Rule(
        key=str(row.pk),
        example_type=row.example_type,
        conditions=engine.read_conditions(row.conditions, known={}),
        agent=str(row.agent_id) if row.agent_id else None,
        since="" if from_beginning or row.active_since is None else str(first_key(row.active_since)),
    )


def _told(rule: ExampleRule) -> dict[str, Any]:
    names = ("name", "source", "example_type", "conditions", "position")
    return {name: getattr(rule, name) for name in names} | {"agent": str(rule.agent_id or "")}
