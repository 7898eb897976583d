"""What the integrator's page says about OpenTelemetry, done by the real SDK and its exporter."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from importlib import metadata, util
from pathlib import Path
from typing import Any

import pytest

from learning.models import AgentFeedback, Decision, Execution, RetrievalEvent
from learning.services.feedback import submit_feedback
from organizations.models import Organization
from organizations.scope import organization_scope
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "integrator.md").read_text()
SECTION = PAGE.split("## Already using OpenTelemetry?")[1].split("\n## ")[0]
VARIABLES, INSTALLATION = re.findall(r"```sh\n(.*?)```", SECTION, re.S)
(CODE,) = re.findall(r"```python\n(.*?)```", SECTION, re.S)


@pytest.fixture
def organization() -> Organization:
    return factories.make_organization("Aster")


def run(code: str, server: Any, organization: Organization, **more: str) -> str:
    """An application of its own, with the environment that the page gives it."""
    settings = VARIABLES.replace("http://127.0.0.1:8000", server.url).replace(
        "sk_...", factories.make_key(organization)
    )
    given = dict(line.removeprefix("export ").split("=", 1) for line in settings.strip().splitlines())
    environment = {name: value.strip('"') for name, value in given.items()} | more
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", code], env=kept | environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "Failed to export" not in done.stderr, done.stderr
    return done.stdout


def test_the_example_of_the_page_becomes_an_execution(live_server: Any, organization: Organization) -> None:
    name = run(CODE + "\nprint(execution_id)", live_server, organization).strip()
    with organization_scope(organization.id):
        execution = Execution.objects.get()
        assert (execution.agent.external_id, execution.external_id, execution.user) == ("support-bot", name, "user-7")
        assert (execution.input, execution.output) == ("Where is my parcel?", "In Lyon.")
        assert execution.metadata["service"] == "shop"
        decision = Decision.objects.get()
        assert (decision.decision_point, decision.input, decision.output) == ("track", {"parcel": 7}, "Lyon")
        submit_feedback(item={"execution_id": name, "feedback_type": "thumbs_up"})
        assert AgentFeedback.objects.get().execution == execution


def test_what_the_page_installs_brings_every_module_of_its_example_and_is_what_is_tested_here() -> None:
    named = INSTALLATION.removeprefix("pip install ").split()
    tested = (Path(__file__).resolve().parents[2] / "requirements-dev.in").read_text().split()
    assert set(named) <= set(tested)
    needed = {name for one in named for name in map(distribution_name, metadata.requires(one) or [])} | set(named)
    imports = [node for node in ast.walk(ast.parse(CODE)) if isinstance(node, ast.ImportFrom)]
    assert len(imports) == 4
    assert {owner_of(str(one.module), one.names[0].name) for one in imports} <= needed


def distribution_name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement)[0]


def owner_of(module: str, name: str) -> str:
    """The installed package that holds the file of a module, or of what is imported from a bare folder."""
    found = util.find_spec(module)
    if found is None or found.origin is None:
        found = util.find_spec(f"{module}.{name}")
    assert found is not None and found.origin is not None
    candidates = [one for one in metadata.distributions() if one.name.startswith("opentelemetry-")]
    (owner,) = [one.name for one in candidates if _holds(one, Path(found.origin))]
    return owner


def _holds(one: metadata.Distribution, path: Path) -> bool:
    return any(Path(str(file.locate())) == path for file in one.files or [])


INSTRUMENTED = """
import json, sys
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
provider = TracerProvider()
processor = SimpleSpanProcessor if sys.argv[-1] == "one" else BatchSpanProcessor
provider.add_span_processor(processor(OTLPSpanExporter(compression=Compression.Gzip)))
tracer = provider.get_tracer("shop")
say = lambda role, text: json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])
with tracer.start_as_current_span("POST /chat"):
    with tracer.start_as_current_span("crew", attributes={"openinference.span.kind": "AGENT", "agent.name": "crew"}):
        with tracer.start_as_current_span("search", attributes={
            "openinference.span.kind": "RETRIEVER", "input.value": "parcels",
            "retrieval.documents.0.document.id": "d-1", "retrieval.documents.0.document.score": 0.5,
        }):
            pass
        with tracer.start_as_current_span("chat small", attributes={
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "local", "gen_ai.request.model": "small",
            "gen_ai.input.messages": say("user", "Where?"), "gen_ai.output.messages": say("assistant", "Lyon."),
            "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 2,
        }):
            pass
    try:
        with tracer.start_as_current_span("chat") as span:
            span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.agent.name": "b"})
            raise ValueError("no model")
    except ValueError:
        pass
provider.shutdown()
"""


@pytest.mark.parametrize("how", ["one", "batch"])
def test_an_instrumented_application_needs_the_environment_alone(
    live_server: Any, organization: Organization, how: str
) -> None:
    """Span by span, each child before its parent, or all in one request: the same comes of it."""
    code = f"import sys; sys.argv.append({how!r})\n{INSTRUMENTED}"
    run(code, live_server, organization)
    with organization_scope(organization.id):
        crew, failed = Execution.objects.order_by("started_at")
        assert (crew.agent.external_id, crew.input, crew.output, crew.status) == (
            "crew",
            "Where?",
            "Lyon.",
            "completed",
        )
        assert (crew.input_tokens, crew.output_tokens, crew.metadata["model"]) == (7, 2, "small")
        assert (failed.agent.external_id, failed.status) == ("b", "failed")
        assert failed.metadata["error"] == {"type": "ValueError", "message": "ValueError: no model"}
        assert failed.external_id == f"{crew.external_id}-{failed.metadata['span_id']}"
        retrieval = RetrievalEvent.objects.get()
        assert (retrieval.execution, retrieval.query) == (crew, "parcels")
        assert retrieval.documents == [{"id": "d-1", "rank": 1, "score": 0.5}]


def test_a_wrong_key_is_told_by_the_exporter_and_stores_nothing(live_server: Any, organization: Organization) -> None:
    """The key travels in the variable of the headers."""
    with pytest.raises(AssertionError, match="Failed to export"):
        run(CODE, live_server, organization, OTEL_EXPORTER_OTLP_TRACES_HEADERS="Authorization=Bearer%20sk_wrong")
    with organization_scope(organization.id):
        assert not Execution.objects.exists()
