"""Bodies whose length was not said beforehand: in chunks (HTTP/1.1), or as a stream (HTTP/2).

Django takes a request without Content-Length for one without a body, so what it brings would be lost without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from django.conf import settings

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class BodyLength:
    """Reads such a body and says its length; of one that is too large only so much that Django refuses it."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        # `input_terminated`: the server ends the stream with the body, so that reading it never waits for more.
        if not environ.get("CONTENT_LENGTH") and environ.get("wsgi.input_terminated"):
            body = environ["wsgi.input"].read((settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0) + 1)
            environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return self.application(environ, start_response)
