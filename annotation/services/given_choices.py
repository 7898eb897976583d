"""Which of two answers experts found better, one choice each, for whoever learns from choices."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from annotation.models import ExpertAnnotation, Preferred
from annotation.services.preferences import exchanged
from learning.choice_sources import Choice
from learning.models import ExampleType

CLEAR = (Preferred.EXPECTED, Preferred.REJECTED)


def given_choices(*, examples: Any, since: datetime, until: datetime, most: int) -> Iterator[Choice]:
    """Fits learning.choice_sources.ChoiceSource. Those of people whose account is gone are left out."""
    said = ExpertAnnotation.objects.counted().filter(
        example__in=examples, created_at__gte=since, created_at__lt=until, expert__isnull=False
    )
    yield from _compared(said.order_by("-id"), most)
    yield from _corrected(said.order_by("-id"), most)


def _compared(said: Any, most: int) -> Iterator[Choice]:
    """The two outputs of an item; a verdict may have exchanged them since they were compared."""
    chosen = said.filter(preferred__in=CLEAR, example__example_type=ExampleType.PREFERENCE)
    names = ("example_id", "expert_id", "preferred", "example__expected_output", "example__rejected_output")
    rows = list(chosen.values_list(*names)[:most])
    other = exchanged({row[0] for row in rows})
    for example_id, expert_id, preferred, expected, rejected in rows:
        as_now = (preferred == Preferred.EXPECTED) == (example_id not in other)
        better, worse = (expected, rejected) if as_now else (rejected, expected)
        yield Choice(example_id, expert_id, better, worse, compared=True)


def _corrected(said: Any, most: int) -> Iterator[Choice]:
    """What an expert would have answered, against what the agent said."""
    names = ("example_id", "expert_id", "corrected_output", "example__original_output")
    wrote = said.exclude(corrected_output="").exclude(example__example_type=ExampleType.PREFERENCE)
    for example_id, expert_id, better, worse in wrote.values_list(*names)[:most]:
        yield Choice(example_id, expert_id, better, worse, compared=False)
