"""Texts that would do something if a page took them for markup, in every place that strangers or members can fill."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from learning.models import Agent
from learning.services.executions import log_execution
from learning.services.feedback import submit_feedback
from organizations.models import Organization, Role, User
from organizations.scope import organization_scope
from tests import factories
from tests.architecture import rows

# Short enough for the shortest text columns, closed quotes first so that it leaves an attribute too.
TEXT = "\"'><x-bad></x-bad><img src=x onerror=alert(1)>"
NAME = TEXT.replace("/", "")  # an agent's stands in addresses
LONG = f"{TEXT}<script>alert(2)</script><svg onload=alert(3)>{{{{ 7*7 }}}}<a href='javascript:alert(4)'>x</a>"
CATEGORY = "<x-bad>bad"
# JSON that the product itself writes has a shape; its names can be anybody's.
SHAPED: dict[str, dict[str, Any]] = {
    "annotation.ExpertAnnotation": {"categories": {TEXT: {"score": 3, "issues": [TEXT]}}, "answers": {"why": TEXT}},
    "annotation.Rubric": {
        "questions": [
            {"key": "why", "label": TEXT, "kind": "text", "required": False, "help": TEXT},
            {"key": "tone", "label": TEXT, "kind": "choice", "required": True, "help": "", "options": [TEXT, "x"]},
        ]
    },
    "experiments.Analysis": {"units": {TEXT: 3}},
    "experiments.MetricResult": {"metric": "satisfaction"},
}
MADE = "x-bad, img[src='x'], svg[onload], a[href^='javascript:']"  # what would be there if a text became markup
LOOK = """(selector) => {
  const found = [], texts = [];
  const look = (root) => {
    for (const one of root.querySelectorAll(selector)) found.push(one.outerHTML.slice(0, 200));
    texts.push(root.textContent);
    for (const one of root.querySelectorAll("input, textarea")) texts.push(one.value);
    for (const one of root.querySelectorAll("*")) if (one.shadowRoot) look(one.shadowRoot);
  };
  look(document.documentElement);
  return { found, shown: texts.some((text) => text.includes("<x-bad>")) };
}"""


def fill(monkeypatch: pytest.MonkeyPatch) -> tuple[User, dict[str, Any]]:
    """An administrator of an organization all of whose texts are hostile, and one row of every table by model.

    May open Django's own tables too.
    """
    monkeypatch.setattr(rows, "MARKER", TEXT)
    for label, values in SHAPED.items():
        monkeypatch.setitem(rows.SPECIAL, label, rows.SPECIAL.get(label, {}) | values)
    organization = factories.make_organization(f"{TEXT} Ltd")
    say_it_all(organization)
    filled = rows.fill_every_table(organization)
    admin = factories.make_user(organization, Role.ADMIN)
    User.objects.filter(pk=admin.pk).update(username=TEXT, is_staff=True, is_superuser=True)
    admin.refresh_from_db()
    return admin, filled["rows"]


class Watch:
    """Looks at page after page whether a text was taken for markup; `shown` are those that showed a hostile text."""

    def __init__(self, page: Page, complaints: list[str]) -> None:
        self.shown: list[str] = []
        self._page, self._complaints = page, complaints
        self._dialogs: list[str] = []
        page.on("dialog", lambda dialog: (self._dialogs.append(dialog.message), dialog.dismiss()))

    def look(self, path: str) -> None:
        """At the page that is open, whose path this is."""
        seen = self._page.evaluate(LOOK, MADE)
        assert (seen["found"], self._dialogs, self._complaints) == ([], [], []), path
        if seen["shown"]:
            self.shown.append(path)


def say_it_all(organization: Organization) -> Agent:
    """An execution and each kind of feedback on it, as an application sends them."""
    run = {"agent_id": f"{NAME} agent", "execution_id": TEXT, "user_id": TEXT, "input": LONG, "output": LONG}
    more = {"context": {"conversation": [{"role": "user", "content": LONG}], TEXT: LONG}, "metadata": {TEXT: LONG}}
    said = {"agent_id": run["agent_id"], "execution_id": TEXT, "user_id": TEXT, "feedback_text": LONG}
    with organization_scope(organization.id):
        organization.issue_categories = [CATEGORY]
        organization.save()
        log_execution(item=run | more, may_register=True)
        for kind in (
            {"feedback_type": "correction", "correction_text": f"{LONG} better"},
            {"feedback_type": "report_issue", "issue_categories": [CATEGORY, "unsafe"]},
            {"feedback_type": "detailed_feedback", "rating": 1},
        ):
            submit_feedback(item=said | kind, may_register=True)
        return Agent.objects.get(external_id=run["agent_id"])
