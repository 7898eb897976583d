"""Errors as problem documents (RFC 9457)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import OperationalError, transaction
from django.http import Http404, HttpResponse, JsonResponse
from django.views.defaults import page_not_found, server_error
from rest_framework import exceptions
from rest_framework.response import Response

from organizations.errors import Refused, database_trouble
from organizations.problems import field_errors

log = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"
# The part of a request that is wrong when REST framework refuses it with this status.
AT_FAULT = {400: "body", 401: "Authorization", 406: "Accept", 415: "Content-Type"}


def not_found(request: Any, exception: Exception) -> HttpResponse:
    """An address that nothing answers: a problem document for programs, a page for people."""
    if not request.path.startswith("/api/"):
        return page_not_found(request, exception)
    body = {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": f"There is nothing at {request.path}.",
    }
    return JsonResponse(body, status=404, content_type=CONTENT_TYPE)


def server_failed(request: Any) -> HttpResponse:
    """A defect of ours: it is in the log."""
    if not request.path.startswith(("/api/", "/v1/")):
        return server_error(request)
    detail = "Something failed on our side. It is in the log; nothing was stored."
    body = {"type": "about:blank", "title": "Internal Server Error", "status": 500, "detail": detail}
    return JsonResponse(body, status=500, content_type=CONTENT_TYPE)


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to what a view raised; None for a defect of ours, which Django logs and answers with 500."""
    problem = problem_document(error)
    if problem is None:
        return None
    transaction.set_rollback(True)  # the request's savepoint: nothing half-done stays
    body, headers = problem
    return Response(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)


def problem_document(error: Exception) -> tuple[dict[str, Any], dict[str, str]] | None:
    """The body and the headers of the answer to an error; None for a defect of ours."""
    problem = _problem(error)
    if problem is None:
        return None
    status, detail, errors, headers = problem
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    return body, headers


def _problem(error: Exception) -> tuple[int, str, list[dict[str, str]], dict[str, str]] | None:
    if isinstance(error, Refused):
        errors = [{"field": error.field, "message": error.message}] if error.field else []
        return error.status, error.message, errors, {}
    if isinstance(error, exceptions.ValidationError):
        errors = list(field_errors(error.detail))
        return (
            400,
            "The request has errors: " + "; ".join(f"{e['field']}: {e['message']}" for e in errors[:5]),
            errors,
            {},
        )
    if isinstance(error, OperationalError):
        log.warning("The database did not do it: %s", error)
        return 503, database_trouble(error), [], {"Retry-After": "2"}
    if isinstance(error, RequestDataTooBig):
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        detail = f"The body is larger than {limit:,} bytes. Send it in several requests."
        return 413, detail, [{"field": "body", "message": detail}], {}
    if isinstance(error, Http404):
        return 404, str(error) or "Not found.", [], {}
    if isinstance(error, PermissionDenied):
        return 403, str(error) or "This is not allowed.", [], {}
    if isinstance(error, exceptions.APIException):
        at_fault, detail = AT_FAULT.get(error.status_code), str(error.detail)
        errors = [{"field": at_fault, "message": detail}] if at_fault else []
        return error.status_code, detail, errors, _headers(error)
    return None


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    challenge, wait = getattr(error, "auth_header", None), getattr(error, "wait", None)
    if challenge:
        headers["WWW-Authenticate"] = challenge
    if wait:
        headers["Retry-After"] = str(max(1, round(wait)))
    return headers
