"""The pages of behavior in a browser: by keyboard, on a phone, in the dark."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from learning.engines.behavior.cloning import clone
from learning.engines.behavior.episodes import Action, Episode, choices_of
from learning.engines.behavior.learner import BehaviorLearner
from learning.engines.behavior.policies import FrequentPolicy
from learning.engines.safety.behavior import check_behavior, with_behavior
from learning.engines.safety.results import GateResult, Rules
from learning.models import ActionCorrection, Agent, AgentConfig, Execution, GateReport, TrainingRun
from learning.services.action_corrections import incorporate_correction
from learning.services.behavior_runs import BehaviorResult
from learning.services.demonstrations import add_demonstration
from learning.services.executions import log_execution
from organizations.models import Organization, Role, User
from organizations.scope import organization_scope
from tests import factories
from tests.browser.elsewhere import forgive
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
        now = timezone.now()
        for week, count in enumerate((1, 2, 1, 1, 8, 9, 7, 9)):
            at = now - timedelta(days=7 * (8 - week))
            Execution.objects.bulk_create(Execution(agent=agent, config=config, started_at=at) for _ in range(25))
            for number in range(count):
                better = Action("look_up") if number % 3 else Action("respond")
                made = incorporate_correction(
                    original_action=Action("refund"), corrected_action=better, config=config, **values
                )
                ActionCorrection.objects.filter(pk=made.pk).update(created_at=at)
        report = _gate(agent, config, episodes)
        metrics = BehaviorResult(BehaviorLearner(episodes=episodes).generate_policy_update(), {}).as_json()
        for pattern in metrics["behavior"]["patterns"]:
            pattern["examples"] = [str(stored.pk)] * 3  # as many links as the page shows
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
        "recorded": f"{base}/agents/{agent.pk}/behavior/recorded/",
        "gate": f"{base}/gates/{report.pk}/",
    }


def _gate(agent: Agent, config: AgentConfig, episodes: list[Episode]) -> GateReport:
    """A passed gate of a candidate that learned behavior."""
    learned = {"action_policy": clone(choices_of(episodes)).as_json()}
    held_out = [replace(one, key=f"held out {one.key}") for one in shop(20, seed=4, careful=0.8)]
    usual = FrequentPolicy.fit(choices_of(episodes))
    checked = check_behavior({}, learned, held_out, usual=usual, rules=Rules())
    found = with_behavior(GateResult(True, (), 0, 0, 0, 0, ()), checked)
    candidate = factories.make_config(
        agent, "candidate", content=factories.CONTENT | {"behavior": learned}, parent=config
    )
    return GateReport.objects.create(
        config=candidate, status="passed", summary=found.summary(), cases=[asdict(one) for one in found.cases]
    )


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
    for name in ("run", "demonstration", "recorded", "gate", "behavior"):
        assert faults(page, addresses[name]) == []
        picture(page, name)
    page.get_by_role("link", name="Show how it is done: Where is order 7?").click()
    assert faults(page, addresses["steps"]) == []
    picture(page, "steps")
    page.set_viewport_size(SIZES["phone"])  # type: ignore[arg-type]
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= SIZES["phone"]["width"], "nothing lies beside the screen of a phone"
    page.get_by_label("Arguments or text").nth(1).fill("Let me look again.")
    page.get_by_label("Why it was changed").nth(1).fill("Do not give up.")
    page.get_by_test_id("steps-save").press("Enter")
    expect(page.get_by_text("Stored: 1 correction and a demonstration.")).to_be_visible()
    expect(page.get_by_test_id("demonstration-steps")).to_contain_text("Let me look again.")


def test_steps_are_edited_by_keyboard_alone(
    signed_in: SignIn, addresses: dict[str, Any], complaints: list[str]
) -> None:
    page = signed_in(factories.make_user(addresses["organization"], Role.EXPERT))
    page.goto(addresses["steps"])
    page.get_by_label("Arguments or text").first.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("{")
    page.get_by_text("Add a step that was left out").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("log_in")
    page.get_by_test_id("steps-save").focus()
    page.keyboard.press("Enter")

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Nothing was stored. Look at step 1.")
    alert.get_by_role("link", name="step 1").focus()
    page.keyboard.press("Enter")
    field = page.get_by_label("Arguments or text").first
    assert field.get_attribute("aria-invalid") == "true"
    expect(page.locator("#id_s0-arguments_error")).to_contain_text("This is not valid JSON")
    field.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type('{"order": 8}')
    page.get_by_test_id("steps-save").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Stored: 2 corrections and a demonstration.")).to_be_visible()
    expect(page.get_by_test_id("demonstration-steps")).to_contain_text("log_in")
    forgive(complaints, "400")
