"""One action on many examples."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from learning.api.jobs import started
from learning.api.serializers.examples import BulkActionSerializer, filter_of
from learning.api.serializers.jobs import StartedJobSerializer
from learning.services.bulk_actions import Selection, start_bulk_action
from learning.waking import wake_for_job
from organizations.api import OrganizationAPIView
from organizations.models import Role
from organizations.permissions import need


class BulkActionView(OrganizationAPIView):
    """Tags, domains, task types and verdicts of many examples at once, and deleting them."""

    permissions = {"POST": need("manage", role=Role.MANAGER)}

    @extend_schema(
        summary="Do one thing with all examples that the filter leaves, as a job; all but deleting can be undone",
        request=BulkActionSerializer,
        responses={202: StartedJobSerializer},
    )
    def post(self, request: Any) -> Response:
        values = BulkActionSerializer().run_validation(request.data)
        wanted = filter_of(values.get("filter", {}))
        selection = Selection(wanted, values.get("except", []), values.get("only", []))
        job = start_bulk_action(selection=selection, action=values["action"], user=request.auth.user)
        wake_for_job(job)
        return started(job)
