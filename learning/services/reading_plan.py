"""Which sums and which rows make up a span of time. Pure: moments in, ranges out.

    since        low                    high      until
      | rows       | sums by hour and day | rows    |

Sums exist for whole hours and days (UTC) before the watermark `summed_until`. The hour and the day that the watermark
lies in have sums too, of what comes before it, so they belong in only when the span goes on beyond the watermark.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Span:
    """From `start` to before `end`. Raises ValueError when it holds no time."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if not self.start < self.end:
            raise ValueError(f"nothing lies between {self.start} and {self.end}")

    def before(self) -> Span:
        """The span of the same length that ends where this one starts."""
        return Span(self.start - (self.end - self.start), self.start)


@dataclass(frozen=True)
class Plan:
    """What to add up. `summed`: what days and hours cover together; marked hours inside are read again by row."""

    days: tuple[Span, ...] = ()
    hours: tuple[Span, ...] = ()
    rows: tuple[Span, ...] = ()
    summed: Span | None = None


def plan_reading(span: Span, summed_until: datetime | None, *, by_hour: bool = False) -> Plan:
    """How to read `span` with as few rows as can be. `by_hour`: the answer tells hours apart, so no sums of days."""
    if summed_until is None:
        return Plan(rows=(span,))
    low = ceiling(span.start, HOUR)
    high = summed_until if span.end >= summed_until else floor(span.end, HOUR)
    if low >= high:
        return Plan(rows=(span,))
    first = ceiling(low, DAY)
    last = high if high == summed_until else floor(high, DAY)
    whole_days = not by_hour and first < last
    return Plan(
        days=_spans((first, last)) if whole_days else (),
        hours=_spans((low, first), (last, high)) if whole_days else _spans((low, high)),
        rows=_spans((span.start, low), (high, span.end)),
        summed=Span(low, high),
    )


def whole_hours(span: Span, rows_since: datetime | None) -> Span:
    """The span, begun and ended at a whole hour where the rows are past their retention and only sums are left."""
    if rows_since is None or span.start >= rows_since:
        return span
    end = ceiling(span.end, HOUR) if span.end < rows_since else span.end
    return Span(floor(span.start, HOUR), end)


def floor(moment: datetime, step: timedelta) -> datetime:
    """The last whole hour or day (UTC) that is not after the moment."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (moment - midnight) // step * step


def ceiling(moment: datetime, step: timedelta) -> datetime:
    """The first whole hour or day (UTC) that is not before the moment."""
    below = floor(moment, step)
    return below if below == moment else below + step


def _spans(*ends: tuple[datetime, datetime]) -> tuple[Span, ...]:
    return tuple(Span(start, end) for start, end in ends if start < end)
