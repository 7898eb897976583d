"""Rows for tests, made through the services where there is one."""

from __future__ import annotations

from itertools import count
from typing import Any

from django.utils import timezone

from learning.models import (
    Agent,
    AgentConfig,
    ConfigStatus,
    DatasetVersion,
    ExampleType,
    Execution,
    GateReport,
    LearningExample,
    ReviewStatus,
    SourceType,
    TrainingRun,
)
from learning.services import gate, run_progress
from learning.services.datasets import create_dataset
from learning.services.gate_work import GateWork
from learning.services.publication import publish_version
from learning.services.run_progress import RunWork
from organizations.keys import create_api_key
from organizations.models import KeyKind, Organization, Role, User
from organizations.scope import organization_scope
from organizations.services import add_member, create_organization
from tests.clients_in_process import outside_scope

_numbers = count(1)

CONTENT = {
    "system_prompt": "What is the sentiment of the text?",
    "examples": [],
    "model": "smollm2-135m-instruct",
    "parameters": {"temperature": 0, "max_tokens": 8, "seed": 1},
    "input_template": "{input}",
}


def make_organization(name: str = "") -> Organization:
    number = next(_numbers)
    with outside_scope():
        return create_organization(name=name or f"Organization {number}", slug=f"organization-{number}")


def make_user(organization: Organization, role: str = Role.ADMIN) -> User:
    user = User.objects.create_user(username=f"{role}-{next(_numbers)}", password="a long enough password")
    with outside_scope(), organization_scope(organization.id):
        add_member(user=user, role=role)
    return user


def make_key(
    organization: Organization, scopes: list[str] | None = None, kind: str = KeyKind.SECRET, **values: Any
) -> str:
    """The key itself, as an application would hold it."""
    with outside_scope(), organization_scope(organization.id):
        return create_api_key(name=f"key {next(_numbers)}", kind=kind, scopes=scopes, **values)[1]


def make_agent(**values: Any) -> Agent:
    number = next(_numbers)
    return Agent.objects.create(**{"external_id": f"agent-{number}", "name": f"Agent {number}"} | values)


def make_config(agent: Agent, status: str = ConfigStatus.APPROVED, **values: Any) -> AgentConfig:
    number = next(_numbers)
    content = CONTENT | values.pop("content", {})
    return AgentConfig.objects.create(
        agent=agent, number=number, content=content, content_hash=f"{number:064d}", status=status, **values
    )


def make_example(agent: Agent, **values: Any) -> LearningExample:
    example = an_example(agent, **values)
    example.save(force_insert=True)
    return example


def an_example(agent: Agent, **values: Any) -> LearningExample:
    """Not stored yet."""
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "example_type": ExampleType.CORRECTION,
        "source_type": SourceType.USER_FEEDBACK,
        "input_text": f"Text number {number}",
        "original_output": "neutral",
        "expected_output": "positive",
        "review_status": ReviewStatus.PENDING,
    }
    return LearningExample(agent=agent, **defaults | values)


def make_published_version(agent: Agent, examples: int = 80) -> DatasetVersion:
    """Approved corrections whose input says the right answer ("good" or "bad"), published."""
    LearningExample.objects.bulk_create(_film(agent, number) for number in range(examples))
    dataset = create_dataset(name=f"Dataset {next(_numbers)}", agent=agent)
    return publish_version(dataset=dataset)


def publish_with(version: DatasetVersion, input_text: str) -> DatasetVersion:
    """The next version of its dataset, with one approved example more."""
    make_example(version.dataset.agent, input_text=input_text, review_status=ReviewStatus.APPROVED)
    return publish_version(dataset=version.dataset)


def _film(agent: Agent, number: int) -> LearningExample:
    word, label = (("good", "positive"), ("bad", "negative"))[number % 2]
    return an_example(
        agent,
        input_text=f"Film number {number} was {word}",
        original_output=f"I think it is {label}",
        expected_output=label,
        review_status=ReviewStatus.APPROVED,
        prepared_version=0,  # publishing prepares it
    )


def claim_run(run: TrainingRun) -> RunWork | None:
    """What a worker gets that takes the run up."""
    claim = run_progress.claim_run(run_id=run.pk)
    return None if claim is None else run_progress.read_work(claim=claim)


def claim_gate(report: GateReport) -> GateWork | None:
    """What a worker gets that takes the gate up."""
    claim = gate.claim_gate(report_id=report.pk)
    return None if claim is None else gate.read_gate(claim=claim)


def make_execution(agent: Agent, **values: Any) -> Execution:
    """A completed execution of now."""
    return Execution.objects.create(
        **{"agent": agent, "external_id": f"run-{next(_numbers)}", "started_at": timezone.now(), "output": "Yes."}
        | values
    )
