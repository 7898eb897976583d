"""Learning from feedback, from the rows to the report, its improvements and what becomes of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from learning.job_tasks import run_job
from learning.models import (
    Agent,
    AgentFeedback,
    ConfigStatus,
    Execution,
    Improvement,
    ImprovementStatus,
    InsightReport,
    Job,
    JobStatus,
    LearningExample,
    PatternType,
    ReviewerPreferenceModel,
)
from learning.services import insight_following
from learning.services.insight_features import describe
from learning.services.insight_following import follow_improvements
from learning.services.insight_improvements import (
    apply_improvement,
    dismiss_improvement,
    live_improvements,
    propose,
    with_instruction,
)
from learning.services.insight_opinions import read_opinions
from learning.services.insight_quality import predict_quality
from learning.services.insight_reading import drifts_of, newest_report
from learning.services.insight_runs import Learned, read_window, start_learning, work
from learning.services.insight_runs import learn as look
from learning.services.insight_schedule import start_due_learning
from learning.services.jobs import Work
from organizations.actors import system_actor
from organizations.errors import Conflict, Refused
from organizations.models import Organization
from tests import factories

SHORT, LONG = "Yes, you can return it.", "Perhaps you might return it, maybe, if it seems possible. " * 8


def some_feedback(agent: Agent, count: int = 80) -> None:
    """Users like short answers. Each gave a thumb about an execution of their own."""
    for place in range(count):
        short = place % 2 == 0
        execution = factories.make_execution(
            agent, input=f"May I return item {place}?", output=SHORT if short else LONG, user=f"user-{place}",
            metadata={"route": "quick" if short else "slow", "queue_length": place},
        )  # fmt: skip
        liked = short if place % 8 else not short
        AgentFeedback.objects.create(
            agent=agent, execution=execution, user=f"user-{place}", feedback_type="star_rating",
            rating=5 if liked else 1 + place % 2,
        )  # fmt: skip


def learn(agent: Agent, **values: Any) -> InsightReport:
    """The job's work, in one transaction."""
    job = start_learning(agent=agent, **values)
    steps = work(Work(job.pk, 1, job.kind, system_actor(agent.organization_id), job.request, {}, {}, 0))
    until = timezone.now() + timedelta(minutes=1)
    read = read_window(agent.organization_id, agent.pk, until - timedelta(days=30), until)
    next(steps)
    steps.send(Learned(read, look(read)))  # type: ignore[attr-defined]
    Job.objects.filter(pk=job.pk).update(status=JobStatus.COMPLETED)
    return newest_report(agent=agent)  # type: ignore[return-value]


def _read(agent: Agent) -> Any:
    until = timezone.now() + timedelta(minutes=1)
    opinions = read_opinions(agent=agent, since=until - timedelta(days=30), until=until)
    return opinions, describe(opinions)


def test_a_report_tells_what_users_like_and_proposes_it(scope: Organization) -> None:
    agent = factories.make_agent()
    some_feedback(agent)
    waiting = factories.make_example(agent, original_output=SHORT)
    report = learn(agent)
    assert (report.number, report.opinions, report.judged, report.enough) == (1, 80, 80, True)
    words = report.correlations.get(feature="answer.words", aspect="user.rating")
    assert words.significant and words.high < 0 and words.n == 80
    kinds = set(report.patterns.values_list("pattern_type", flat=True))
    assert {PatternType.SUCCESSFUL_DECISION, PatternType.QUALITY_THRESHOLD} <= kinds
    assert report.patterns.filter(name="route is quick").exists()
    assert "answer.words" in report.patterns.filter(pattern_type="quality_threshold").values_list("name", flat=True)
    assert any("words" in one.instruction for one in report.improvements.all())
    row, prediction = predict_quality(agent=agent, asked="May I?", said=LONG, known={})
    assert row.report_id == report.pk and prediction.quality < 0.5 and prediction.reasons
    waiting.refresh_from_db()
    assert waiting.predicted_quality > 0.5


def test_few_opinions_end_in_insufficient_data(scope: Organization) -> None:
    agent = factories.make_agent()
    assert not learn(agent).enough
    some_feedback(agent, 4)
    report = learn(agent)
    assert (report.number, report.opinions, report.enough) == (2, 4, False)
    assert {one.state for one in report.correlations.all()} == {"insufficient_data"}
    with pytest.raises(Conflict, match="There are 4 opinions"):
        predict_quality(agent=agent, asked="", said="x", known={})


