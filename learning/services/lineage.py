"""Where a config comes from: its run, its dataset version, the examples in it. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from learning.engines.types import Prompt
from learning.models import AgentConfig, DatasetExample, GateReport, Split


def find_config(config_id: UUID) -> AgentConfig | None:
    """The config with all that it came from; None when the organization has no such config."""
    return (
        AgentConfig.objects.select_related(
            "agent", "parent", "training_run__dataset_version__dataset", "training_run__base_config"
        )
        .filter(pk=config_id)
        .first()
    )


def examples_behind(config: AgentConfig) -> list[tuple[DatasetExample, bool]]:
    """What the config's run learned from (never its test split), those that stand in the config word for word first."""
    if config.training_run is None:
        return []
    prompt, examples = Prompt.with_template_of(config.content), config.content.get("examples", [])
    shown = {(text, one["output"].strip()) for one in examples for text in (one["input"], prompt.unwrap(one["input"]))}
    items = (
        DatasetExample.objects.filter(version_id=config.training_run.dataset_version_id)
        .exclude(split=Split.TEST)
        .select_related("example__source_feedback", "example__source_execution")
        .order_by("id")
    )
    marked = [(item, (item.input_text, item.expected_output.strip()) in shown) for item in items]
    return sorted(marked, key=lambda pair: not pair[1])


def newest_gate_report(config: AgentConfig) -> GateReport | None:
    return config.gate_reports.select_related("decided_by").order_by("-id").first()


def newest_gate_reports(configs: Sequence[AgentConfig]) -> dict[UUID, GateReport]:
    """The newest report of each config that has one, without its cases."""
    reports = GateReport.objects.filter(config__in=configs).defer("cases")
    return {report.config_id: report for report in reports.order_by("config_id", "-id").distinct("config_id")}


def children_of(config: AgentConfig) -> list[AgentConfig]:
    """Configs that were made from this one."""
    return list(config.children.order_by("number"))
