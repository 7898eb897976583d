"""Errors as problem documents (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from organizations.errors import Refused

CONTENT_TYPE = "application/problem+json"


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to what a view raised; None for a defect of ours, which Django logs and answers with 500."""
    problem = _problem(error)
    if problem is None:
        return None
    status, detail, errors, headers = problem
    transaction.set_rollback(True)  # the request's savepoint: nothing half-done stays
    body: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if errors:
        body["errors"] = errors
    return Response(body, status=status, headers=headers, content_type=CONTENT_TYPE)


def _problem(error: Exception) -> tuple[int, str, list[dict[str, str]], dict[str, str]] | None:
    if isinstance(error, Refused):
        errors = [{"field": error.field, "message": error.message}] if error.field else []
        return error.status, error.message, errors, {}
    if isinstance(error, exceptions.ValidationError):
        errors = list(field_errors(error.detail))
        return 400, "The request has errors: " + "; ".join(f"{e['field']}: {e['message']}" for e in errors[:5]), errors, {}
    if isinstance(error, Http404):
        return 404, str(error) or "Not found.", [], {}
    if isinstance(error, PermissionDenied):
        return 403, str(error) or "This is not allowed.", [], {}
    if isinstance(error, exceptions.APIException):
        return error.status_code, str(error.detail), [], _headers(error)
    return None


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(max(1, round(error.wait)))
    return headers


def field_errors(detail: Any, path: str = "") -> Any:
    """Each leaf of DRF's nested error detail as {"field": "items.3.rating", "message": ...}."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            step = "" if name == "non_field_errors" else str(name)
            yield from field_errors(inner, ".".join(part for part in (path, step) if part))
    elif isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        for index, inner in enumerate(detail):
            yield from field_errors(inner, f"{path}.{index}" if path else str(index))
    elif isinstance(detail, list):
        for message in detail:
            yield {"field": path or "body", "message": str(message)}
    else:
        yield {"field": path or "body", "message": str(detail)}
