"""Exposures: what clients report that assign by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from experiments.api.serializers.exposures import ExposureBatchSerializer, NewExposureSerializer
from experiments.services.exposure_intake import take_exposures
from learning.api.batches import answer_batch
from learning.api.doors import Answer, Door
from learning.api.serializers.batches import BatchAnswerSerializer
from learning.api.serializers.compiled import CompiledSerializer
from learning.services.intake import Outcome
from organizations.actors import Actor
from organizations.api import OrganizationAPIView
from organizations.permissions import need
from organizations.scope import organization_scope
from organizations.throttles import IntakeThrottle

NEW_EXPOSURE = CompiledSerializer(NewExposureSerializer())


def take_exposure_batch(actor: Actor, document: Any, key: str | None) -> Answer:
    """Many exposures, each taken or refused on its own."""

    def store(items: Sequence[Any]) -> list[Outcome]:
        with organization_scope(actor.organization_id, actor=actor):
            return take_exposures(items=items)

    return answer_batch(document, NEW_EXPOSURE, store, prepare=lambda index, item: item)


EXPOSURE_BATCH = Door(need("ingest"), take_exposure_batch)


class ExposureBatchView(OrganizationAPIView):
    """Who met which variant."""

    permissions = {"POST": EXPOSURE_BATCH.needed}
    throttle_classes = [IntakeThrottle]

    @extend_schema(
        summary="Report up to 1,000 exposures",
        description="For clients that assign by themselves. The first exposure of a unit to an experiment counts; the "
        "same again is answered alike and counted once. Each item is taken or refused on its own.",
        request=ExposureBatchSerializer,
        responses={200: BatchAnswerSerializer},
    )
    def post(self, request: Any) -> Response:
        return EXPOSURE_BATCH.respond(request)
