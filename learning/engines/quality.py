"""What is wrong with an example by its texts alone, before a person looks at it. Pure."""

from __future__ import annotations

from learning.engines.similarity import normalize

LONGEST = 20_000  # characters of one text; more is a document, not an example


def flags_of(*, input_text: str, original_output: str, answer: str) -> list[str]:
    """Names of what was found, sorted: "empty", "too_long", "unchanged".

    answer: what is to be learned, the expected output or, of a bad example, the original one.
    """
    found = set()
    if not normalize(input_text) or not normalize(answer):
        found.add("empty")
    if max(map(len, (input_text, original_output, answer))) > LONGEST:
        found.add("too_long")
    if original_output and answer is not original_output and original_output.strip() == answer.strip():
        found.add("unchanged")
    return sorted(found)
