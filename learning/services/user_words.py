"""What users said about the answers that a version's examples correct: their categories and their words, redacted."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from learning.models import DatasetVersion, Split
from learning.services.redaction_rules import recognizers
from organizations.redaction.redactor import redact_texts

MOST_COMMENTS = 300  # of a version; a run shows a few dozen at most to the model that writes
LONGEST = 1_000  # characters of a comment


@dataclass(frozen=True)
class Words:
    """`issues`: categories that the user named; `comment`: free words, empty where there are none or too many."""

    issues: tuple[str, ...] = ()
    comment: str = ""


def words_about(version: DatasetVersion) -> dict[UUID, Words]:
    """By example. Only of train examples, only with consent, and only what is still kept."""
    field = "example__source_feedback__"
    said = ~Q(**{f"{field}issue_categories": []}) | ~Q(**{f"{field}feedback_text": ""})
    rows = (
        version.items.filter(said, split=Split.TRAIN, **{f"{field}consent": True, f"{field}removed_at": None})
        .filter(example__source_feedback__isnull=False)
        .order_by("example_id")
        .values_list("example_id", f"{field}issue_categories", f"{field}feedback_text")
    )
    rules, left = recognizers(), MOST_COMMENTS
    found = {}
    for example_id, issues, text in rows:
        comment = ""
        if text and left:
            left -= 1
            comment = str(redact_texts({"comment": text[:LONGEST]}, rules).texts["comment"])
        found[example_id] = Words(tuple(issues or ()), comment)
    return found
