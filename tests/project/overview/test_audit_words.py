"""Codes of audit events are words on every page that shows them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from organizations import audit
from organizations.models import Organization
from organizations.scope import organization_scope
from project.overview.audit_words import event_words, noun_words
from tests import factories

ROOT = Path(__file__).resolve().parents[3]
OURS = ("learning", "annotation", "experiments", "organizations", "project")


def recorded_codes() -> set[str]:
    """Every code that the product writes: those of its calls, and one for each status that a row can be moved to."""
    sources = [path.read_text() for app in OURS for path in (ROOT / app).rglob("*.py")]
    calls = {code for text in sources for part in re.findall(r"action=[^,\n]*", text)
             for code in re.findall(r'"(\w+\.\w+)"', part)}  # fmt: skip
    moves = {
        f"{model._meta.model_name}.{status}"
        for model in apps.get_models()
        for reached in getattr(model, "TRANSITIONS", {}).values()
        for status in reached
    }
    return calls | moves


def test_every_code_that_is_written_has_words() -> None:
    codes = recorded_codes()
    assert len(codes) > 70
    glued = {model._meta.model_name for model in apps.get_models()} - {
        model._meta.verbose_name for model in apps.get_models()
    }
    told = {code: event_words(code) for code in codes}
    unsaid = {code for code, words in told.items() if re.search(r"[._]", words) or glued & set(words.lower().split())}
    assert unsaid == set()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("learningexample.changed", "Example changed"),
        ("trainingrun.cancel_requested", "Training run asked to stop"),
        ("datasetversion.test_split_read", "Test split opened"),
        ("apikey.revoked", "API key revoked"),
        ("deployment.rolled_back", "Deployment rolled back"),
        ("something.never_heard_of", "Something never heard of"),
        ("", ""),
    ],
)
def test_a_code_is_told_in_words(code: str, words: str) -> None:
    assert event_words(code) == words


def test_tables_and_fields_have_names() -> None:
    assert [noun_words(one) for one in ("gatereport", "review_status", "agent")] == [
        "gate report", "review status", "agent"
    ]  # fmt: skip


def test_pages_show_the_words(sign_in: Any, organization: Organization) -> None:
    with organization_scope(organization.id):
        example = factories.make_example(factories.make_agent())
        audit.record(action="learningexample.changed", target=example, after={"review_status": "approved"})
    client = sign_in("admin")
    history = client.get(f"/admin/learning/examples/{example.pk}/").content.decode()
    assert "Example changed" in history and "review status: approved" in history
    assert "learningexample.changed" not in history
    page = client.get("/admin/learning/audit/").content.decode()
    assert ">Example changed</td>" in page and ">learningexample.changed<" not in page
    about = client.get("/admin/learning/audit/", {"type": "learningexample", "id": str(example.pk)}).content.decode()
    assert "What happened to one example" in about
