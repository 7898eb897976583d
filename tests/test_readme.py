"""The pages that the README names are there. Its links: tests/docs/test_links.py, its code: clients/test_live.py."""

from __future__ import annotations

import re
from pathlib import Path

from django.urls import resolve

from project.overview.pages import no_such_page

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def test_every_page_that_it_names_is_there() -> None:
    pages = re.findall(r"`(/[\w/]+/)`", README)
    assert len(pages) >= 4
    for page in pages:
        assert resolve(page).func is not no_such_page, page