def test_without_consent_nothing_is_learned_from(scope: Organization) -> None:
    agent = factories.make_agent()
    some_feedback(agent, 12)
    AgentFeedback.objects.update(consent=False)
    assert _read(agent)[0] == []


@pytest.mark.parametrize("immense", [10**400, 1e200, -1e308])
def test_a_number_that_cannot_be_reckoned_with_is_left_out_and_nothing_else(
    scope: Organization, immense: float
) -> None:
    agent = factories.make_agent()
    some_feedback(agent, 20)
    extra = factories.make_execution(agent, user="user-x", metadata={"queue_length": immense, "share": 0.25})
    AgentFeedback.objects.create(agent=agent, execution=extra, user="user-x", feedback_type="star_rating", rating=1)
    assert learn(agent).opinions == 21
    features = _read(agent)[1].sources[extra.pk].features
    assert features["metadata.share"] == 0.25 and "metadata.queue_length" not in features


def test_what_one_user_says_about_one_execution_is_one_opinion(scope: Organization) -> None:
    agent = factories.make_agent()
    execution = factories.make_execution(agent, user="anna")
    for values in (
        {"feedback_type": "star_rating", "rating": 2},
        {"feedback_type": "correction", "correction_text": "Better."},
        {"feedback_type": "star_rating", "rating": 5},
    ):
        AgentFeedback.objects.create(agent=agent, execution=execution, user="anna", **values)
    corrected = AgentFeedback.objects.get(feedback_type="correction")
    (opinion,) = _read(agent)[0]
    assert opinion.aspects["user.rating"] == 5 and opinion.quality == 1 and opinion.correction_id == corrected.pk


def test_one_look_at_a_time_and_only_a_sensible_window(scope: Organization) -> None:
    agent = factories.make_agent()
    with pytest.raises(Refused, match="1 to 365"):
        start_learning(agent=agent, days=0)
    with CaptureQueriesContext(connection) as queries:
        start_learning(agent=agent)
    locked, looked = (
        next(place for place, one in enumerate(queries) if words in one["sql"])
        for words in ("FOR NO KEY UPDATE", "learning_job")
    )
    assert locked < looked, "of two who start at once the second must find the job of the first"
    with pytest.raises(Conflict, match="already"):
        start_learning(agent=agent)


def test_it_starts_by_itself_when_five_came_in_and_not_again_for_the_same(scope: Organization) -> None:
    agent = factories.make_agent()
    some_feedback(agent, 4)
    assert start_due_learning() == []
    some_feedback_more(agent)
    (job,) = start_due_learning()
    assert job.request["trigger"] == "feedback" and start_due_learning() == []
    Job.objects.update(status=JobStatus.COMPLETED)
    report = learn(agent)
    InsightReport.objects.filter(pk=report.pk).update(created_at=timezone.now() - timedelta(hours=2))
    assert start_due_learning() == []


def some_feedback_more(agent: Agent) -> None:
    execution = factories.make_execution(agent, user="late")
    AgentFeedback.objects.create(agent=agent, execution=execution, user="late", feedback_type="thumbs_up")


@pytest.fixture
def improvement(scope: Organization) -> Improvement:
    agent = factories.make_agent()
    base = factories.make_config(agent, status=ConfigStatus.APPROVED)
    agent.serving_config = base
    agent.save()
    report = InsightReport.objects.create(
        agent=agent, number=1, trigger="person", since=timezone.now(), until=timezone.now()
    )
    return Improvement.objects.create(
        agent=agent, report=report, key="k", title="Shorter", reason="r", instruction="Keep it short."
    )


def test_applying_makes_a_draft_with_a_gate_and_is_live_when_approved(improvement: Improvement) -> None:
    config, gate = apply_improvement(improvement=improvement)
    assert config.content["system_prompt"].endswith("Keep it short.") and gate is not None
    assert config.status == ConfigStatus.DRAFT and improvement.status == ImprovementStatus.APPLIED
    assert live_improvements(agent=improvement.agent) == []
    type(config).objects.filter(pk=config.pk).update(status=ConfigStatus.APPROVED)
    assert live_improvements(agent=improvement.agent) == [improvement]
    with pytest.raises(Conflict):
        dismiss_improvement(improvement=improvement)


def test_what_no_instruction_can_bring_about_is_not_applied(improvement: Improvement) -> None:
    improvement.instruction = ""
    with pytest.raises(Refused, match="No instruction"):
        apply_improvement(improvement=improvement)
    assert with_instruction({"system_prompt": ""}, "Be short.")["system_prompt"] == "Be short."


