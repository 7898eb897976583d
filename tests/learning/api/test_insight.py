"""What was learned, over HTTP."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from learning.models import (
    ConfigStatus,
    FeedbackQualityCorrelation,
    Improvement,
    InsightReport,
    Job,
    LearningPattern,
    QualityModel,
    ReviewerPreferenceModel,
)
from organizations.models import Organization
from tests import factories

MODEL = {
    "kind": "ridge", "features": ["answer.words", "confidence"], "usual": [50, 0.5], "scale": [20, 0.2],
    "body": {"intercept": 0.6, "weights": [-0.1, 0.05]}, "margin": 0.2, "confidence": 0.9,
}  # fmt: skip


def learned(used: bool = True) -> tuple[Any, InsightReport]:
    agent = factories.make_agent(external_id="bot")
    now = timezone.now()
    report = InsightReport.objects.create(
        agent=agent, number=3, trigger="person", since=now, until=now, opinions=40, enough=True
    )
    FeedbackQualityCorrelation.objects.create(
        report=report, place=0, feature="answer.words", aspect="user.rating", state="measured", n=40, correlation=-0.5,
        low=-0.7, high=-0.2, p_value=0.001, adjusted_p=0.01, significant=True,
    )  # fmt: skip
    LearningPattern.objects.create(
        report=report, place=0, pattern_type="successful_decision", name="route is quick", text="80 % succeed.", n=40
    )
    ReviewerPreferenceModel.objects.create(report=report, user="anna", n=12, mean=0.4, severity=0.1)
    QualityModel.objects.create(
        report=report, used=used, kind="ridge", reason="Because.", content=MODEL if used else {}
    )
    return agent, report


def test_the_newest_report_is_told_by_each_of_its_parts(api: Any, scope: Organization) -> None:
    learned()
    answer = api.get("/api/learning/agents/bot/correlations").json()
    assert (answer["status"], answer["report"], answer["opinions"]) == ("learned", 3, 40)
    (pair,) = answer["correlations"]
    assert pair["feature_words"] == "length of the answer in words" and pair["correlation"] == -0.5
    patterns = api.get("/api/learning/agents/bot/patterns").json()
    assert [one["name"] for one in patterns["successful_decisions"]] == ["route is quick"]
    assert patterns["failure_patterns"] == patterns["rules"] == []
    answer = api.get("/api/learning/agents/bot/preferences").json()
    (reviewer,) = answer["preferences"]
    assert (reviewer["reviewer_type"], reviewer["reviewer"], reviewer["severity"]) == ("user", "anna", 0.1)
    drift = {"severities": [{"report": 3, "severity": 0.1}], "severity_moved": False, "weights_moved": []}
    assert reviewer["drift"] == drift and reviewer["pairs"] == 0
    assert (answer["preferred"]["n"], answer["preferred"]["weights"], answer["preferred"]["moved"]) == (0, [], [])


def test_preferences_between_answers_are_told_with_their_errors(api: Any, scope: Organization) -> None:
    _, report = learned()
    words = {"feature": "answer.words", "value": -0.8, "low": -1.2, "high": -0.4, "p_value": 0.01, "adjusted": None}
    report.preferred = {"n": 40, "reviewers": 3, "compared": 25, "corrected": 15, "weights": [words], "reason": ""}
    report.save()
    told = api.get("/api/learning/agents/bot/preferences").json()["preferred"]
    assert (told["n"], told["compared"], told["accuracy"], told["weights"]) == (40, 25, None, [words])


def test_earlier_spellings_lead_to_the_same(api: Any, scope: Organization) -> None:
    learned()
    for path in ("agents/bot/patterns", "correlations/bot", "agents/bot/correlations"):
        assert api.get(f"/api/v2/learning/{path}").json()["report"] == 3


def test_before_the_first_report_the_answer_says_so(api: Any, scope: Organization) -> None:
    factories.make_agent(external_id="bot")
    for name, rows in (("patterns", "rules"), ("correlations", "correlations"), ("preferences", "preferences")):
        answer = api.get(f"/api/learning/agents/bot/{name}").json()
        assert (answer["status"], answer["report"], answer[rows]) == ("nothing_learned_yet", None, [])
    assert api.get("/api/learning/agents/nobody/patterns").status_code == 404


def test_learning_is_a_job_and_one_at_a_time(api: Any, scope: Organization) -> None:
    factories.make_agent(external_id="bot")
    answer = api.post("/api/learning/agents/bot/learn", {"days": 7}, format="json")
    assert answer.status_code == 202 and Job.objects.get().request["days"] == 7
    assert api.post("/api/v2/learning/agents/bot/learn", {}, format="json").status_code == 409
    assert api.post("/api/learning/agents/bot/learn", {"days": 0}, format="json").status_code == 400


def test_quality_is_foretold_with_reasons(api: Any, scope: Organization) -> None:
    learned()
    asked = {"input": "May I?", "output": "Yes. " * 100, "confidence": 0.9}
    answer = api.post("/api/learning/agents/bot/predict-quality", asked, format="json").json()
    assert answer["quality"] == 0.45 and (answer["low"], answer["high"]) == (0.25, 0.65)
    assert [(one["feature"], round(one["effect"], 2)) for one in answer["reasons"]] == [
        ("answer.words", -0.25), ("confidence", 0.1),
    ]  # fmt: skip


def test_a_second_prediction_reads_no_model_and_asks_the_database_little(api: Any, scope: Organization) -> None:
    learned()
    asked: list[list[str]] = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            answer = api.post("/api/learning/agents/bot/predict-quality", {"output": "Yes."}, format="json")
        assert answer.status_code == 200
        asked.append([one["sql"] for one in queries if "learning_" in one["sql"]])
    first, second = (sum("content" in one for one in sql) for sql in asked)
    assert (first, second) == (1, 0) and len(asked[1]) == 2


def test_a_predictor_that_is_not_used_answers_why(api: Any, scope: Organization) -> None:
    learned(used=False)
    answer = api.post("/api/learning/agents/bot/predict-quality", {"output": "Yes."}, format="json")
    assert answer.status_code == 409 and "Because." in answer.json()["detail"]
    assert api.post("/api/learning/agents/bot/predict-quality", {"output": ""}, format="json").status_code == 400


def test_an_improvement_is_applied_and_then_live_for_clients(api: Any, scope: Organization) -> None:
    agent, report = learned()
    agent.serving_config = factories.make_config(agent)
    agent.save()
    row = Improvement.objects.create(
        agent=agent, report=report, key="k", title="T", reason="R", instruction="Be short."
    )
    address = f"/api/learning/agents/bot/improvements/{row.pk}"
    assert api.get("/api/learning/agents/bot/improvements?live=true").json()["improvements"] == []
    made = api.post(f"{address}/apply")
    assert made.status_code == 201 and made.json()["gate_report_id"]
    row.refresh_from_db()
    type(row.config).objects.filter(pk=row.config_id).update(status=ConfigStatus.APPROVED)
    answer = api.get("/api/learning/agents/bot/improvements?live=true")
    (live,) = answer.json()["improvements"]
    again = api.get("/api/learning/agents/bot/improvements?live=true", HTTP_IF_NONE_MATCH=answer["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert live["instruction"] == "Be short."
    assert api.post(f"{address}/dismiss").status_code == 409
    assert api.post(f"{address}/withdraw").json()["status"] == "withdrawn"
    assert api.post("/api/learning/agents/bot/improvements/nothing/apply").status_code == 404
