"""The formats import no model, so they name the kinds of examples themselves: as the tables do."""

from __future__ import annotations

from learning.formats import rows
from learning.models import BAD_TYPES, ExampleType, SourceType, Split


def test_the_words_of_files_are_those_of_the_tables() -> None:
    assert list(rows.TYPES) == ExampleType.values
    assert list(rows.BAD) == [kind.value for kind in BAD_TYPES]
    assert list(rows.SOURCES) == SourceType.values
    assert list(rows.SPLITS) == Split.values
