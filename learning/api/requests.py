"""What several endpoints read from a request."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.serializers import Serializer

from organizations.actors import Actor

KEY_HEADER = "Idempotency-Key"
PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?")
IDEMPOTENCY_KEY = OpenApiParameter(
    KEY_HEADER,
    {"type": "string", "minLength": 1, "maxLength": 200},
    OpenApiParameter.HEADER,
    description="The same key with the same content is stored once and answered alike: repeat a request until it is "
    "answered.",
)


def read_query(serializer: type[Serializer[Any]], request: Any) -> dict[str, Any]:
    """The validated query parameters. Raises ValidationError naming the parameter."""
    query = serializer(data=request.query_params)
    query.is_valid(raise_exception=True)
    values: dict[str, Any] = query.validated_data
    return values


def check_key(key: str | None) -> str | None:
    """The header's key. Raises ValidationError when it is no printable text of 1 to 200 characters."""
    if key is not None and not PRINTABLE.fullmatch(key):
        raise ValidationError({KEY_HEADER: ["This must be 1 to 200 printable ASCII characters."]})
    return key


def may_register_agents(actor: Actor) -> bool:
    """A publishable key stands in a web page, where anybody could make up agents with it."""
    return not actor.publishable if actor.api_key_id else actor.can_manage
