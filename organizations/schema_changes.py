"""A migration operation that makes many changes of tables at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.migrations import AddConstraint, CreateModel
from django.db.migrations.operations.base import Operation


class AtOnce(Operation):
    """Operations on tables, one after the other in the database, that are one step for Django's models.

    After each step Django makes anew the classes of all models that a change may concern. Here every table belongs to
    an organization, so that is all of them: hundreds of times it was most of the time of `migrate`.

    Only for operations that find in the models before or after all of them what they need: no renaming, nothing that
    is added and changed again, no RunPython.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations

    @property
    def reduces_to_sql(self) -> bool:  # type: ignore[override]
        return all(one.reduces_to_sql for one in self.operations)

    @property
    def reversible(self) -> bool:  # type: ignore[override]
        return all(one.reversible for one in self.operations)

    def deconstruct(self) -> Any:
        return "AtOnce", [], {"operations": self.operations}

    def describe(self) -> str:
        return "; ".join(one.describe() for one in self.operations)

    def state_forwards(self, app_label: str, state: Any) -> None:
        state.__dict__.pop("apps", None)  # made anew when somebody asks for them, which is after the last change
        for one in self.operations:
            one.state_forwards(app_label, state)

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for one in self._on_the_database():
            one.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for one in reversed(self._on_the_database()):
            # A constraint may name a field that came with it.
            before = from_state if isinstance(one, AddConstraint) else to_state
            one.database_backwards(app_label, schema_editor, from_state, before)

    def _on_the_database(self) -> list[Operation]:
        """What is added to a new table comes, or goes, with the table itself."""
        new = {one.name_lower for one in self.operations if isinstance(one, CreateModel)}
        return [one for one in self.operations if getattr(one, "model_name_lower", "") not in new]
