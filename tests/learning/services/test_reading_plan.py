"""A plan covers each moment of its span once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learning.services.reading_plan import DAY, HOUR, Plan, Span, ceiling, floor, plan_reading

MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 12), timezones=st.just(UTC))
WATERMARKS = st.one_of(st.none(), MOMENTS)


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC)


def test_a_long_span_is_days_between_hours_between_rows() -> None:
    plan = plan_reading(Span(at(1, 10, 30), at(5, 14, 20)), at(5, 13, 45))
    assert plan == Plan(
        days=(Span(at(2), at(5, 13, 45)),),
        hours=(Span(at(1, 11), at(2)),),
        rows=(Span(at(1, 10, 30), at(1, 11)), Span(at(5, 13, 45), at(5, 14, 20))),
        summed=Span(at(1, 11), at(5, 13, 45)),
    )


def test_a_span_that_ended_before_the_watermark_takes_whole_hours_and_days_alone() -> None:
    plan = plan_reading(Span(at(1), at(5, 14, 20)), at(9, 9, 9))
    assert plan.days == (Span(at(1), at(5)),)
    assert plan.hours == (Span(at(5), at(5, 14)),)
    assert plan.rows == (Span(at(5, 14), at(5, 14, 20)),)


def test_without_sums_all_is_read_by_row() -> None:
    span = Span(at(1), at(2))
    assert plan_reading(span, None) == Plan(rows=(span,))


def test_a_span_that_tells_hours_apart_takes_no_sums_of_days() -> None:
    assert plan_reading(Span(at(1), at(5)), at(9), by_hour=True).days == ()


@given(MOMENTS, MOMENTS, WATERMARKS, st.booleans())
def test_every_moment_is_covered_once(
    one: datetime, other: datetime, watermark: datetime | None, by_hour: bool
) -> None:
    if one == other:
        return
    span = Span(min(one, other), max(one, other))
    plan = plan_reading(span, watermark, by_hour=by_hour)
    pieces = sorted([*plan.days, *plan.hours, *plan.rows], key=lambda piece: piece.start)
    assert (pieces[0].start, pieces[-1].end) == (span.start, span.end)
    assert all(piece.end == following.start for piece, following in pairwise(pieces))
    for step, summed in ((DAY, plan.days), (HOUR, plan.hours)):
        for piece in summed:
            assert watermark is not None and piece.end <= watermark
            assert piece.start == floor(piece.start, step)
            assert piece.end in (floor(piece.end, step), watermark)


@given(MOMENTS, st.sampled_from([HOUR, DAY]))
def test_floor_and_ceiling_enclose_the_moment(moment: datetime, step: timedelta) -> None:
    assert floor(moment, step) <= moment <= ceiling(moment, step)
    assert ceiling(moment, step) - floor(moment, step) in (timedelta(0), step)


def test_a_span_holds_time() -> None:
    with pytest.raises(ValueError, match="nothing lies between"):
        Span(at(2), at(2))


def test_the_span_before_has_the_same_length() -> None:
    assert Span(at(5), at(8)).before() == Span(at(2), at(5))
