"""Forgetting a person on request, and the receipts of it."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.response import Response

from learning.api.serializers import erasures as shapes
from learning.models import ErasureReceipt
from learning.services import erasure
from learning.waking import wake_for_job
from organizations.api import OrganizationViewSet
from organizations.models import Role
from organizations.permissions import need

ADMIN = need("manage", role=Role.ADMIN)


@extend_schema_view(
    list=extend_schema(
        summary="Receipts of erasures, the newest first", responses=shapes.ErasureReceiptSerializer(many=True)
    ),
    retrieve=extend_schema(summary="One receipt", responses=shapes.ErasureReceiptSerializer),
)
class ErasureViewSet(OrganizationViewSet):
    model = ErasureReceipt
    permissions = {"GET": ADMIN, "POST": ADMIN}
    serializer_class = shapes.ErasureReceiptSerializer

    def list(self, request: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(shapes.ErasureReceiptSerializer(page, many=True).data)

    def retrieve(self, request: Any, pk: str) -> Response:
        return Response(shapes.ErasureReceiptSerializer(self.get_object()).data)

    @extend_schema(
        summary="Erase everything of a person",
        description="The `user_id` that your application sends with executions and feedback. With `dry_run` the answer "
        "says what would go, and nothing is changed; without it a job does the work and leaves a receipt. It stops all "
        "imports of the organization and deletes all files that it uploaded for them.",
        request=shapes.NewErasureSerializer,
        responses={200: shapes.ErasurePreviewSerializer, 202: shapes.ErasureRequestedSerializer},
    )
    def create(self, request: Any) -> Response:
        values = shapes.NewErasureSerializer().run_validation(request.data)
        if values.get("dry_run"):
            preview = erasure.preview_erasure(user=values["user"])
            return Response(shapes.ErasurePreviewSerializer(preview).data)
        job = erasure.request_erasure(user=values["user"], requested_by=request.auth.user)
        wake_for_job(job)
        told = {"job_id": job.pk, "status": job.status, "receipts": reverse("api:erasures")}
        return Response(shapes.ErasureRequestedSerializer(told).data, status=202)
