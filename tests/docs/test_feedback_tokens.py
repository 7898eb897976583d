"""The integrator's page shows how to make a feedback token: what it shows works."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest

from organizations.models import Organization
from organizations.tokens import MAX_LIFETIME, read_token
from tests import factories
from tests.conftest import api_with

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "integrator.md").read_text()
SECTION = PAGE.partition("## A page without a key")[2].partition("\n## ")[0]


def shown(language: str) -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", SECTION, re.S)
    return textwrap.dedent(code)


def by_python(key: str) -> str:
    names: dict[str, Any] = {}
    exec(shown("python"), names)
    return str(names["feedback_token"](key, "cøok", "run 1", types=["thumbs_up"], user_id="user-7"))


def by_node(key: str) -> str:
    call = 'feedbackToken(process.argv[1], "cøok", "run 1", {types: ["thumbs_up"], user_id: "user-7"})'
    program = f"{shown('js')}\nprocess.stdout.write({call});"
    argv = ["node", "--input-type=module", "-e", program, key]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")


@pytest.mark.parametrize("mint", [by_python, pytest.param(by_node, marks=needs_node)])
def test_a_token_made_as_the_page_shows_is_taken(organization: Organization, mint: Any) -> None:
    token = mint(factories.make_key(organization))
    grant = read_token(token)
    assert (grant.agent_id, grant.execution_id, grant.user_id) == ("cøok", "run 1", "user-7")
    answer = api_with(token).post("/api/learning/feedback", {"feedback_type": "thumbs_up"}, format="json")
    assert answer.status_code == 201, json.dumps(answer.json())
    assert api_with(token).get("/api/learning/executions").status_code == 403


def test_the_longest_life_that_the_page_names_is_that_of_the_code() -> None:
    assert f"at most {MAX_LIFETIME // 3600} hours ahead" in SECTION
