"""The arm of an experiment that a person who is forgotten was shown."""

from __future__ import annotations

from experiments.models import Exposure
from organizations.erasers import Person


def forget_exposures(person: Person, *, dry_run: bool = False) -> dict[str, int]:
    """Fits organizations.erasers.Eraser. Which arm a user gets follows from their pseudonym and is stored nowhere."""
    rows = Exposure.objects.filter(unit=person.user)
    return {"exposures": rows.count() if dry_run else rows.delete()[0]}
