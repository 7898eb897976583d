"""What happened when: one bar a step on a common clock, as a table whose middle column is a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

from project.overview.charts.frame import joined
from project.overview.charts.scale import number

DEEPEST = 6  # steps inside steps are moved in so far
SLIMMEST = 0.4  # percent of the width: a step that took no time is seen too


@dataclass(frozen=True)
class Bar:
    """A step: milliseconds since the first one began. `series`: the number of its colour, 1 to 4."""

    label: str
    note: str
    depth: int
    begins_ms: float
    lasts_ms: float
    series: int = 1
    failed: bool = False


def waterfall(*, title: str, bars: Sequence[Bar]) -> SafeString:
    """The bars in the order given; no text at all for none."""
    if not bars:
        return SafeString("")
    whole = max(bar.begins_ms + bar.lasts_ms for bar in bars) or 1.0
    return format_html(
        '<div class="chart"><table class="intervals waterfall"><caption class="visually-hidden">{}</caption>'
        '<thead><tr><th scope="col">Step</th><th scope="col">From the first to the last: {}</th>'
        '<th scope="col" class="num">Began, lasted</th></tr></thead><tbody>{}</tbody></table></div>',
        title,
        duration_text(whole),
        joined(_row(bar, whole) for bar in bars),
    )


def duration_text(milliseconds: float | None) -> str:
    """Such as "812 ms" or "2.4 s"; "-" for None."""
    if milliseconds is None:
        return "-"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms" if milliseconds >= 10 or not milliseconds else f"{milliseconds:.1f} ms"
    return f"{milliseconds / 1000:.1f} s" if milliseconds < 120_000 else f"{milliseconds / 60_000:.0f} min"


def _row(bar: Bar, whole: float) -> SafeString:
    wide = max(SLIMMEST, 100 * bar.lasts_ms / whole)
    return format_html(
        '<tr><th scope="row"><span class="waterfall-step" data-depth="{depth}">{label} <span class="muted small">{note}'
        '</span></span></th><td class="chart-cell {tone}"><svg class="chart-canvas" height="16" aria-hidden="true">'
        '<rect class="chart-bar" x="{left}%" y="2" width="{wide}%" height="12" rx="2"/></svg></td>'
        '<td class="num">+{begins}, {lasts}</td></tr>',
        depth=min(bar.depth, DEEPEST),
        label=bar.label,
        note=f"{bar.note} failed".strip() if bar.failed else bar.note,
        tone="chart-against" if bar.failed else f"chart-series-{bar.series}",
        left=number(min(100 * bar.begins_ms / whole, 100 - SLIMMEST)),
        wide=number(wide),
        begins=duration_text(bar.begins_ms),
        lasts=duration_text(bar.lasts_ms),
    )
