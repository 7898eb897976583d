"""GET and POST of API keys, rotation and revocation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from organizations.actors import Actor
from organizations.api import OrganizationViewSet
from organizations.errors import Forbidden
from organizations.keys import (
    LONGEST_OVERLAP,
    MAX_ORIGINS,
    OVERLAP,
    SCOPES,
    create_api_key,
    revoke_api_key,
    rotate_api_key,
    scopes_for,
)
from organizations.models import ApiKey, KeyKind
from organizations.permissions import need

HOUR = timedelta(hours=1)


class KeySerializer(serializers.ModelSerializer):
    """A key without what opens anything."""

    state = serializers.ChoiceField(choices=["active", "rotated", "expired", "revoked"], read_only=True)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=SCOPES))
    allowed_origins = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = ApiKey
        fields = [
            "id", "name", "kind", "prefix", "scopes", "allowed_origins", "state",
            "created_at", "expires_at", "rotated_at", "revoked_at", "last_used_at",
        ]  # fmt: skip
        read_only_fields = fields


class MadeKeySerializer(KeySerializer):
    key = serializers.CharField(help_text="The key itself. It is shown this once.")

    class Meta(KeySerializer.Meta):
        fields = [*KeySerializer.Meta.fields, "key"]
        read_only_fields = fields


class Strict(serializers.Serializer[Any]):
    """Refuses fields that it does not know, naming them."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, Mapping) else []
        if unknown:
            known = ", ".join(self.fields)
            raise serializers.ValidationError({name: [f"Unknown field. Known are: {known}."] for name in unknown[:20]})
        return super().to_internal_value(data)


class NewKeySerializer(Strict):
    name = serializers.CharField(max_length=100, help_text="For you: which application uses it.")
    kind = serializers.ChoiceField(choices=KeyKind.choices, default=KeyKind.SECRET)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=SCOPES),
        required=False,
        min_length=1,
        max_length=len(SCOPES),
        help_text="Left out: ingest, read, manage for a secret key; feedback for a publishable one.",
    )
    allowed_origins = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        max_length=MAX_ORIGINS,
        help_text="Web origins such as https://example.com; left out: any.",
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, help_text="Left out: it has no end.")


class RotationSerializer(Strict):
    overlap_hours = serializers.FloatField(
        default=OVERLAP / HOUR,
        min_value=0,
        max_value=LONGEST_OVERLAP / HOUR,
        help_text="How long the old key works on.",
    )


@extend_schema_view(
    list=extend_schema(summary="API keys, the newest first", responses=KeySerializer(many=True)),
    retrieve=extend_schema(summary="One API key", responses=KeySerializer),
)
class KeyViewSet(OrganizationViewSet):
    """API keys. A key gives no more than it may do itself."""

    model = ApiKey
    permissions = {"GET": need("manage", role="admin"), "POST": need("manage", role="admin")}
    serializer_class = KeySerializer

    def list(self, request: Any) -> Response:
        return self.get_paginated_response(KeySerializer(self.paginate_queryset(self.get_queryset()), many=True).data)

    def retrieve(self, request: Any, pk: str) -> Response:
        return Response(KeySerializer(self.get_object()).data)

    @extend_schema(summary="Make an API key", request=NewKeySerializer, responses={201: MadeKeySerializer})
    def create(self, request: Any) -> Response:
        values = NewKeySerializer().run_validation(request.data)
        check_reach(request.auth, scopes_for(values["kind"], values.get("scopes")))
        return _shown_once(*create_api_key(**values, created_by=request.auth.user))

    @extend_schema(
        summary="Give a key a successor",
        description="The successor may do the same. The old key works on for the overlap.",
        request=RotationSerializer,
        responses={201: MadeKeySerializer},
    )
    @action(detail=True, methods=["post"])
    def rotate(self, request: Any, pk: str) -> Response:
        key = self.get_object()
        hours = RotationSerializer().run_validation(request.data)["overlap_hours"]
        check_reach(request.auth, key.scopes)
        return _shown_once(*rotate_api_key(key=key, overlap=hours * HOUR, created_by=request.auth.user))

    @extend_schema(summary="Revoke a key", request=None, responses=KeySerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Any, pk: str) -> Response:
        key = self.get_object()
        revoke_api_key(key=key)
        return Response(KeySerializer(key).data)


def check_reach(actor: Actor, wanted: list[str]) -> None:
    """Raises Forbidden when a key would make a key that may do more than itself."""
    own = actor.scopes | ({"feedback"} if "ingest" in actor.scopes else set())
    beyond = sorted(set(wanted) - own)
    if beyond:
        raise Forbidden(f"This key has no scope {', '.join(beyond)}, so it cannot give it.", "scopes")


def _shown_once(row: ApiKey, key: str) -> Response:
    return Response(KeySerializer(row).data | {"key": key}, status=201)
