"""What the claiming statement gives back, as the models that it is about.

The ORM would ask again for what was claimed, by a second statement with three joins whose text it composes anew each
time. Here the columns are named once for the process, and a row becomes a slot with its example and that one's agent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Model

from annotation.models import AnnotationQueue, Slot
from learning.models import Agent, LearningExample


@dataclass(frozen=True)
class Part:
    """The columns of one model in the row, under the alias of its table in the statement."""

    alias: str
    model: type[Model]

    @property
    def names(self) -> list[str]:
        return [field.attname for field in self.model._meta.concrete_fields]

    @property
    def columns(self) -> str:
        return ", ".join(f"{self.alias}.{field.column}" for field in self.model._meta.concrete_fields)

    @property
    def readings(self) -> list[tuple[int, Callable[..., Any]]]:
        """What must be read from the database's form (JSON): place and function."""
        fields = enumerate(self.model._meta.concrete_fields)
        return [(place, field.from_db_value) for place, field in fields if hasattr(field, "from_db_value")]


PARTS = (Part("taken", Slot), Part("e", LearningExample), Part("g", Agent))
COLUMNS = ", ".join(part.columns for part in PARTS)
_SHAPES = [(part.model, part.names, part.readings) for part in PARTS]


def slot_from(row: Sequence[Any], queue: AnnotationQueue) -> Slot:
    """The claimed slot of the queue, with its example and agent: nothing of these is asked for again."""
    found: list[Any] = []
    begin = 0
    for model, names, readings in _SHAPES:
        values = list(row[begin : begin + len(names)])
        for place, read in readings:
            values[place] = read(values[place], None, connection)
        found.append(model.from_db(connection.alias, names, values))
        begin += len(names)
    slot, example, agent = found
    slot.queue, slot.example, example.agent = queue, example, agent
    return slot  # type: ignore[no-any-return]
