"""One action on many examples, as a job: what each was before is kept, so that the action can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import ProtectedError, QuerySet
from django.utils import timezone

from learning.models import BAD_TYPES, Job, JobChange, JobKind, LearningExample, ReviewStatus
from learning.services import examples
from learning.services.cluster_review import choose_representative, delete_examples
from learning.services.clusters import lock_splits
from learning.services.example_search import narrow
from learning.services.jobs import Step, Work, start_job
from organizations import audit
from organizations.errors import Refused
from organizations.transitions import move

BATCH = 200
MOST_TAGS = 50
MOST_PROBLEMS = 200  # kept of those that the action refused

Values = dict[str, Any]
Action = Callable[[LearningExample, Mapping[str, Any]], Values]


@dataclass(frozen=True)
class Selection:
    """Which examples: those that the filters leave, without `left_out`; or of them `only` these."""

    wanted: Mapping[str, Any]
    left_out: Sequence[UUID] = ()
    only: Sequence[UUID] = ()


def start_bulk_action(*, selection: Selection, action: Mapping[str, Any], user: Any = None) -> Job:
    """Queue the action; later examples are not touched. Raises Refused for an action or a filter without sense."""
    checked = check_action(action)
    narrow(LearningExample.objects.all(), selection.wanted)
    newest = LearningExample.objects.order_by("-id").values_list("pk", flat=True).first()
    request = {
        "filter": {name: str(value) for name, value in selection.wanted.items() if value not in (None, "")},
        "except": [str(pk) for pk in selection.left_out],
        "only": [str(pk) for pk in selection.only],
        "up_to": str(newest) if newest else None,
        "action": checked,
    }
    return start_job(kind=JobKind.BULK_ACTION, title=title_of(checked), request=request, user=user)


def check_action(action: Mapping[str, Any]) -> dict[str, Any]:
    """The action with the values that it needs, cleaned. Raises Refused naming the field at fault."""
    name = action.get("name")
    if name not in ACTIONS:
        raise Refused(f"There is no such action. Known are: {', '.join(ACTIONS)}.", "action.name")
    if name in ("tag", "untag"):
        tags = list(dict.fromkeys(tag.strip() for tag in action.get("tags", []) if tag.strip()))
        if not tags or len(tags) > MOST_TAGS or max(map(len, tags)) > 50:
            raise Refused(f"Name 1 to {MOST_TAGS} tags of at most 50 characters.", "action.tags")
        return {"name": name, "tags": tags}
    if name in ("set_domain", "set_task_type"):
        value = str(action.get("value", "")).strip()
        if len(value) > 100:
            raise Refused("At most 100 characters.", "action.value")
        return {"name": name, "value": value}
    return {"name": name}


def title_of(action: Mapping[str, Any]) -> str:
    """Such as "Tag examples: urgent"."""
    detail = ", ".join(action.get("tags", [])) or action.get("value", "")
    return f"{LABELS[action['name']]}{': ' + detail if detail else ''}"


def selected(request: Mapping[str, Any]) -> QuerySet[LearningExample]:
    """The examples that a stored request speaks of, as they are now."""
    rows = narrow(LearningExample.objects.all(), request["filter"])
    if request["only"]:
        rows = rows.filter(pk__in=request["only"])
    return rows.exclude(pk__in=request["except"]).filter(pk__lte=request["up_to"]) if request["up_to"] else rows.none()


def work(work: Work) -> Iterator[Step]:
    """Step by step through the examples, in the order of their keys."""
    rows, action = selected(work.request), work.request["action"]
    after, total = work.cursor.get("after"), work.cursor.get("total")
    result = {"changed": 0, "unchanged": 0, "refused": 0, "problems": []} | work.result
    done = work.done
    if total is None:
        total = rows.count()
        yield Step(0, total, cursor={"total": total}, result=result)
    while batch := _next(rows, after):
        _act_on(batch, action, work.job_id, result)
        done, after = done + len(batch), str(batch[-1])
        yield Step(done, total, cursor={"after": after, "total": total}, result=result)


def _next(rows: QuerySet[LearningExample], after: str | None) -> list[UUID]:
    following = rows.filter(pk__gt=after) if after else rows
    return list(following.order_by("pk").values_list("pk", flat=True)[:BATCH])


def _act_on(batch: Sequence[UUID], action: Mapping[str, Any], job_id: UUID, result: dict[str, Any]) -> None:
    if action["name"] in ("delete", "mark_representative"):
        lock_splits()  # before any row, as everybody does who changes clusters
    changes = []
    for example in LearningExample.objects.select_for_update().filter(pk__in=batch).order_by("pk"):
        try:
            before = ACTIONS[action["name"]](example, action)
        except (Refused, ProtectedError) as error:
            reason = error.message if isinstance(error, Refused) else "Something else is built on it."
            result["refused"] += 1
            result["problems"] = [*result["problems"], {"example": str(example.pk), "reason": reason}][:MOST_PROBLEMS]
            continue
        result["changed" if before else "unchanged"] += 1
        if before and action["name"] != "delete":
            after = {name: getattr(example, name) for name in before}
            changes.append(JobChange(job_id=job_id, target_id=example.pk, before=before, after=after))
    JobChange.objects.bulk_create(changes)


def _set(example: LearningExample, **values: Any) -> Values:
    """Change what differs, with audit; what it was before, empty when nothing differs."""
    before = {name: getattr(example, name) for name, value in values.items() if getattr(example, name) != value}
    if before:
        after = {name: values[name] for name in before}
        LearningExample.objects.filter(pk=example.pk).update(**after, updated_at=timezone.now())
        for name, value in after.items():
            setattr(example, name, value)
        audit.record(action="example.changed", target=example, before=before, after=after)
    return before


def _tag(example: LearningExample, action: Mapping[str, Any]) -> Values:
    tags = [*example.tags, *(tag for tag in action["tags"] if tag not in example.tags)]
    if len(tags) > MOST_TAGS:
        raise Refused(f"It would have more than {MOST_TAGS} tags.")
    return _set(example, tags=tags)


def _untag(example: LearningExample, action: Mapping[str, Any]) -> Values:
    return _set(example, tags=[tag for tag in example.tags if tag not in action["tags"]])


def _judge(example: LearningExample, verdict: str, judge: Callable[[], None]) -> Values:
    if example.review_status == verdict:
        return {}
    before = example.review_status
    judge()
    return {"review_status": before}


def _approve(example: LearningExample, action: Mapping[str, Any]) -> Values:
    answer = example.original_output if example.example_type in BAD_TYPES else example.expected_output
    if not answer.strip():
        raise Refused("It holds no answer to learn from.")
    return _judge(example, ReviewStatus.APPROVED, lambda: examples.approve_example(example=example))


def _reject(example: LearningExample, action: Mapping[str, Any]) -> Values:
    return _judge(example, ReviewStatus.REJECTED, lambda: examples.reject_example(example=example))


def _reopen(example: LearningExample, action: Mapping[str, Any]) -> Values:
    to = ReviewStatus.PENDING
    return _judge(example, to, lambda: move(example, to, field="review_status", updated_at=timezone.now()))


def _mark_representative(example: LearningExample, action: Mapping[str, Any]) -> Values:
    """The first of a cluster that has none yet; nobody's choice is overruled."""
    if example.is_representative:
        return {}
    if LearningExample.objects.filter(cluster_key=example.cluster_key, is_representative=True).exists():
        raise Refused("Another of its near-duplicates is the representative.")
    choose_representative(example=example)
    return {"is_representative": False}


def _delete(example: LearningExample, action: Mapping[str, Any]) -> Values:
    delete_examples(examples=[example])
    return {"deleted": True}


ACTIONS: dict[str, Action] = {
    "tag": _tag,
    "untag": _untag,
    "set_domain": lambda example, action: _set(example, domain=action["value"]),
    "set_task_type": lambda example, action: _set(example, task_type=action["value"]),
    "approve": _approve,
    "reject": _reject,
    "reopen": _reopen,
    "mark_representative": _mark_representative,
    "delete": _delete,
}
LABELS = {
    "tag": "Tag examples",
    "untag": "Take tags off examples",
    "set_domain": "Set the domain of examples",
    "set_task_type": "Set the task type of examples",
    "approve": "Approve examples",
    "reject": "Reject examples",
    "reopen": "Send examples back to review",
    "mark_representative": "Mark examples as representatives",
    "delete": "Delete examples that were never published",
}
