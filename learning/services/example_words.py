"""Finding examples by their words: every word asked for, or one that begins with it, in any of the texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib.postgres.search import SearchQuery
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from learning.models import ExampleWords
from organizations.scope import current_organization_id

MOST_WORDS = 20  # of one question
LONGEST = 100_000  # characters whose words are kept; the rest of a long example is not searched
REMEMBER = """
INSERT INTO learning_examplewords (organization_id, example_id, words)
SELECT organization_id, id, to_tsvector('simple', left(
  concat_ws(' ', input_text, expected_output, original_output, rejected_output, external_id), %(longest)s))
FROM learning_learningexample WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
ON CONFLICT (organization_id, example_id) DO UPDATE SET words = excluded.words
"""
# Whether row-level security lets the application's role use the index (docs/decisions/0014).
INDEXED = "SELECT proleakproof FROM pg_proc WHERE oid = 'ts_match_vq(tsvector,tsquery)'::regprocedure"


def remember_words(*, example_ids: Sequence[UUID]) -> None:
    """Keep the words of these examples as their texts are now, in the caller's transaction."""
    values: dict[str, Any] = {"organization": current_organization_id(), "ids": list(example_ids), "longest": LONGEST}
    with connection.cursor() as cursor:
        cursor.execute(REMEMBER, values)


def forget_words(*, example_ids: Sequence[UUID]) -> None:
    """Before examples are deleted."""
    ExampleWords.objects.filter(example_id__in=example_ids).delete()


def with_words(asked: str) -> QuerySet[ExampleWords]:
    """The rows of examples that hold every word asked for."""
    return ExampleWords.objects.filter(words=question(asked))


def holds_words(asked: str) -> Exists:
    """The same as a condition on examples, for when they are looked through one by one."""
    return Exists(with_words(asked).filter(example_id=OuterRef("pk")))


def question(asked: str) -> SearchQuery:
    """Each word quoted, so that nothing in it is an operator; `:*` finds what begins with it."""
    words = [word.replace("\\", "\\\\").replace("'", "''") for word in asked.split()[:MOST_WORDS]]
    return SearchQuery(" & ".join(f"'{word}':*" for word in words), config="simple", search_type="raw")


def are_words_indexed() -> bool:
    """Whether a search may use the index; otherwise the newest examples are looked through."""
    with connection.cursor() as cursor:
        cursor.execute(INDEXED)
        return bool(cursor.fetchone()[0])
