"""What comes back of a call. Apart from the HTTP client, which the web process does not load (docs/decisions/0011)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. Tokens are None when it does not count them, or counts impossibly (none of a question).

    `model`: the one that answered, as the server says; empty when it does not.
    """

    text: str
    input_tokens: int | None
    output_tokens: int | None
    seconds: float
    model: str = ""
