"""The pages of what was learned from feedback."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.utils import timezone

from learning.models import (
    AgentFeedback,
    Improvement,
    InsightReport,
    Job,
    LearningPattern,
    ReviewerPreferenceModel,
)
from learning.services import insight_rows
from organizations.models import Organization
from tests import factories
from tests.learning.api.test_insight import learned
from tests.learning.services.test_insight import learn, some_feedback
from tests.learning.services.test_insight_choices import some_corrections


def address(agent: Any, rest: str = "") -> str:
    return f"/admin/learning/agents/{agent.pk}/insights/{rest}"


def test_before_the_first_report_the_page_says_how_one_comes_about(sign_in: Any, scope: Organization) -> None:
    agent = factories.make_agent()
    page = sign_in("manager").get(address(agent)).content.decode()
    assert "Nothing was learned yet" in page and 'data-testid="learn-now"' in page
    assert sign_in("member").get(address(agent)).status_code == 403


def test_every_number_leads_to_the_opinions_behind_it(sign_in: Any, scope: Organization) -> None:
    agent = factories.make_agent()
    some_feedback(agent)
    learn(agent)
    client = sign_in("manager")
    page = client.get(address(agent)).content.decode()
    for shown in ("length of the answer in words", "route is quick", "Quality predictor", "Keep the answer under"):
        assert shown in page
    rows = client.get(address(agent, "1/rows/"), {"feature": "answer.words", "aspect": "user.rating"})
    text = rows.content.decode()
    assert "80 of the newest 80 opinions" in text and text.count('data-testid="row"') == 80
    holding = client.get(address(agent, "1/rows/"), {"holds": "route is quick"}).content.decode()
    assert "40 of the newest 80" in holding
    word = client.get(address(agent, "1/rows/"), {"word": "yes"}).content.decode()
    assert "40 of the newest 80" in word
    without = client.get(address(agent, "1/rows/"), {"lacks": "route is quick", "judged": "1"}).content.decode()
    assert "40 of the newest 80" in without and "not so that route is quick" in without
    assert client.get(address(agent, "9/rows/")).status_code == 404
    assert client.get(address(agent), {"report": "9"}).status_code == 404


def test_all_the_rows_are_reached_page_by_page(
    sign_in: Any, scope: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insight_rows, "MOST_ROWS", 30)
    agent = factories.make_agent()
    some_feedback(agent)
    learn(agent)
    client, seen = sign_in("manager"), []
    there = address(agent, "1/rows/") + "?feature=answer.words"
    for numbers in ("1 to 30", "31 to 60", "61 to 80"):
        page = client.get(there).content.decode()
        assert f"numbers {numbers} are shown" in page
        seen += re.findall(r"/admin/learning/executions/([0-9a-f-]{36})/", page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        there = address(agent, "1/rows/") + unescape(following[1]) if following else ""
    assert there == "" and len(seen) == len(set(seen)) == 80
    beyond = client.get(address(agent, "1/rows/") + "?feature=answer.words&from=999999").content.decode()
    assert "numbers 61 to 80 are shown" in beyond


def links(page: str) -> list[str]:
    """The addresses of what stands behind the numbers of the page."""
    return [unescape(one) for one in re.findall(r'href="([^"]+/rows/[^"]*)"', page)]


def test_each_of_those_addresses_shows_rows(sign_in: Any, scope: Organization) -> None:
    agent = factories.make_agent()
    some_feedback(agent)
    some_corrections(agent)
    report = learn(agent)
    short = LearningPattern.objects.create(
        report=report, place=900, pattern_type="rule", name="Short: success", text="T", n=40,
        details={"conditions": [{"feature": "answer.words", "above": False, "cut": 9.5}]},
    )  # fmt: skip
    client = sign_in("manager")
    page = client.get(address(agent)).content.decode()
    found = links(page)
    kinds = ("feature=", "holds=", "lacks=", "rule=", "reviewer=", "pairs=", "judged=")
    assert [kind for kind in kinds if not any(kind in one for one in found)] == []
    for one in dict.fromkeys(found):
        assert 'data-testid="row"' in client.get(one).content.decode(), one
    rule = client.get(address(agent, "1/rows/"), {"rule": str(short.pk)}).content.decode()
    assert "Short: success" in rule and "44 of the newest 104" in rule
    assert "24 pairs" in client.get(address(agent, "1/rows/"), {"pairs": "1"}).content.decode()


def test_the_page_tells_what_counts_for_whom_and_what_has_moved(sign_in: Any, scope: Organization) -> None:
    agent, report = learned()
    words = {"feature": "answer.words", "value": -0.8, "low": -1.2, "high": -0.4, "p_value": 0.01, "adjusted": 0.02}
    report.preferred = {"n": 40, "reviewers": 3, "compared": 25, "corrected": 15, "weights": [words], "accuracy": 0.7}
    report.save()
    told = {
        "expert.clarity": {"value": 0.3, "low": 0.2, "high": 0.4},
        "expert.completeness": {"value": 0.1, "low": -0.1, "high": 0.3},
    }
    expert = factories.make_user(scope, "expert")
    for one, weights in ((InsightReport.objects.create(agent=agent, number=2, trigger="person", since=report.since,
                          until=report.until), {"expert.clarity": {"value": 0, "low": -0.1, "high": 0.1}}),
                         (report, told)):  # fmt: skip
        ReviewerPreferenceModel.objects.create(report=one, reviewer=expert, n=9, mean=0.5, aspect_weights=weights)
    page = sign_in("manager").get(address(agent)).content.decode()
    assert "Counts: clarity (+0.30)" in page and "completeness" not in page
    assert "25 compared side by side" in page and "70 %" in page
    assert '<span class="tag">moved</span> <div>clarity</div>' in page


def test_the_counts_of_an_improvement_lead_to_its_executions(sign_in: Any, scope: Organization) -> None:
    agent, report = learned()
    row = Improvement.objects.create(
        agent=agent, report=report, key="k", title="Shorter answers", reason="R", instruction="Be short.",
        status="applied", applied_at=timezone.now() - timedelta(days=1), times_applied=1, judged=1, judged_without=1,
        config=factories.make_config(agent),
    )  # fmt: skip
    for name, values in (("with", {"metadata": {"improvements": [str(row.pk)]}}), ("without", {})):
        execution = factories.make_execution(agent, external_id=f"run-{name}-it", **values)
        AgentFeedback.objects.create(agent=agent, execution=execution, feedback_type="thumbs_down")
    client = sign_in("manager")
    found = links(client.get(address(agent)).content.decode())
    (ours,) = {one for one in found if one.endswith("/rows/")}
    page = client.get(ours).content.decode()
    assert "run-with-it" in page and "run-without-it" not in page and "not satisfied" in page
    page = client.get(f"{ours}?side=without").content.decode()
    assert "run-without-it" in page and "run-with-it" not in page
    assert sign_in("member").get(ours).status_code == 403


def test_learning_is_started_from_the_page(sign_in: Any, scope: Organization) -> None:
    agent = factories.make_agent()
    answer = sign_in("manager").post(address(agent, "learn"))
    assert answer.status_code == 302 and answer.headers["Location"].endswith(f"/jobs/{Job.objects.get().pk}/")
    again = sign_in("manager").post(address(agent, "learn"), follow=True)
    assert "already" in again.content.decode()


def test_an_administrator_applies_and_others_cannot(sign_in: Any, scope: Organization) -> None:
    agent, report = learned()
    agent.serving_config = factories.make_config(agent)
    agent.save()
    row = Improvement.objects.create(
        agent=agent, report=report, key="k", title="Shorter answers", reason="R", instruction="Be short."
    )
    apply = f"/admin/learning/agents/{agent.pk}/improvements/{row.pk}/apply"
    assert sign_in("manager").post(apply).status_code == 403
    assert "/gates/" in sign_in("admin").post(apply).headers["Location"]
    decide = apply.replace("/apply", "/decide")
    sign_in("admin").post(decide, {"action": "withdraw"})
    row.refresh_from_db()
    assert row.status == "withdrawn"
    assert "A person withdrew it." in sign_in("admin").get(address(agent)).content.decode()
    sign_in("admin").post(decide, {"action": "reopen"})
    row.refresh_from_db()
    assert row.status == "proposed"
    assert "Choose dismiss" in sign_in("admin").post(decide, {"action": "explode"}, follow=True).content.decode()


def test_a_user_is_no_name_on_the_page_and_goes_when_they_are_erased(sign_in: Any, scope: Organization) -> None:
    from learning.services.insight_erasure import forget_preferences
    from organizations.erasers import Person

    agent, _ = learned()
    page = sign_in("manager").get(address(agent)).content.decode()
    assert "user 1" in page and "anna" not in page
    assert forget_preferences(Person("anna"), dry_run=True) == {"preference models": 1}
    assert forget_preferences(Person("anna")) == {"preference models": 1}
    assert not ReviewerPreferenceModel.objects.exists()
