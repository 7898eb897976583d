"""Charts as SVG text: no script, no inline style, colours from static/css/charts.css.

Shapes are placed in percent across and in pixels down, so a chart fills any width and its text keeps its size.
Every chart carries a title for screen readers, its values on hover, and the same numbers as a table to unfold.
Missing values are None: a line breaks there, a bar is absent, the table says "-".
"""

from project.overview.charts.bands import Band, band_chart
from project.overview.charts.drawings import bar_chart, line_chart
from project.overview.charts.intervals import interval_chart
from project.overview.charts.scale import Interval, Series, value_text
from project.overview.charts.steps import Steps, step_chart
from project.overview.charts.waterfall import Bar, duration_text, waterfall

__all__ = [
    "Band", "Bar", "Interval", "Series", "Steps", "band_chart", "bar_chart", "duration_text", "interval_chart",
    "line_chart", "step_chart", "value_text", "waterfall",
]  # fmt: skip
