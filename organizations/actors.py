"""Who is acting: a signed-in person in one of their organizations, or an application by its key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from organizations.models import ROLE_ORDER, Role
from organizations.tokens import FeedbackGrant

if TYPE_CHECKING:
    from organizations.models import User


@dataclass(frozen=True)
class Actor:
    """On whose behalf a request or task runs.

    `role` is a person's; an application by its key acts with the role that its scopes stand for.
    `scopes` are a key's; a person's session has all three. A `publishable` key stands in web pages, so whoever
    reads the page has it. `grant` is a feedback token's, which the key in `api_key_id` has signed.
    """

    organization_id: UUID
    organization_name: str = ""
    role: str = Role.MEMBER
    scopes: frozenset[str] = frozenset()
    user: User | None = None
    api_key_id: UUID | None = None
    publishable: bool = False
    label: str = "system"
    allowed_origins: tuple[str, ...] = field(default=())
    grant: FeedbackGrant | None = None

    def allows(self, role: str) -> bool:
        """Whether the actor has at least this role."""
        return ROLE_ORDER[Role(self.role)] >= ROLE_ORDER[Role(role)]

    @property
    def can_review(self) -> bool:
        return self.allows(Role.EXPERT)

    @property
    def can_manage(self) -> bool:
        return self.allows(Role.MANAGER)

    @property
    def can_administer(self) -> bool:
        return self.allows(Role.ADMIN)


def system_actor(organization_id: UUID, label: str = "system") -> Actor:
    """The product itself, in a task or a command."""
    return Actor(organization_id=organization_id, role=Role.ADMIN, scopes=frozenset({"manage"}), label=label)


def person(user: Any, membership: Any) -> Actor:
    """A signed-in person in the organization of the membership."""
    return Actor(
        organization_id=membership.organization_id,
        organization_name=membership.organization.name,
        role=membership.role,
        scopes=frozenset({"ingest", "read", "manage"}),
        user=user,
        label=user.get_username(),
    )
