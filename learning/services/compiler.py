"""The correction compiler: one approval teaches in several forms, each linked to the annotation that approved it.

The forms are written when an example is approved, and again when it is prepared: never from a text that is not
redacted. Where an example was approved without a review (an import, say) they are computed when somebody asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q

from learning.models import BAD_TYPES, CompiledCorrection, CompiledKind, ExampleType, LearningExample, ReviewStatus

Forms = dict[str, dict[str, Any]]
WAITING: dict[str, Any] = {}  # the content of a form until its example is prepared


def forms_of(example: LearningExample) -> Forms:
    """The forms in which an approved example teaches, by CompiledKind, as JSON; only those that its texts allow."""
    question, wanted = example.input_text, example.expected_output
    worse = example.rejected_output or example.original_output
    differs = bool(worse.strip()) and worse.strip() != wanted.strip()
    forms: Forms = {}
    if not question.strip():
        return forms
    if wanted.strip() and example.example_type not in (ExampleType.PREFERENCE, *BAD_TYPES):
        forms[CompiledKind.SFT_ROW] = {"messages": [_turn("user", question), _turn("assistant", wanted)]}
        forms[CompiledKind.FEW_SHOT] = {"input": question, "output": wanted}
        forms[CompiledKind.REGRESSION_CASE] = {
            "input": question, "expected": wanted, "must_not_equal": worse if differs else None,
        }  # fmt: skip
    if wanted.strip() and differs:
        forms[CompiledKind.PREFERENCE_PAIR] = {"input": question, "chosen": wanted, "rejected": worse}
    judged = worse if differs else wanted or worse
    if judged.strip():
        wrong = differs or example.example_type in BAD_TYPES
        forms[CompiledKind.JUDGE_LABEL] = {
            "input": question, "output": judged, "verdict": "wrong" if wrong else "right",
            "better": wanted if differs and wanted.strip() else None, "score": example.quality_score,
        }  # fmt: skip
    return {str(kind): content for kind, content in forms.items()}


def compile_correction(*, example: LearningExample, approval: UUID | None = None) -> None:
    """Write the forms of an example that was just approved, in the caller's transaction.

    approval: the annotation that approved it, where there is one. The forms wait, empty, while it is not prepared.
    """
    _write([example], {example.pk: approval})


def compile_prepared(*, examples: Sequence[LearningExample]) -> None:
    """Examples were prepared: fill the forms that wait for it, and those whose texts are others now.

    What is not approved any more loses its forms, which hold the texts as they were.
    """
    rows = CompiledCorrection.objects.filter(example__in=examples)
    approvals = dict(rows.order_by().values_list("example_id", "approval"))
    if not approvals:
        return
    approved = [one for one in examples if one.pk in approvals and one.review_status == ReviewStatus.APPROVED]
    rows.exclude(example__in=approved).delete()
    _write(approved, approvals)


def compiled_forms(example: LearningExample) -> list[CompiledCorrection]:
    """The forms of one example for a person to see, in the order of their kinds; none until it is approved."""
    return [row for kind in CompiledKind.values for row in compiled_rows([example], kind)]


def compiled_rows(examples: Sequence[LearningExample], kind: str) -> list[CompiledCorrection]:
    """The form `kind` of each approved and prepared example that has it; not stored where it never was."""
    stored = {row.example_id: row for row in CompiledCorrection.objects.filter(example__in=examples, kind=kind)}
    found = []
    for example in examples:
        content = forms_of(example).get(kind)
        if content is None or example.review_status != ReviewStatus.APPROVED or not example.prepared_version:
            continue
        row = stored.get(example.pk) or CompiledCorrection(example=example, kind=kind, created_at=example.updated_at)
        row.content = content
        found.append(row)
    return found


def _write(examples: Sequence[LearningExample], approvals: dict[UUID, UUID | None]) -> None:
    rows, gone = [], Q(_connector=Q.OR)
    for example in examples:
        forms = forms_of(example)
        if none := [kind for kind in CompiledKind.values if kind not in forms]:
            gone |= Q(example=example, kind__in=none)
        rows += [
            CompiledCorrection(
                example=example,
                kind=kind,
                content=content if example.prepared_version else WAITING,
                approval=approvals[example.pk],
            )
            for kind, content in sorted(forms.items())
        ]
    CompiledCorrection.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["organization", "example", "kind"],
        update_fields=["content", "approval", "updated_at"],
    )
    if gone.children:
        CompiledCorrection.objects.filter(gone).delete()


def _turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}
