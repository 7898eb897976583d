"""The colours of static/css/tokens.css against the rules of WCAG 2, in light and in dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

TEXT = 4.5
CONTROL = 3.0
PAIRS = [
    *(
        (ink, ground, TEXT)
        for ink in ("text", "muted", "accent", "good", "warn", "bad")
        for ground in ("ground", "surface", "sunken")
    ),
    *((tone, f"{tone}-tint", TEXT) for tone in ("good", "warn", "bad", "info", "idle")),
    *(("text", f"{tone}-tint", TEXT) for tone in ("good", "warn", "bad", "info")),
    ("accent-ink", "accent", TEXT),
    ("accent-ink", "accent-strong", TEXT),
    ("accent-strong", "accent-tint", TEXT),
    ("bad-ink", "bad", TEXT),
    *((f"chart-{i}", "surface", TEXT) for i in (1, 2, 3, 4)),  # legends are text in these colours
    *(("control", ground, CONTROL) for ground in ("ground", "surface")),
    ("focus", "ground", CONTROL),
]


def tokens(mode: str) -> dict[str, str]:
    css = (Path(settings.BASE_DIR) / "static" / "css" / "tokens.css").read_text()
    light, dark = css.split("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light))
    return found if mode == "light" else found | dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", dark))


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_text_and_controls_stand_out_from_their_ground(mode: str, ink: str, ground: str, least: float) -> None:
    found = tokens(mode)
    assert contrast(found[ink], found[ground]) >= least, f"{ink} {found[ink]} on {ground} {found[ground]}"


def test_dark_mode_gives_every_colour_anew() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    light, dark = tokens("light"), tokens("dark")
    assert [name for name in light if light[name] == dark[name]] == []
