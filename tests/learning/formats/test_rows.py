"""What is remembered of the names of records is bounded, whatever names a file has."""

from __future__ import annotations

from typing import Any

from learning.formats import rows
from learning.formats.rows import MOST_KNOWN, check_row, unused_names

GOOD: dict[str, Any] = {"question": "How?", "expected_output": "So."}


def test_records_of_many_names_mean_the_same_and_are_not_remembered() -> None:
    check_row(GOOD)
    before = rows._named.cache_info().currsize, rows._unused.cache_info().currsize
    many = GOOD | {f"other {number}": 0 for number in range(MOST_KNOWN)}
    assert check_row(many) == check_row(GOOD)
    assert unused_names(many) == many.keys() - GOOD.keys()
    assert check_row(many | {"mine": "Why?"}, {"input_text": "mine"}).input_text == "Why?"
    assert (rows._named.cache_info().currsize, rows._unused.cache_info().currsize) == before
