"""JSON that the server can store, whatever the application has put into it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # NUL, halves of surrogate pairs


def encoded(body: Any) -> bytes:
    """Unknown types become text. Raises ValueError, TypeError or RecursionError for what cannot be JSON."""
    try:
        text = json.dumps(body, default=str, allow_nan=False, ensure_ascii=False)
        content = text.encode()
        if "\\u0000" not in text:
            return content
    except ValueError:
        pass  # a number that is not finite, half of a surrogate pair, a circle
    return json.dumps(_cleaned(body), default=str, ensure_ascii=False).encode()


def _cleaned(value: Any) -> Any:
    """What is not finite becomes null, what cannot be stored in a text becomes a replacement character."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {_cleaned(str(name)): _cleaned(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value if isinstance(value, int | float) or value is None else _cleaned(str(value))
