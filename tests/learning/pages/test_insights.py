"""The pages of what was learned from feedback."""

from __future__ import annotations

from typing import Any

from learning.models import Improvement, Job, ReviewerPreferenceModel
from organizations.models import Organization
from tests import factories
from tests.learning.api.test_insight import learned
from tests.learning.services.test_insight import learn, some_feedback


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
    assert client.get(address(agent, "9/rows/")).status_code == 404
    assert client.get(address(agent), {"report": "9"}).status_code == 404


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
