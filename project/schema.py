"""What drf-spectacular cannot see: every operation may answer with a problem document."""

from __future__ import annotations

from typing import Any

PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem document",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
ANSWERS = {
    "400": "The request has errors; `errors` names the fields.",
    "401": "No API key, or one that is unknown or revoked.",
    "403": "The key or role may not do this.",
    "404": "There is no such thing in this organization.",
    "405": "The method is not offered here.",
    "406": "The answer is JSON; the Accept header excludes it.",
    "409": "The state of things, or an earlier request with the same key, speaks against it.",
    "413": "The body is too large.",
    "415": "The body must be application/json.",
    "429": "Too many requests; Retry-After says how many seconds to wait.",
    "503": "The database is not reachable; nothing was stored.",
}


def document_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add the problem answers to each operation."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in result.get("paths", {}).values():
        for operation in operations.values():
            responses = operation.setdefault("responses", {})
            for status, description in ANSWERS.items():
                responses.setdefault(status, {"description": description, "content": content})
    return result
