"""Bodies are read whole before anything else happens; one that comes in chunks is not taken for none."""

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

from learning.api.otlp import ProtobufParser, TooLarge
from project.whole_body import LARGE, NO_ROOM, LeftUnread, WholeBody
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

    WholeBody(catch)(environ, lambda *args: None)
    return WSGIRequest(seen[0])


def test_a_body_in_chunks_arrives_whole() -> None:
    assert passed_on(environ_of(BODY, **{"wsgi.input_terminated": True})).body == BODY


def test_of_a_body_in_chunks_that_is_too_large_no_more_is_read_than_refuses_it() -> None:
    flood = BytesIO(b" " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE * 2))
    request = passed_on(environ_of(b"") | {"wsgi.input": flood, "wsgi.input_terminated": True})
    assert flood.tell() == settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1
    with pytest.raises(RequestDataTooBig):
        request.body  # noqa: B018  reading it raises
    with pytest.raises(RequestDataTooBig):
        request.read(100)  # a view that reads for itself is not given the beginning for the whole


def test_a_length_that_was_said_is_believed_and_a_stream_without_an_end_is_left_alone() -> None:
    said = environ_of(BODY, CONTENT_LENGTH="5", **{"wsgi.input_terminated": True})
    assert passed_on(said).body == BODY[:5]
    assert passed_on(environ_of(BODY)).body == b""


class Unread:
    """A body that nobody may touch."""

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("The body was read.")

    readline = read


def test_of_a_body_that_says_it_is_too_large_nothing_is_read() -> None:
    size = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1
    request = passed_on(environ_of(b"", CONTENT_LENGTH=str(size)) | {"wsgi.input": Unread()})
    with pytest.raises(RequestDataTooBig):
        request.body  # noqa: B018  reading it raises
    with pytest.raises(RequestDataTooBig):
        request.read(5)


def test_a_request_without_a_body_is_handed_on_as_it_is() -> None:
    stream = Unread()
    environ = RequestFactory().get("/login/").environ | {"wsgi.input": stream, "wsgi.input_terminated": True}
    environ.pop("CONTENT_LENGTH", None)
    assert passed_on(environ).environ["wsgi.input"] is stream


def test_a_body_is_here_before_anybody_works_on_the_request() -> None:
    source = BytesIO(BODY)
    environ = environ_of(b"", CONTENT_LENGTH=str(len(BODY))) | {"wsgi.input": source}
    seen: list[int] = []
    WholeBody(lambda environ, start: [seen.append(source.tell()), environ["wsgi.input"].read()][1:])(environ, print)
    assert seen == [len(BODY)]


def test_a_caller_who_leaves_in_the_middle_is_not_worked_for() -> None:
    answers: list[Any] = []
    environ = environ_of(BODY[:-1], CONTENT_LENGTH=str(len(BODY)))
    application = WholeBody(lambda *_: pytest.fail("worked on half of a request"))
    assert application(environ, lambda *answer: answers.append(answer)) == [b""]
    assert answers[0][0].startswith("400 ")


def test_large_bodies_have_few_rooms_and_small_ones_need_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a hundred threads hold at a time stays bounded."""
    outcomes: list[tuple[int, bool]] = []

    def inner(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        length = int(environ["CONTENT_LENGTH"])
        outcomes.append((length, NO_ROOM in environ))
        if len(outcomes) == 1:  # while the first one has the only room
            for size in (LARGE + 2, LARGE):
                application(environ_of(b" " * size, CONTENT_LENGTH=str(size)), start_response)
        return []

    monkeypatch.setattr("project.whole_body.ROOMS", 1)
    application = WholeBody(inner)
    for size in (LARGE + 1, LARGE + 3):
        application(environ_of(b" " * size, CONTENT_LENGTH=str(size)), print)
    assert outcomes == [(LARGE + 1, False), (LARGE + 2, True), (LARGE, False), (LARGE + 3, False)]


def test_who_finds_no_room_is_told_to_come_back(client: Any) -> None:
    answer = client.post("/api/learning/feedback/batch", **{NO_ROOM: True})
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert answer["Content-Type"] == "application/problem+json"


def test_the_endpoint_of_traces_refuses_a_large_body_in_its_own_words() -> None:
    with pytest.raises(TooLarge):
        ProtobufParser().parse(LeftUnread())


def test_the_server_loads_it() -> None:
    assert isinstance(application, WholeBody)
