"""A body that comes in chunks is read, not taken for none."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory

from project.body_length import BodyLength
from project.wsgi import application

BODY = json.dumps({"agent_id": "a", "feedback_type": "thumbs_up"}).encode()


def environ_of(body: bytes, **values: Any) -> dict[str, Any]:
    """As the server makes it of `Transfer-Encoding: chunked`."""
    environ = RequestFactory().post("/api/learning/feedback").environ
    environ.pop("CONTENT_LENGTH", None)
    return environ | {"wsgi.input": BytesIO(body), "HTTP_TRANSFER_ENCODING": "chunked"} | values


def passed_on(environ: dict[str, Any]) -> WSGIRequest:
    """The request that Django gets."""
    seen: list[dict[str, Any]] = []

    def catch(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        seen.append(environ)
        return []

    BodyLength(catch)(environ, lambda *args: None)
    return WSGIRequest(seen[0])


def test_a_body_in_chunks_arrives_whole() -> None:
    assert passed_on(environ_of(BODY, **{"wsgi.input_terminated": True})).body == BODY


def test_of_a_body_in_chunks_that_is_too_large_no_more_is_read_than_refuses_it() -> None:
    flood = BytesIO(b" " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE * 2))
    request = passed_on(environ_of(b"") | {"wsgi.input": flood, "wsgi.input_terminated": True})
    assert flood.tell() == settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1
    with pytest.raises(RequestDataTooBig):
        request.body  # noqa: B018  reading it raises


def test_a_length_that_was_said_is_believed_and_a_stream_without_an_end_is_left_alone() -> None:
    said = environ_of(BODY, CONTENT_LENGTH="5", **{"wsgi.input_terminated": True})
    assert passed_on(said).body == BODY[:5]
    assert passed_on(environ_of(BODY)).body == b""


def test_the_server_loads_it() -> None:
    assert isinstance(application, BodyLength)
