"""What is wrong with an example by its texts alone, before a person looks at it. Pure."""

from __future__ import annotations

from collections.abc import Collection

from learning.engines.similarity import normalize
from learning.engines.unsafe import is_unsafe

LONGEST = 20_000  # characters of one text; more is a document, not an example
SHORTEST = 3  # letters and digits of an input; an answer may be one letter


def flags_of(*, input_text: str, original_output: str, answer: str, languages: Collection[str] = ()) -> list[str]:
    """Names of what was found, sorted: "empty", "too_long", "too_short", "unchanged", "unsafe", "wrong_language".

    answer: what is to be learned, the expected output or, of a bad example, the original one. languages: codes of those
    that an answer is expected in; any, when there are none.
    """
    found = set()
    if not normalize(input_text) or not normalize(answer):
        found.add("empty")
    elif len(normalize(input_text)) < SHORTEST:
        found.add("too_short")
    if max(map(len, (input_text, original_output, answer))) > LONGEST:
        found.add("too_long")
    if original_output and answer is not original_output and original_output.strip() == answer.strip():
        found.add("unchanged")
    if is_unsafe(input_text) or is_unsafe(answer):
        found.add("unsafe")
    if languages and _is_foreign(answer, languages):
        found.add("wrong_language")
    return sorted(found)


def _is_foreign(answer: str, languages: Collection[str]) -> bool:
    from learning.engines.language import is_foreign  # loads the detector, which only workers need

    return is_foreign(answer, languages)
