"""JSON from strangers: bounded before anything else looks at it."""

from __future__ import annotations

import json
import re
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

MAX_DEPTH = 32
# A lone surrogate or a NUL is valid JSON and cannot be stored by PostgreSQL.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class BoundedJSONParser(JSONParser):
    """Refuses invalid JSON, NaN, nesting deeper than MAX_DEPTH, and text that cannot be stored, with 400."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            document = json.loads(stream.read().decode("utf-8"), parse_constant=_refuse_constant)
        except RecursionError as error:
            raise ParseError(f"The JSON is nested deeper than {MAX_DEPTH} levels.") from error
        except ValueError as error:
            raise ParseError(f"The body is not valid JSON: {error}") from error
        check_document(document)
        return document


def check_document(value: Any, depth: int = 0) -> None:
    """Raises ParseError for what is nested too deeply or cannot be stored."""
    if depth > MAX_DEPTH:
        raise ParseError(f"The JSON is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, str):
        if UNSTORABLE.search(value):
            raise ParseError("A text holds a NUL character or half of a surrogate pair, which cannot be stored.")
    elif isinstance(value, dict):
        for key, item in value.items():
            check_document(key, depth + 1)
            check_document(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            check_document(item, depth + 1)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")