def test_a_later_report_renews_proposals_and_leaves_decisions_alone(improvement: Improvement) -> None:
    dismiss_improvement(improvement=improvement)
    gone = Improvement.objects.create(
        agent=improvement.agent, report=improvement.report, key="gone", title="t", reason="r"
    )
    from learning.engines.insight.recommendations import Recommendation

    propose(
        report=improvement.report,
        recommendations=[Recommendation("k", "New", "r", ""), Recommendation("n", "N", "r", "")],
    )
    improvement.refresh_from_db()
    assert (improvement.title, improvement.status) == ("Shorter", "dismissed")
    assert set(Improvement.objects.values_list("key", flat=True)) == {"k", "n"} and gone.pk


def _judged(agent: Agent, count: int, liked: int, **values: Any) -> None:
    for place in range(count):
        execution = factories.make_execution(agent, **values)
        kind = "thumbs_up" if place < liked else "thumbs_down"
        AgentFeedback.objects.create(agent=agent, execution=execution, user=f"{place}", feedback_type=kind)


def test_a_harmful_improvement_is_withdrawn_and_its_config_retired(improvement: Improvement) -> None:
    config, _ = apply_improvement(improvement=improvement)
    Improvement.objects.update(applied_at=timezone.now() - timedelta(days=1))
    agent = improvement.agent
    _judged(agent, 40, 38)
    _judged(agent, 40, 4, metadata={"improvements": [str(improvement.pk)]})
    (withdrawn,) = follow_improvements(agent=agent)
    withdrawn.refresh_from_db()
    assert (withdrawn.status, withdrawn.times_applied, withdrawn.success_rate) == ("withdrawn", 40, 0.1)
    assert "4 of 40" in withdrawn.withdrawn_because and withdrawn.effect["high"] < 0
    config.refresh_from_db()
    assert config.status == ConfigStatus.RETIRED


def test_who_had_an_improvement_is_known_however_many_had_it(
    improvement: Improvement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insight_following, "MOST_JUDGED", 20)
    apply_improvement(improvement=improvement)
    Improvement.objects.update(applied_at=timezone.now() - timedelta(days=1))
    agent, ours = improvement.agent, {"metadata": {"improvements": [str(improvement.pk)]}}
    for _ in range(40):
        factories.make_execution(agent, **ours)
    _judged(agent, 8, 6, **ours)
    _judged(agent, 8, 4)
    follow_improvements(agent=agent)
    improvement.refresh_from_db()
    assert (improvement.times_applied, improvement.judged, improvement.judged_without) == (48, 8, 8)


def test_a_good_improvement_is_counted_and_stays(improvement: Improvement) -> None:
    config, _ = apply_improvement(improvement=improvement)
    Improvement.objects.update(applied_at=timezone.now() - timedelta(days=1))
    _judged(improvement.agent, 8, 4)
    _judged(improvement.agent, 8, 6, config=config)
    assert follow_improvements(agent=improvement.agent) == []
    improvement.refresh_from_db()
    assert (improvement.times_applied, improvement.judged, improvement.judged_without) == (8, 8, 8)
    assert improvement.effect == {"difference": None, "low": None, "high": None}


def test_drift_is_two_intervals_apart(improvement: Improvement) -> None:
    report = improvement.report
    later = InsightReport.objects.create(
        agent=report.agent, number=2, trigger="person", since=report.since, until=report.until
    )
    for one, middle in ((report, 0.1), (later, -0.2)):
        row = ReviewerPreferenceModel.objects.create(
            report=one, user="anna", n=50, mean=0.5, severity=middle, severity_low=middle - 0.05,
            severity_high=middle + 0.05,
        )  # fmt: skip
    drift = drifts_of(later, [row])[row.pk]
    assert drift.points == [(1, 0.1), (2, -0.2)] and drift.moved


@pytest.mark.django_db(transaction=True)
def test_the_job_works_through_to_its_report(organization: Organization) -> None:
    from organizations.scope import organization_scope

    with organization_scope(organization.id):
        agent = factories.make_agent()
        some_feedback(agent, 20)
        job = start_learning(agent=agent, days=7)
    run_job(organization_id=str(organization.id), job_id=str(job.pk))
    with organization_scope(organization.id):
        job.refresh_from_db()
        assert (job.status, job.failure_reason) == (JobStatus.COMPLETED, "")
        assert job.result["opinions"] == 20 and InsightReport.objects.get().number == 1
        assert Execution.objects.count() == 20 and not LearningExample.objects.exists()
