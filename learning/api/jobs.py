"""Long work: watched, cancelled, taken up again."""

from __future__ import annotations

from typing import Any, cast

from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.response import Response

from learning.api.requests import read_query
from learning.api.serializers import jobs as shapes
from learning.models import Job
from learning.services import jobs
from learning.services.job_list import visible_jobs
from learning.services.undoing import resume_job, undo_job
from learning.waking import wake_for_job
from organizations.actors import Actor
from organizations.api import OrganizationViewSet
from organizations.models import Role
from organizations.permissions import need

MANAGER = need("manage", role=Role.MANAGER)


@extend_schema_view(
    list=extend_schema(
        summary="Imports, actions on many examples and other long work, the newest first",
        parameters=[shapes.JobFilterSerializer],
        responses=shapes.ListedJobSerializer(many=True),
    ),
    retrieve=extend_schema(summary="One job: how far it is, what it did", responses=shapes.JobSerializer),
)
class JobViewSet(OrganizationViewSet):
    model = Job
    permissions = {"GET": need("read", role=Role.MANAGER), "POST": MANAGER}
    serializer_class = shapes.JobSerializer

    def get_queryset(self) -> Any:
        rows, actor = super().get_queryset(), cast(Actor | None, self.request.auth)
        return rows.filter(pk__in=visible_jobs(actor=actor).values("pk")) if actor else rows

    def list(self, request: Any) -> Response:
        asked = read_query(shapes.JobFilterSerializer, request)
        page = self.paginate_queryset(self.get_queryset().filter(**asked).defer("request", "cursor", "result"))
        return self.get_paginated_response(shapes.ListedJobSerializer(page, many=True).data)

    def retrieve(self, request: Any, pk: str) -> Response:
        return Response(shapes.JobSerializer(self.get_object()).data)

    @extend_schema(
        summary="Stop a job: at once while it waits, after its step while it works",
        request=None,
        responses=shapes.JobSerializer,
    )
    def cancel(self, request: Any, pk: str) -> Response:
        jobs.request_job_cancel(job=self.get_object())
        return Response(shapes.JobSerializer(self.get_object()).data)

    @extend_schema(
        summary="Go on where a failed or cancelled job stopped", request=None, responses=shapes.JobSerializer
    )
    def resume(self, request: Any, pk: str) -> Response:
        job = self.get_object()
        resume_job(job=job)
        wake_for_job(job)
        return Response(shapes.JobSerializer(self.get_object()).data)

    @extend_schema(
        summary="Put back what an action on many examples changed, where nobody changed it since; as a job of its own",
        request=None,
        responses={202: shapes.StartedJobSerializer},
    )
    def undo(self, request: Any, pk: str) -> Response:
        job = undo_job(job=self.get_object(), user=request.auth.user)
        wake_for_job(job)
        return started(job)


def started(job: Job) -> Response:
    """202 with the job's address."""
    address = reverse("api:job", args=[job.pk])
    body = {"job_id": job.pk, "status": job.status, "total": job.total, "url": address}
    return Response(shapes.StartedJobSerializer(body).data, status=202, headers={"Location": address})
