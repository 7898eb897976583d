"""What was learned from feedback about an agent, and learning again."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from learning.api.jobs import started
from learning.api.requests import read_query
from learning.api.serializers import insight as shapes
from learning.api.serializers.jobs import StartedJobSerializer
from learning.models import Agent, Improvement, InsightReport, PatternType
from learning.services import insight_improvements as improvements
from learning.services.agent_directory import find_agent
from learning.services.insight_reading import drift_of_weights, drifts_of, findings_of, newest_report, preferences_of
from learning.waking import wake_for_gate, wake_for_job
from organizations.api import OrganizationAPIView, as_uuid
from organizations.conditional import IF_NONE_MATCH, unless_known
from organizations.models import Role
from organizations.permissions import need

GROUPS = {
    "successful_decisions": PatternType.SUCCESSFUL_DECISION,
    "failure_patterns": PatternType.FAILURE_PATTERN,
    "quality_thresholds": PatternType.QUALITY_THRESHOLD,
    "discriminative_terms": PatternType.TERM,
    "rules": PatternType.RULE,
}


def _head(agent: Agent, report: InsightReport | None) -> dict[str, Any]:
    learned = shapes.LEARNED if report and report.enough else shapes.INSUFFICIENT
    return {
        "agent_id": agent.external_id,
        "status": learned if report else shapes.NOTHING,
        "report": report.number if report else None,
        "since": report.since if report else None,
        "until": report.until if report else None,
        "opinions": report.opinions if report else 0,
    }


class FindingsView(OrganizationAPIView):
    """The newest report of an agent."""

    permissions = {"GET": need("read")}

    def read(self, agent: str) -> tuple[Agent, InsightReport | None, dict[str, Any]]:
        found = find_agent(name=agent)
        report = newest_report(agent=found)
        return found, report, _head(found, report)


class CorrelationsView(FindingsView):
    @extend_schema(summary="What goes with what people say, the surest first", responses=shapes.CorrelationsSerializer)
    def get(self, request: Any, agent: str) -> Response:
        _, report, head = self.read(agent)
        rows = findings_of(report).correlations if report else []
        return Response(shapes.CorrelationsSerializer(head | {"correlations": rows}).data)


class PatternsView(FindingsView):
    @extend_schema(summary="What successes and failures have in common", responses=shapes.PatternsSerializer)
    def get(self, request: Any, agent: str) -> Response:
        _, report, head = self.read(agent)
        rows = findings_of(report).patterns if report else []
        groups = {name: [row for row in rows if row.pattern_type == kind] for name, kind in GROUPS.items()}
        return Response(shapes.PatternsSerializer(head | groups).data)


class PreferencesView(FindingsView):
    permissions = {"GET": need("read", role=Role.MANAGER)}

    @extend_schema(summary="What each reviewer is like", responses=shapes.PreferencesSerializer)
    def get(self, request: Any, agent: str) -> Response:
        _, report, head = self.read(agent)
        if report is None:
            return Response(shapes.PreferencesSerializer(head | {"preferred": {}, "preferences": []}).data)
        rows = preferences_of(report)
        preferred = report.preferred | {"moved": drift_of_weights(report)}
        context = {"drifts": drifts_of(report, rows)}
        found = head | {"preferred": preferred, "preferences": rows}
        return Response(shapes.PreferencesSerializer(found, context=context).data)


class LearnView(OrganizationAPIView):
    permissions = {"POST": need("manage", role=Role.MANAGER)}

    @extend_schema(
        summary="Learn from the feedback of the last days; a job",
        request=shapes.LearnSerializer,
        responses={202: StartedJobSerializer},
    )
    def post(self, request: Any, agent: str) -> Response:
        from learning.services.insight_runs import start_learning

        days = shapes.LearnSerializer().run_validation(request.data or {}).get("days")
        job = start_learning(agent=find_agent(name=agent), days=days, user=request.auth.user)
        wake_for_job(job)
        return started(job)


class PredictQualityView(OrganizationAPIView):
    permissions = {"POST": need("read")}

    @extend_schema(
        summary="What people would say of an answer, with reasons",
        request=shapes.PredictSerializer,
        responses=shapes.PredictionSerializer,
    )
    def post(self, request: Any, agent: str) -> Response:
        from learning.services.insight_quality import predict_quality

        known = shapes.PredictSerializer().run_validation(request.data)
        asked, said = known.pop("input"), known.pop("output")
        row, found = predict_quality(agent=find_agent(name=agent), asked=asked, said=said, known=known)
        names = ("quality", "low", "high", "confidence", "reasons")
        answer = {name: getattr(found, name) for name in names} | {"report": row.report.number}
        return Response(shapes.PredictionSerializer(answer).data)


class ImprovementsView(OrganizationAPIView):
    permissions = {"GET": need("read")}

    @extend_schema(
        summary="Recommendations, and what became of those that were applied",
        parameters=[shapes.ImprovementQuerySerializer, IF_NONE_MATCH],
        responses={200: shapes.ImprovementsSerializer, 304: None},
    )
    def get(self, request: Any, agent: str) -> Response:
        found = find_agent(name=agent)
        live = read_query(shapes.ImprovementQuerySerializer, request)["live"]
        rows = improvements.live_improvements(agent=found) if live else found.improvements.order_by("-id")[:200]
        told = shapes.ImprovementsSerializer({"agent_id": found.external_id, "improvements": rows}).data
        return unless_known(request, told)


class ImprovementActionView(OrganizationAPIView):
    """What a person decides about one recommendation."""

    permissions = {"POST": need("manage", role=Role.ADMIN)}

    def find(self, agent: str, improvement: str) -> Improvement:
        key = as_uuid(improvement)
        rows = Improvement.objects.select_related("agent", "config").filter(agent=find_agent(name=agent))
        row = rows.filter(pk=key).first() if key else None
        if row is None:
            raise NotFound(f"There is no improvement {improvement!r}.")
        return row


class ImprovementApplyView(ImprovementActionView):
    @extend_schema(
        summary="Make a draft config with the recommendation; its gate is queued",
        request=None,
        responses={201: shapes.AppliedSerializer},
    )
    def post(self, request: Any, agent: str, improvement: str) -> Response:
        config, report = improvements.apply_improvement(improvement=self.find(agent, improvement))
        if report is not None:
            wake_for_gate(report)
        made = {"config_id": config.pk, "number": config.number, "gate_report_id": report.pk if report else None}
        return Response(shapes.AppliedSerializer(made).data, status=201)


class ImprovementDismissView(ImprovementActionView):
    @extend_schema(summary="Leave a recommendation aside", request=None, responses=shapes.ImprovementSerializer)
    def post(self, request: Any, agent: str, improvement: str) -> Response:
        row = self.find(agent, improvement)
        improvements.dismiss_improvement(improvement=row)
        return Response(shapes.ImprovementSerializer(row).data)


class ImprovementWithdrawView(ImprovementActionView):
    @extend_schema(summary="Stop applying an improvement", request=None, responses=shapes.ImprovementSerializer)
    def post(self, request: Any, agent: str, improvement: str) -> Response:
        row = self.find(agent, improvement)
        improvements.withdraw_improvement(improvement=row, because="A person withdrew it.")
        return Response(shapes.ImprovementSerializer(row).data)
