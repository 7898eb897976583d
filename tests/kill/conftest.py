"""What tests with real programs share."""

from __future__ import annotations

import pytest

from organizations.models import Organization
from tests import factories


@pytest.fixture
def organization(transactional_db: None) -> Organization:
    return factories.make_organization()
