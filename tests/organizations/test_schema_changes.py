"""Many changes of tables as one step: the database gets all of them, and gives all of them back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, migrations, models
from django.db.migrations.state import ProjectState

from organizations.schema_changes import AtOnce

SHELF = migrations.CreateModel("Shelf", [("id", models.AutoField(primary_key=True))])
BOOK = migrations.CreateModel("Book", [("id", models.AutoField(primary_key=True))])
CHANGES = [
    migrations.AddField("shelf", "width", models.IntegerField(default=1)),
    migrations.AddConstraint("shelf", models.CheckConstraint(condition=models.Q(width__gt=0), name="has_width")),
    migrations.AddIndex("shelf", models.Index(fields=["width"], name="by_width")),
    migrations.AddField("book", "shelf", models.ForeignKey("library.Shelf", models.CASCADE)),
]


def states(before: list[Any], operations: list[Any]) -> tuple[ProjectState, ProjectState]:
    state = ProjectState()
    for one in before:
        one.state_forwards("library", state)
    after = state.clone()
    assert after.apps  # made already, as in the middle of a migration
    for one in operations:
        one.state_forwards("library", after)
    return state, after


def statements(work: Callable[[Any], None]) -> list[str]:
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        work(editor)
    return [line for line in editor.collected_sql if not line.startswith("--")]


@pytest.mark.django_db
def test_a_table_that_stands_is_changed_step_by_step_and_changed_back() -> None:
    at_once = AtOnce(CHANGES)
    before, after = states([SHELF, BOOK], [at_once])
    forwards = statements(lambda editor: at_once.database_forwards("library", editor, before, after))
    wanted = ('ADD COLUMN "width"', 'ADD CONSTRAINT "has_width"', 'CREATE INDEX "by_width"', 'ADD COLUMN "shelf_id"')
    at = [next(number for number, line in enumerate(forwards) if text in line) for text in wanted]
    assert at == sorted(at)
    backwards = statements(lambda editor: at_once.database_backwards("library", editor, after, before))
    gone = ('DROP COLUMN "shelf_id"', '"by_width"', 'DROP CONSTRAINT "has_width"', 'DROP COLUMN "width"')
    at = [next(number for number, line in enumerate(backwards) if text in line) for text in gone]
    assert at == sorted(at)


@pytest.mark.django_db
def test_what_is_added_to_a_new_table_comes_with_the_table_and_once() -> None:
    at_once = AtOnce([SHELF, BOOK, *CHANGES])
    before, after = states([], [at_once])
    forwards = "\n".join(statements(lambda editor: at_once.database_forwards("library", editor, before, after)))
    for text in ('CREATE TABLE "library_shelf"', "has_width", "by_width", '"width" integer', '"shelf_id" integer'):
        assert forwards.count(text) == 1, text
    backwards = statements(lambda editor: at_once.database_backwards("library", editor, after, before))
    assert [line.split()[:3] for line in backwards] == [
        ["DROP", "TABLE", '"library_book"'],
        ["DROP", "TABLE", '"library_shelf"'],
    ]


def test_the_models_are_those_of_the_steps_one_by_one() -> None:
    _, one_by_one = states([SHELF, BOOK], CHANGES)
    _, at_once = states([SHELF, BOOK], [AtOnce(CHANGES)])
    assert at_once == one_by_one
    fields = [
        {field.name for field in state.apps.get_model("library", "Shelf")._meta.get_fields()}
        for state in (at_once, one_by_one)
    ]
    assert fields[0] == fields[1] == {"id", "width", "book"}
