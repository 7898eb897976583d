"""What tests with real programs share."""

from __future__ import annotations

import pytest

from organizations.models import Organization
from tests import factories


@pytest.fixture
def organization(transactional_db: None) -> Organization:
    """Committed, because other processes must see it; it replaces the one that a transaction hides from them."""
    return factories.make_organization()
