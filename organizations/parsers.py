"""JSON from strangers: bounded before anything else looks at it."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import JSONParser

from organizations.identifiers import UNSTORABLE

MAX_DEPTH = 32


# What may stand for a NUL or half of a surrogate pair: neither can be in valid JSON in any other way.
SUSPICIOUS = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
TEXTS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


class BoundedJSONParser(JSONParser):
    """Refuses with 400 invalid JSON, NaN, infinite numbers, deep nesting (MAX_DEPTH) and text that cannot be stored."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return parse_document(stream.read())


def parse_document(body: bytes) -> Any:
    """The JSON of a body. Raises ParseError, or ValidationError naming the place of what is too deep or unstorable."""
    try:
        document = DECODER.decode(body.decode("utf-8"))
    except RecursionError as error:
        raise _too_deep("") from error
    except ValueError as error:
        raise ParseError(f"The body is not valid JSON: {error}") from error
    if SUSPICIOUS.search(body) or not _is_shallow(body):
        check_document(document)
    return document


def parse_typed(text: str) -> Any:
    """The JSON that a person typed, within the same bounds. Raises ValueError with a message for that person."""
    try:
        return parse_document(text.encode("utf-8", "surrogatepass"))
    except ParseError as error:
        raise ValueError(f"This is not valid JSON: {error.__cause__}") from error
    except ValidationError as error:
        detail: Any = error.detail
        place, (message, *_) = next(iter(detail.items()))
        raise ValueError(str(message) if place == "body" else f"{place}: {message}") from error


def _is_shallow(body: bytes) -> bool:
    """Whether the brackets of valid JSON show that it is at most MAX_DEPTH deep; a no may be wrong, a yes never."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return True
    brackets = TEXTS.sub(b"", body).translate(None, NOT_BRACKETS)
    for _ in range(MAX_DEPTH // 2):  # each round takes one or two levels away, the innermost first
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
        if not brackets:
            return True
    return False


def check_document(value: Any, path: str = "", depth: int = 0) -> None:
    """Raises ValidationError, naming the place, for what is nested too deeply or cannot be stored."""
    if depth > MAX_DEPTH:
        raise _too_deep(path)
    if isinstance(value, str):
        if UNSTORABLE.search(value):
            message = "This text holds a NUL character or half of a surrogate pair, which cannot be stored."
            raise ValidationError({path or "body": [message]})
    elif isinstance(value, dict):
        for key, item in value.items():
            check_document(key, path, depth + 1)
            check_document(item, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            check_document(item, f"{path}.{index}" if path else str(index), depth + 1)


def _too_deep(path: str) -> ValidationError:
    field = ".".join(path.split(".")[:4]) or "body"  # the whole way down would be as long as the attack
    return ValidationError({field: [f"The JSON is nested deeper than {MAX_DEPTH} levels."]})


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:20]} is too large a number")
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
