"""What was learned about a person as a reviewer, forgotten with them."""

from __future__ import annotations

from learning.models import ReviewerPreferenceModel
from organizations.erasers import Person


def forget_preferences(person: Person, *, dry_run: bool = False) -> dict[str, int]:
    """Fits organizations.erasers.Eraser. The other findings are sums over at least five people and name nobody."""
    rows = ReviewerPreferenceModel.objects.filter(user=person.user) if person.user else None
    if rows is None:
        return {"preference models": 0}
    return {"preference models": rows.count() if dry_run else rows.delete()[0]}
