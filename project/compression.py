"""Static files are sent compressed. Pages are not: a compressed page can give away a secret in it by its length."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

TEXT = ("text/", "application/json", "image/svg")


class CompressStatic(GZipMiddleware):
    """GZip for scripts, styles and drawings under STATIC_URL. Stands above WhiteNoise."""

    def process_response(self, request: Any, response: Any) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "")
        if request.path.startswith(settings.STATIC_URL) and kind.startswith(TEXT):
            return super().process_response(request, response)
        return response
