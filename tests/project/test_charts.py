"""Charts: every value where it belongs, safe for any label, readable without eyes."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from project.overview.charts import (
    Band,
    Interval,
    Series,
    Steps,
    band_chart,
    bar_chart,
    interval_chart,
    line_chart,
    step_chart,
    value_text,
)
from project.overview.charts.scale import HEIGHT, TOP, Scale

DAYS = ["1 Nov", "2 Nov", "3 Nov"]


def parsed(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(markup)  # well-formed, or this raises


def numbers(element: ElementTree.Element, name: str) -> list[float]:
    return [float(found.attrib[name].rstrip("%")) for found in element.iter("rect") if "x" in found.attrib]


def test_bars_stand_on_one_another_in_proportion() -> None:
    chart = parsed(
        bar_chart(title="Feedback", labels=DAYS, series=[Series("up", [3, 2, 0]), Series("down", [1, 2, 3])])
    )
    heights = numbers(chart, "height")
    assert heights == pytest.approx([120, 80, 40, 80, 120], abs=0.02)  # 4 is the whole height of 160; none for nothing
    tops = numbers(chart, "y")
    assert tops[0] == pytest.approx(tops[2] + heights[2], abs=0.02)


def test_a_line_breaks_where_a_value_is_missing() -> None:
    values = [0.1, 0.2, None, 0.4, float("nan"), 0.5, 0.6]
    chart = parsed(line_chart(title="Rate", labels=[str(i) for i in range(7)], series=[Series("rate", values)]))
    lines = [line.attrib["points"].split() for line in chart.iter("polyline")]
    assert [len(points) for points in lines] == [2, 2]  # 0.4 stands alone: a dot and no line
    assert len(list(chart.iter("circle"))) == 5


def test_a_label_can_never_become_markup() -> None:
    hostile = '<script>alert("x")</script>&'
    for markup in (
        bar_chart(title=hostile, labels=[hostile], series=[Series(hostile, [1])], unit=hostile),
        line_chart(title=hostile, labels=[hostile], series=[Series(hostile, [1]), Series("b", [2])]),
        interval_chart(title=hostile, rows=[Interval(hostile, 1, 0, 2, hostile)], unit=hostile),
        bar_chart(title=hostile, labels=[], series=[]),
    ):
        assert "<script" not in markup
        assert list(parsed(markup).iter("script")) == []


def test_a_chart_needs_no_inline_style_or_id() -> None:
    markup = line_chart(title="Rate", labels=DAYS, series=[Series("a", [1, 2, 3]), Series("b", [3, 2, 1])])
    assert not re.search(r"\s(style|id|on\w+)=", markup)


def test_a_chart_tells_its_numbers_to_those_who_cannot_see_it() -> None:
    chart = parsed(bar_chart(title="Feedback", labels=DAYS, series=[Series("up", [4, None, 6])]))
    drawing = next(svg for svg in chart.iter("svg") if svg.attrib.get("role") == "img")
    assert drawing.findtext("title") == "Feedback"
    assert drawing.findtext("desc") == "1 Nov to 3 Nov. up: 4 to 6, last 6"
    cells = [cell.text for cell in chart.iter("td")]
    assert cells == ["4", "-", "6"]


def test_labels_are_evenly_spaced_and_end_with_the_newest() -> None:
    days = [str(day) for day in range(1, 31)]
    chart = parsed(bar_chart(title="Feedback", labels=days, series=[Series("up", [1] * 30)]))
    shown = [text.text for text in chart.iter("text") if "chart-tick" in text.attrib.get("class", "")]
    assert sorted(map(int, filter(None, shown))) == [5, 10, 15, 20, 25, 30]


def test_without_values_a_chart_says_so() -> None:
    for markup in (
        bar_chart(title="Feedback", labels=DAYS, series=[Series("up", [None, None, None])]),
        bar_chart(title="Feedback", labels=DAYS, series=[Series("up", [0, None, 0])]),
        line_chart(title="Feedback", labels=[], series=[]),
        interval_chart(title="Feedback", rows=[]),
    ):
        assert "No values yet" in markup


def test_values_that_do_not_match_the_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="2 values for 3 labels"):
        line_chart(title="Rate", labels=DAYS, series=[Series("a", [1, 2])])
    with pytest.raises(ValueError, match="negative"):
        bar_chart(title="Rate", labels=DAYS, series=[Series("a", [1, -2, 3])])
    with pytest.raises(ValueError, match="outside"):
        Interval("gain", 3, 0, 2)
    with pytest.raises(ValueError, match="finite"):
        line_chart(title="Rate", labels=DAYS, series=[Series("a", [1, float("inf"), 3])])


@pytest.mark.parametrize(
    ("low", "high", "higher_is_better", "tone"),
    [
        (1, 3, True, "chart-clear"),
        (-3, -1, True, "chart-against"),
        (-3, -1, False, "chart-clear"),
        (-1, 1, True, "chart-unclear"),
        (0, 1, True, "chart-unclear"),
    ],
)
def test_an_interval_is_clear_only_when_it_leaves_out_the_reference(
    low: float, high: float, higher_is_better: bool, tone: str
) -> None:
    rows = [Interval("gain", (low + high) / 2, low, high)]
    assert tone in interval_chart(title="Gain", rows=rows, higher_is_better=higher_is_better)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 33, (0, 10, 20, 30, 40)),
        (0, 1, (0, 0.25, 0.5, 0.75, 1)),
        (0, 0, (0, 0.25, 0.5, 0.75, 1)),
        (-3, 5, (-4, -2, 0, 2, 4, 6)),
        (0, 100_000, (0, 25_000, 50_000, 75_000, 100_000)),
    ],
)
def test_ticks_are_round_and_cover_the_values(low: float, high: float, ticks: tuple[float, ...]) -> None:
    assert Scale.over(low, high, from_zero=True).ticks == pytest.approx(ticks)


def test_counts_get_whole_ticks() -> None:
    assert Scale.over(0, 1, from_zero=True, whole=True).ticks == (0, 1)
    assert Scale.over(0, 9, from_zero=True, whole=True).ticks == pytest.approx((0, 3, 6, 9))


def test_a_flat_line_away_from_zero_has_an_axis() -> None:
    assert "polyline" in line_chart(title="Rate", labels=DAYS, series=[Series("a", [0.7, 0.7, 0.7])], from_zero=False)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1234567, "", "1,234,567"),
        (0.5, "", "0.5"),
        (21.44, "%", "21.4%"),
        (123.4, "ms", "123 ms"),
        (0.0314, "", "0.031"),
        (-0.0001, "", "0"),
        (None, "%", "-"),
        (float("nan"), "", "-"),
    ],
)
def test_numbers_are_written_for_people(value: float | None, unit: str, text: str) -> None:
    assert value_text(value, unit) == text


def test_looks_stand_where_their_numbers_are() -> None:
    """17, 40, 80, 120, 120: the last two at one place, the others apart by what lies between them."""
    looks = [Band(str(at), 1.0, 0.5, 1.5, at) for at in (17, 40, 80, 120, 120)]
    drawing = band_chart(title="Lift", moments=looks)
    line = re.search(r'class="chart-line" points="([^"]+)"', drawing)
    assert line is not None
    places = [float(point.split(",")[0]) for point in line[1].split()]
    assert places == pytest.approx([0, 223.3, 611.7, 1000, 1000], abs=0.1)
    marks = re.findall(r'class="chart-tick" x="([\d.]+)%"[^>]*>([^<]+)<', drawing)
    assert marks == [("32.04", "50"), ("80.58", "100")]


def test_looks_at_one_place_stand_side_by_side() -> None:
    drawing = band_chart(title="Lift", moments=[Band("120", 1.0, 0.5, 1.5, 120)] * 2)
    assert 'points="0,' in drawing and " 1000," in drawing


def test_first_intervals_many_times_as_wide_as_the_last_leave_room_for_the_others() -> None:
    looks = [Band("60", 40, -900, 980, 60), Band("400", 5, -30, 40, 400), Band("900", 5, -10, 20, 900)]
    drawing = band_chart(title="Lift", moments=looks)
    upward = drawing.split("chart-canvas")[0]
    assert ">40</text>" in upward and ">500</text>" not in upward
    heights = [float(pair.split(",")[1]) for pair in re.findall(r'points="([^"]+)"', drawing)[0].split()]
    assert min(heights) >= TOP and max(heights) <= TOP + HEIGHT
    assert "980" in drawing  # in the table


def test_what_is_still_accepted_is_a_broken_line_inside_the_drawing() -> None:
    drawing = band_chart(title="Lift", moments=[Band("60", 1, -2, 4, 60), Band("90", 1, 0, 2, 90)], limit=30, unit="ms")
    assert drawing.count("chart-limit") == 1 and "margin 30 ms" in drawing and ">30</text>" in drawing
    assert "chart-limit" not in band_chart(title="Lift", moments=[Band("60", 1, -2, 4, 60)])


def test_a_scale_between_known_bounds_shows_them_whatever_the_values() -> None:
    stars = line_chart(title="Stars", labels=DAYS, series=[Series("mean", [2, None, 2.5])], ends=(1, 5))
    share = band_chart(title="Share", moments=[Band("1 Nov", 52, 48, 56)], unit="%", ends=(0, 100))
    for markup, ticks in ((stars, ["1", "2", "3", "4", "5"]), (share, ["0%", "25%", "50%", "75%", "100%"])):
        axis = next(svg for svg in parsed(markup).iter("svg") if svg.attrib.get("class") == "chart-axis-y")
        assert [text.text for text in axis.iter("text")] == ticks


def test_steps_hold_until_they_change_and_stand_on_a_scale() -> None:
    chart = parsed(step_chart(title="Best", lines=[Steps("best", [(50, 0.0), (100, 40.0)])], unit="%", amount="calls"))
    (line,) = [one.attrib["points"].split() for one in chart.iter("polyline")]
    assert line == ["500,168", "1000,168", "1000,8"], "right along the old value, then up to the new one"
    assert [cell.text for cell in chart.iter("td")] == ["0%", "40%"]
    assert [cell.text for cell in chart.iter("th")][-2:] == ["50 calls", "100 calls"]


def test_staircases_of_different_length_share_the_scale_and_end_where_they_end() -> None:
    lines = [Steps("A", [(10, 50.0), (100, 70.0)]), Steps("B", [(20, 60.0)]), Steps("nothing", [])]
    chart = parsed(step_chart(title="Best", lines=lines))
    rows = [[cell.text for cell in row.iter("td")] for row in chart.iter("tr")][1:]
    assert rows == [["50", "-"], ["50", "60"], ["70", "-"]]
    assert [item.text for item in chart.iter("li")] == [None, None]


def test_a_share_that_stays_the_same_stands_between_nothing_and_all() -> None:
    chart = parsed(step_chart(title="Best", lines=[Steps("best", [(5, 100.0)])], unit="%", bounds=(0, 100)))
    assert [one.text for one in chart.iter("text")][:5] == ["0%", "25%", "50%", "75%", "100%"]


def test_no_steps_are_no_chart_and_a_label_stays_text() -> None:
    assert "No values yet" in step_chart(title="Best", lines=[])
    hostile = '<script>alert("x")</script>'
    markup = step_chart(title=hostile, lines=[Steps(hostile, [(0, 1.0)])], unit=hostile, amount=hostile)
    assert list(parsed(markup).iter("script")) == []
