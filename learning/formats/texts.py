"""Which texts count as the same. Pure."""

from __future__ import annotations

import hashlib
import re


def hash_input(text: str) -> str:
    """SHA-256 of an input without differences of case and spacing, in hexadecimal digits."""
    return hashlib.sha256(normal_text(text).encode()).hexdigest()


def normal_text(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().casefold()
