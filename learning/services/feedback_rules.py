"""What feedback an organization takes: the settings, and what each type needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings

from learning.models import ISSUE_CATEGORIES, FeedbackType
from organizations.errors import Refused
from organizations.models import Organization
from organizations.scope import current_organization_id

THUMBS = (FeedbackType.THUMBS_UP, FeedbackType.THUMBS_DOWN)
# What makes a type what it is: one of these fields.
NEEDED = {
    FeedbackType.STAR_RATING: ("rating",),
    FeedbackType.CORRECTION: ("correction_text",),
    FeedbackType.DETAILED_FEEDBACK: (
        "feedback_text", "rating", "accuracy", "helpfulness", "clarity", "completeness", "issue_categories",
    ),
    FeedbackType.REPORT_ISSUE: ("issue_categories", "feedback_text"),
}  # fmt: skip


@dataclass(frozen=True)
class Rules:
    """The `feedback` settings. `threshold`: stars; where a rating is required, at or below it a reason is too."""

    enabled: bool
    enable_corrections: bool
    require_rating: bool
    threshold: int

    @cached_property
    def own_categories(self) -> frozenset[str]:
        """The issue categories that the organization added; looked up when a category is not one of ours."""
        return frozenset(Organization.objects.get(pk=current_organization_id()).issue_categories)

    def check(self, item: Mapping[str, Any]) -> None:
        """Raises Refused, naming the field, for feedback that the rules do not allow."""
        kind = item["feedback_type"]
        if not self.enabled:
            raise Refused("Feedback is switched off here (setting feedback.enabled).", "feedback_type")
        if kind == FeedbackType.CORRECTION and not self.enable_corrections:
            raise Refused("Corrections are switched off here (setting feedback.enable_corrections).", "feedback_type")
        needed = NEEDED.get(kind, ())
        if needed and not _any_given(item, needed):
            raise Refused(f"Feedback of the type {kind} needs {_listed(needed)}.", needed[0])
        if self.require_rating:
            self._check_rating(item)
        self._check_categories(item.get("issue_categories", []))

    def _check_rating(self, item: Mapping[str, Any]) -> None:
        rating = item.get("rating")
        if rating is None and item["feedback_type"] not in THUMBS:
            raise Refused("A rating from 1 to 5 is required here (setting feedback.require_rating).", "rating")
        reasons = ("feedback_text", "correction_text", "issue_categories")
        if rating is not None and rating <= self.threshold and not _any_given(item, reasons):
            raise Refused(f"With {rating} of 5 stars, say what was wrong: {_listed(reasons)}.", "feedback_text")

    def _check_categories(self, categories: list[str]) -> None:
        unknown = [name for name in categories if name not in ISSUE_CATEGORIES and name not in self.own_categories]
        if unknown:
            known = ", ".join([*ISSUE_CATEGORIES, *sorted(self.own_categories)])
            raise Refused(f"Unknown category {unknown[0]!r}. Choose from {known}.", "issue_categories")


def current_rules() -> Rules:
    """The rules of the organization in scope."""
    given = settings.LEARNING["feedback"]
    return Rules(
        enabled=given["enabled"],
        enable_corrections=given["enable_corrections"],
        require_rating=given["require_rating"],
        threshold=given["require_rating_threshold"],
    )


def _any_given(item: Mapping[str, Any], fields: tuple[str, ...]) -> bool:
    """A text of spaces says nothing."""
    values = (item.get(field) for field in fields)
    return any(value.strip() if isinstance(value, str) else value for value in values)


def _listed(fields: tuple[str, ...]) -> str:
    return " or ".join([", ".join(fields[:-1]), fields[-1]] if len(fields) > 1 else fields)
