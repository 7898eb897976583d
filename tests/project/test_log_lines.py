"""What the web server's log says of requests that did not succeed."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import path

from tests.clients_in_process import StrangerClient

REFUSED = "Forbidden (Permission denied): /admin/learning/keys/: This page needs the role admin; yours is member."


def of_requests(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "django.request"]


def test_a_page_that_refuses_a_person_is_one_line_with_the_reason(
    sign_in: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert sign_in("member").get("/admin/learning/keys/").status_code == 403
    (record,) = of_requests(caplog)
    assert (record.getMessage(), record.exc_info) == (REFUSED, None)


def broken(request: Any) -> HttpResponse:
    raise ValueError("a defect of ours")


class Broken:
    urlpatterns = [path("broken", broken)]


def test_a_defect_keeps_its_traceback(db: None, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.ROOT_URLCONF = Broken
    assert StrangerClient(raise_request_exception=False).get("/broken").status_code == 500
    (record,) = of_requests(caplog)
    assert record.exc_info and "a defect of ours" in str(record.exc_info[1])
