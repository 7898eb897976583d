"""The page of what people say, in a browser: wide and narrow, light and dark, by keyboard, checked by axe-core."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from learning.models import AgentFeedback
from learning.rollup_tasks import sum_up_all_feedback
from learning.services.reading_plan import Span
from organizations.models import Organization
from organizations.scope import organization_scope
from project.slow_statistics import make_feedback
from tests import factories

PICTURES = os.environ.get("FEEDBACK_PAGE_PICTURES")  # a folder, to look at the page


@pytest.mark.django_db(transaction=True)
def test_the_page_fits_and_is_worked_by_keyboard(
    page: Page, signing_in: Callable[..., Page], live_server: Any, axe: Callable[..., None], organization: Organization
) -> None:
    now = timezone.now()
    with organization_scope(organization.id):
        agents = [factories.make_agent(name=name).pk for name in ("Support", "A shop with a rather long name")]
        make_feedback(agents=agents, span=Span(now - timedelta(days=60), now), count=1500)
        hostile = "<script>document.title = 'taken'</script> " + "long" * 60
        AgentFeedback.objects.create(agent_id=agents[0], feedback_type="detailed_feedback", feedback_text=hostile)
    sum_up_all_feedback()
    signing_in(factories.make_user(organization, "manager"))
    page.get_by_role("link", name="Feedback", exact=True).first.click()
    page.wait_for_url("**/admin/learning/feedback/")
    assert page.locator("main script").count() == 0
    for width, scheme in ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        axe(page)
        if PICTURES:
            page.screenshot(path=str(Path(PICTURES) / f"feedback-{width}-{scheme}.png"), full_page=True)
    page.get_by_label("Days").focus()
    page.keyboard.press("Home")  # 7 days
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**days=7**")
    page.get_by_role("link", name="Older").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**before=**")
    assert page.title() == "Feedback · Agent Learning"
