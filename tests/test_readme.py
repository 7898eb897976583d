"""What the README points at is there. Its ten lines of integration run in tests/clients/test_live.py."""

from __future__ import annotations

import re
from pathlib import Path

from django.urls import resolve

from project.overview.pages import no_such_page

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def test_every_file_that_the_readme_points_at_exists() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_commands_of_the_readme_are_targets_of_make() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    named = re.findall(r"^(?:\w+=\w+ )?make (\w+)", README, re.M)
    assert named
    assert set(named) <= set(targets)


def test_every_page_that_it_names_is_there() -> None:
    pages = re.findall(r"`(/[\w/]+/)`", README)
    assert len(pages) >= 4
    for page in pages:
        assert resolve(page).func is not no_such_page, page
