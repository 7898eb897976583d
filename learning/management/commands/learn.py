"""`manage.py learn`: look at what people said about an agent now, and tell what was found."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from learning.engines.insight.words import aspect_words, feature_words
from learning.models import InsightReport, InsightTrigger
from learning.services.agent_directory import find_agent
from learning.services.insight_findings import keep_findings
from learning.services.insight_improvements import propose
from learning.services.insight_runs import MOST_DAYS, Learned, learn, look_back_days, read_window
from organizations.errors import Missing
from organizations.scope import organization_scope
from organizations.tasks import find_organization

SHOWN = 5  # correlations


class Command(BaseCommand):
    help = "Learn from what people said about an agent: correlations, patterns, reviewers, quality. Here and now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--agent", required=True, metavar="NAME", help="the application's name of it, or its id")
        parser.add_argument("--days", type=int, help="how far to look back; left out: what config/system.yaml says")

    def handle(self, *args: Any, **options: Any) -> None:
        days = look_back_days() if options["days"] is None else options["days"]
        if not 1 <= days <= MOST_DAYS:
            raise CommandError(f"--days must be 1 to {MOST_DAYS}.")
        try:
            organization_id = find_organization(options["organization"])
            with organization_scope(organization_id):
                agent = find_agent(name=options["agent"])
        except Missing as error:
            raise CommandError(error.message) from error
        until = timezone.now()
        since = until - timedelta(days=days)
        read = read_window(organization_id, agent.pk, since, until)
        insight = learn(read)
        with organization_scope(organization_id):
            report = keep_findings(
                agent=agent, learned=Learned(read, insight), since=since, until=until, trigger=InsightTrigger.COMMAND
            )
            propose(report=report, recommendations=insight.recommendations)
            self._tell(report)

    def _tell(self, report: InsightReport) -> None:
        self.stdout.write(f"Report {report.number}: {report.opinions:,} opinions, {report.judged:,} judge quality.")
        if not report.enough:
            self.stdout.write("insufficient_data: too few opinions to say anything.")
        for one in report.correlations.filter(significant=True).order_by("place")[:SHOWN]:
            self.stdout.write(
                f"  {feature_words(one.feature)} with {aspect_words(one.aspect)}: {one.correlation:+.2f} "
                f"[{one.low:+.2f}, {one.high:+.2f}], n = {one.n:,}, adjusted p = {one.adjusted_p:.2g}"
            )
        for pattern in report.patterns.order_by("place"):
            self.stdout.write(f"  {pattern.get_pattern_type_display()}: {pattern.name}. {pattern.text}")
        for weight in report.preferred["weights"]:
            self.stdout.write(
                f"  Preferred: {feature_words(weight['feature'])} {weight['value']:+.2f} "
                f"[{weight['low']:+.2f}, {weight['high']:+.2f}], {report.preferred['n']:,} pairs"
            )
        self.stdout.write(f"  Quality predictor: {report.quality_models.get().reason}")
        for improvement in report.improvements.order_by("id"):
            self.stdout.write(f"  Recommendation: {improvement.title}. {improvement.reason}")
