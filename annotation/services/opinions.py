"""What an expert says about an example, checked before it goes anywhere."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from annotation.models import AnnotationType, Decision, ExpertAnnotation, Preferred
from annotation.models.annotations import SCORES
from organizations.errors import Refused

LONGEST_TEXT = 100_000  # characters
MOST_SECONDS = 86_400
STRONGEST = 3


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """One expert's decision with its reasons. Scores and confidence run from 0 to 1; None means not given.

    `categories` is {name: {"score": 0-10, "issues": [text]}}; `answers` are those to the queue's rubric, by key;
    `preferred` (see Preferred) with `strength` 1-3 is for items that compare two outputs. Raises Refused, naming the
    field, for anything else.
    """

    decision: str
    technical_accuracy: float | None = None
    professional_quality: float | None = None
    completeness: float | None = None
    clarity: float | None = None
    categories: dict[str, Any] = field(default_factory=dict)
    corrected_output: str = ""
    notes: str = ""
    improvement_suggestions: list[str] = field(default_factory=list)
    confidence: float | None = None
    is_training_data: bool = True
    seconds_spent: int | None = None
    annotation_type: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    preferred: str = ""
    strength: int | None = None

    def __post_init__(self) -> None:
        if self.decision not in Decision.values:
            raise Refused(f"Choose one of {', '.join(Decision.values)}.", "decision")
        if self.annotation_type and self.annotation_type not in AnnotationType.values:
            raise Refused(f"Choose one of {', '.join(AnnotationType.values)}.", "annotation_type")
        if self.preferred and self.preferred not in Preferred.values:
            raise Refused(f"Choose one of {', '.join(Preferred.values)}.", "preferred")
        if self.strength is not None and not 1 <= self.strength <= STRONGEST:
            raise Refused(f"The strength is 1 (a little better) to {STRONGEST} (much better).", "strength")
        for name in (*SCORES, "confidence"):
            _check_share(name, getattr(self, name))
        for name in ("corrected_output", "notes"):
            if len(getattr(self, name)) > LONGEST_TEXT:
                raise Refused(f"The text is longer than {LONGEST_TEXT} characters.", name)
        if self.seconds_spent is not None and not 0 <= self.seconds_spent <= MOST_SECONDS:
            raise Refused(f"The time spent must lie between 0 and {MOST_SECONDS} seconds.", "seconds_spent")
        for name, category in self.categories.items():
            _check_category(name, category)

    def columns(self) -> dict[str, Any]:
        """The fields of an ExpertAnnotation that hold this opinion."""
        kind = AnnotationType.CORRECTION if self.corrected_output else AnnotationType.QUALITY_ASSESSMENT
        return asdict(self) | {"annotation_type": self.annotation_type or kind}

    def is_said_by(self, annotation: ExpertAnnotation) -> bool:
        """Whether the annotation says the same, apart from the time it took."""
        return all(
            getattr(annotation, name) == value for name, value in self.columns().items() if name != "seconds_spent"
        )


def _check_share(name: str, value: float | None) -> None:
    if value is not None and (math.isnan(value) or not 0 <= value <= 1):
        raise Refused("The number must lie between 0 and 1.", name)


def _check_category(name: str, category: Any) -> None:
    if not name.strip():
        raise Refused("Give each category a name.", "categories")
    score = category.get("score") if isinstance(category, dict) else None
    issues = category.get("issues", []) if isinstance(category, dict) else None
    scored = isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 10
    if not scored or not isinstance(issues, list) or not all(isinstance(issue, str) for issue in issues):
        raise Refused("A category is a score from 0 to 10 with a list of issues (texts).", f"categories.{name}")
