"""The pages of behavior in a browser: by keyboard, on a phone, in the dark."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from learning.engines.behavior.episodes import Action
from learning.engines.behavior.learner import BehaviorLearner
from learning.models import TrainingRun
from learning.services.action_corrections import incorporate_correction
from learning.services.behavior_runs import BehaviorResult
from learning.services.demonstrations import add_demonstration
from learning.services.executions import log_execution
from organizations.models import Organization, Role, User
from organizations.scope import organization_scope
from tests import factories
from tests.browser.test_every_page import faults
from tests.learning.engines.behavior.worlds import shop, state

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[User], Page]
SCREENSHOTS = os.environ.get("SCREENSHOTS")  # a folder to look at the pages
SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture
def addresses(live_server: Any) -> dict[str, Any]:
    organization: Organization = factories.make_organization("Aster")
    with organization_scope(organization.id):
        agent = factories.make_agent(name="Shop assistant")
        config = factories.make_config(agent)
        episodes = shop(70, careful=0.8)
        stored = add_demonstration(agent=agent, episode=episodes[1])
        values: dict[str, Any] = {"agent": agent, "explanation": "Look first.", "context": state("my money back")}
        incorporate_correction(original_action=Action("refund"), corrected_action=Action("look_up"), **values)
        metrics = BehaviorResult(BehaviorLearner(episodes=episodes).generate_policy_update(), {}).as_json()
        for pattern in metrics["behavior"]["patterns"]:
            pattern["examples"] = [str(stored.pk)]
        version = factories.make_published_version(agent)
        run = TrainingRun.objects.create(
            name="Policy update", agent=agent, base_config=config, dataset_version=version, metrics=metrics,
            training_type="behavior_cloning", status="completed", config={"strategy": "imitation"},
        )  # fmt: skip
        found = log_execution(
            item={
                "agent_id": agent.external_id, "execution_id": "e1", "input": "Where is order 7?",
                "output": "It is lost.",
                "decisions": [{"decision_point": "search", "input": {"order": 7}, "output": "Error: not found"}],
            }
        )  # fmt: skip
    base = f"{live_server.url}/admin/learning"
    return {
        "organization": organization,
        "behavior": f"{base}/agents/{agent.pk}/behavior/",
        "steps": f"{base}/executions/{found.id}/steps/",
        "run": f"{base}/training/{run.pk}/",
        "demonstration": f"{base}/demonstrations/{stored.pk}/",
    }


def picture(page: Page, name: str) -> None:
    """In both sizes, by day and in the dark, when somebody wants to look."""
    if not SCREENSHOTS:
        return
    for size, viewport in SIZES.items():
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.screenshot(path=Path(SCREENSHOTS) / f"{name}-{size}-{scheme}.png", full_page=True)
    page.set_viewport_size(SIZES["desk"])  # type: ignore[arg-type]
    page.emulate_media(color_scheme="light")


def test_an_expert_shows_how_it_is_done_and_sees_what_was_learned(signed_in: SignIn, addresses: dict[str, Any]) -> None:
    page = signed_in(factories.make_user(addresses["organization"], Role.ADMIN))
    for name in ("run", "demonstration", "behavior"):
        assert faults(page, addresses[name]) == []
        picture(page, name)
    page.get_by_role("link", name="Show how it is done: Where is order 7?").click()
    assert faults(page, addresses["steps"]) == []
    picture(page, "steps")
    page.get_by_label("Arguments or text").nth(1).fill("Let me look again.")
    page.get_by_label("Why it was changed").nth(1).fill("Do not give up.")
    page.get_by_test_id("steps-save").press("Enter")
    expect(page.get_by_text("Stored: 1 correction and a demonstration.")).to_be_visible()
    expect(page.get_by_test_id("demonstration-steps")).to_contain_text("Let me look again.")
