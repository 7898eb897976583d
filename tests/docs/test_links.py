"""What the README and the pages of docs point at is there: files, headings, commands, targets of make."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from project.demo.sign_ins import SLUG

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "clients").glob("*/README.md"))]
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s#]*)(?:#([^)\s]+))?\)")
page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def prose(path: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)


def code(path: Path) -> str:
    """What a page shows as code, a block or a piece a line."""
    return "\n".join(re.findall(r"^```.*?^```|`[^`\n]+`", path.read_text(), re.M | re.S)).replace("`", "")


def headings(path: Path) -> set[str]:
    """The names by which links reach the headings of a page, as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", prose(path), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@page
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target, heading in LINK.findall(prose(page)):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), target
        assert not heading or heading in headings(file), f"{target}#{heading}"


@page
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", page.read_text())) - {"bench_"}  # bench_NAME: any of them
    assert named <= get_commands().keys()


@page
def test_commands_to_copy_run_in_the_environment_that_was_installed(page: Path) -> None:
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.M | re.S))
    pieces = re.findall(r"`([^`\n]*python manage\.py[^`\n]*)`", page.read_text())
    copied = [line for line in [*blocks.splitlines(), *pieces] if "manage.py" in line]
    assert [line for line in copied if ".venv/bin/python manage.py " not in line] == []


@page
def test_commands_name_the_organization_of_a_first_start(page: Path) -> None:
    assert set(re.findall(r"--organization (\S+)", code(page))) <= {SLUG}


@page
def test_every_target_of_make_that_a_page_names_exists(page: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    assert set(re.findall(r"^(?:\w+=\w+ )*make ([a-z-]+)", code(page), re.M)) <= set(targets)


def test_the_pages_were_found() -> None:
    assert len(PAGES) > 20
    assert sum(len(LINK.findall(prose(page))) for page in PAGES) > 30
