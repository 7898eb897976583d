"""Answers that travel only when they changed: an ETag, and 304 for who has it already (RFC 9110, section 13.1.2)."""

from __future__ import annotations

import hashlib
from typing import Any

from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

IF_NONE_MATCH = OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="The last ETag.")


def unless_known(request: Any, told: Any, fingerprint: str = "") -> Response:
    """The answer, or 304 where the request names its ETag. `fingerprint`: of the answer, where somebody knows it."""
    etag = f'"{fingerprint or hashlib.sha256(JSONRenderer().render(told)).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        return Response(status=304, headers=headers)
    return Response(told, headers=headers)
