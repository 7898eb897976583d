"""What drf-spectacular cannot see: every operation may answer with a problem document."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

PREFIX = "/api/learning/"
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
    "503": "The server is busy or its database not reachable; Retry-After says how many seconds to wait.",
}


def document_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add the problem answers to each operation, and group the operations by the noun in their address."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    components["responses"] = {
        _name(status): {"description": description, "content": content} for status, description in ANSWERS.items()
    }
    for path, operations in result.get("paths", {}).items():
        for operation in operations.values():
            operation["tags"] = [path.removeprefix(PREFIX).split("/")[0]]
            responses = operation.setdefault("responses", {})
            for status in ANSWERS:
                responses.setdefault(status, {"$ref": f"#/components/responses/{_name(status)}"})
    replaced: dict[str, Any] = _without_nullable_anything(result)
    return replaced


class ActorScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """How a request says on whose behalf it is."""

    target_class = "organizations.auth.ActorAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key: sk_... on servers, pk_... in pages."}


def _without_nullable_anything(part: Any) -> Any:
    """Anything includes null; as one of two schemas null would fit both, which `oneOf` refuses."""
    if isinstance(part, dict):
        if part.get("oneOf") == [{}, {"type": "null"}]:
            return {name: value for name, value in part.items() if name != "oneOf"}
        return {name: _without_nullable_anything(value) for name, value in part.items()}
    return [_without_nullable_anything(item) for item in part] if isinstance(part, list) else part


def _name(status: str) -> str:
    return f"Problem{status}"
