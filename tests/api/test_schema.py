"""Every operation of the OpenAPI document, with values that fit it and values that do not.

No answer may be a defect of ours, and none may be one that the document does not name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from organizations.models import Organization
from organizations.scope import organization_scope
from project.wsgi import application
from tests import factories

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# The suite takes a few values. `SCHEMA_EXAMPLES=100 pytest tests/api` takes more, and all the boundary values too.
THOROUGH = "SCHEMA_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "15"))

document = SchemaGenerator().get_schema(request=None, public=True)
schema = schemathesis.openapi.from_dict(document)
schema.app = application
schema.config.phases.coverage.enabled = THOROUGH


@pytest.fixture
def open_connection() -> Iterator[None]:
    """A server closes its connection after each request; here it holds the transaction of the test."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def known(organization: Organization, open_connection: None) -> dict[str, str]:
    """A key that may do everything, and names that exist, by the name of the path parameter."""
    with organization_scope(organization.id):
        agent = factories.make_agent(external_id="cook", serving_config=None)
        example = factories.make_example(agent)
    return {"key": factories.make_key(organization), "agent": "cook", "id": str(example.pk)}


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_an_answer_is_one_that_the_document_names(case: Any, known: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {known['key']}"}
    case.call_and_validate(headers=headers, checks=CHECKS)
    if case.path_parameters:
        case.path_parameters = {name: known.get(name, value) for name, value in case.path_parameters.items()}
        case.call_and_validate(headers=headers, checks=CHECKS)
