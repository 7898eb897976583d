"""The page of one example, and of one cluster of near-duplicates: what learning knows, and what experts said."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from annotation.services.lineage import history_of
from annotation.word_diff import Segment, diff_words
from learning.models import LearningExample, QualityFlag
from learning.services import cluster_list
from learning.services.cluster_review import choose_representative, release_representative
from learning.services.example_story import find_example, may_know_splits, split_of_cluster, story_of
from organizations.errors import Refused
from organizations.models import Role
from organizations.permissions import page

FLAG_LABELS = dict(QualityFlag.choices)


@page(role=Role.MANAGER)
def example_page(request: HttpRequest, example_id: UUID) -> HttpResponse:
    """Everything about one example."""
    example = _find(example_id)
    actor: Any = request.actor  # type: ignore[attr-defined]
    context = {
        "example": example,
        "story": story_of(example, actor=actor),
        "told": may_know_splits(actor),
        "segments": _correction(example),
        "flags": [FLAG_LABELS.get(flag, flag) for flag in example.quality_flags],
        "reviews": history_of(example.pk),
        "conversation": _turns(example.input_context),
    }
    return render(request, "overview/example.html", context)


@page(role=Role.MANAGER)
def cluster_page(request: HttpRequest, key: str) -> HttpResponse:
    """The near-duplicates of one cluster, side by side."""
    members = cluster_list.members_of(key)
    if not members:
        raise Http404("There are no such near-duplicates in this organization.")
    first = members[0].example
    told = may_know_splits(request.actor)  # type: ignore[attr-defined]
    context = {
        "members": [(member, _against(first, member.example)) for member in members],
        "chosen": first.is_representative,
        "told": told,
        "split": split_of_cluster(key) if told else "",
        "bounded": len(members) == cluster_list.MEMBERS,
    }
    return render(request, "overview/cluster.html", context)


@page(role=Role.MANAGER, methods=("POST",))
def example_choose(request: HttpRequest, example_id: UUID) -> HttpResponse:
    """This example stands for its near-duplicates; or, asked for the one that does, none does any more."""
    example = _find(example_id)
    try:
        if example.is_representative:
            release_representative(example=example)
            messages.success(request, "No example stands for these near-duplicates any more.")
        else:
            choose_representative(example=example)
            messages.success(request, "This example stands for its near-duplicates.")
    except Refused as error:
        messages.error(request, error.message)
        return redirect("example", example_id=example.pk)
    return redirect("example-cluster", key=example.cluster_key)


def _find(example_id: UUID) -> LearningExample:
    example = find_example(example_id)
    if example is None:
        raise Http404("There is no such example in this organization.")
    return example


def _correction(example: LearningExample) -> list[Segment]:
    """How the original output becomes the expected one; nothing where one of them is missing."""
    if not (example.original_output and example.expected_output):
        return []
    return diff_words(example.original_output, example.expected_output)


def _against(first: LearningExample, other: LearningExample) -> list[Segment]:
    return [] if first.pk == other.pk else diff_words(first.input_text, other.input_text)


def _turns(context: Any) -> list[tuple[str, str]]:
    """The conversation before the input, where the context holds one."""
    turns = context.get("conversation") if isinstance(context, dict) else None
    return [
        (str(turn.get("role", "")), str(turn.get("content", "")))
        for turn in (turns if isinstance(turns, list) else [])
        if isinstance(turn, dict)
    ]
