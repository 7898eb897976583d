"""What the integrator's page shows is what a server answers."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import httpx
import pytest

from experiments.services.deployments import deploy_config
from learning.models import LearningExample
from learning.services.agents import create_first_config
from organizations.scope import organization_scope
from tests import factories

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "integrator.md").read_text()
# Each request of the page, and the answer that follows it when one is shown.
SHOWN = re.findall(r"```sh\n(curl .*?)```\n(?:\n```json\n(.*?)```)?", PAGE, re.S)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@pytest.mark.django_db(transaction=True)
def test_the_requests_of_the_page_are_answered_as_it_shows(live_server: Any) -> None:
    organization = factories.make_organization()
    with organization_scope(organization.id):
        agent = factories.make_agent(external_id="support-bot")
        deploy_config(agent=agent, config=create_first_config(agent=agent, content=factories.CONTENT))
    key = factories.make_key(organization)
    assert len(SHOWN) == 8
    for command, shown in SHOWN:
        answer = ask(command.replace("http://127.0.0.1:8000", live_server.url).replace("sk_...", key))
        if shown:
            assert comparable(answer.json()) == comparable(json.loads(shown))
        else:
            assert answer.status_code in (200, 201), answer.text
    with organization_scope(organization.id):
        assert LearningExample.objects.filter(input_text="Where is my parcel?").count() == 1


def ask(command: str) -> httpx.Response:
    """What curl would send."""
    words = shlex.split(command.replace("\\\n", " "))[1:]
    method, headers, body, url = "GET", {}, None, ""
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            name, value = words.pop(0).split(": ", 1)
            headers[name] = value
        elif word == "-d":
            body = words.pop(0)
        else:
            url = word
    return httpx.request(method, url, headers=headers, content=body)


def comparable(value: Any) -> Any:
    """Without what differs from one time to the next: ids, moments, and digits beyond the fourth."""
    if isinstance(value, dict):
        return {name: comparable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, float):
        return round(value, 4)
    return MOMENT.sub("a moment", UUID.sub("an id", value)) if isinstance(value, str) else value


def test_every_file_that_the_page_points_at_exists() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target


def test_the_limits_that_the_page_names_are_those_of_the_code(settings: Any) -> None:
    from learning.api.serializers.fields import MAX_TEXT
    from learning.services.intake import MAX_BATCH
    from organizations.api import KeysetPagination

    assert f"texts: {MAX_TEXT:,} characters" in PAGE
    assert f"Up to {MAX_BATCH:,} items and {settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1_000_000} MB" in PAGE
    assert f"up to {KeysetPagination.max_page_size}" in PAGE
