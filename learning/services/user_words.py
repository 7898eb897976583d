"""What users said about the answers that a version's examples correct: their categories and their words, redacted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models.functions import Left

from learning.models import DatasetVersion, Split
from learning.services.redaction_rules import recognizers
from organizations.redaction.findings import Recognizer
from organizations.redaction.redactor import redact_texts

MOST_COMMENTS = 300  # of a version; a run shows a few dozen at most to the model that writes
LONGEST = 1_000  # characters of a comment
REACH = 17_000  # characters: nothing that is redacted is longer (a private key)
FEEDBACK = "example__source_feedback__"


@dataclass(frozen=True)
class Words:
    """`issues`: categories that the user named; `comment`: free words, empty where there are none or too many."""

    issues: tuple[str, ...] = ()
    comment: str = ""


def words_about(version: DatasetVersion) -> dict[UUID, Words]:
    """By example. Only of train examples, only with consent, and only what is still kept."""
    rows = version.items.filter(split=Split.TRAIN, example__source_feedback__isnull=False)
    rows = rows.filter(**{f"{FEEDBACK}consent": True, f"{FEEDBACK}removed_at": None}).order_by("example_id")
    named = rows.exclude(**{f"{FEEDBACK}issue_categories": []})
    issues = dict(named.values_list("example_id", f"{FEEDBACK}issue_categories"))
    said = rows.filter(**{f"{FEEDBACK}feedback_text__gt": ""})
    texts = said.values_list("example_id", Left(f"{FEEDBACK}feedback_text", LONGEST + REACH))[:MOST_COMMENTS]
    rules = recognizers()
    comments = {example_id: _shortened(text, rules) for example_id, text in texts}
    ids = issues.keys() | comments.keys()
    return {one: Words(tuple(issues.get(one, ())), comments.get(one, "")) for one in ids}


def _shortened(text: str, rules: Sequence[Recognizer]) -> str:
    """The beginning of a comment, redacted before it is cut: half of an address would not be known as one."""
    redacted = str(redact_texts({"comment": text}, rules).texts["comment"])
    whole = len(text) < LONGEST + REACH
    return redacted[: LONGEST if whole else max(0, min(LONGEST, len(redacted) - REACH))]
