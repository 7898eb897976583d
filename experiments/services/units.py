"""Whom or what an experiment assigns: a user, a session or one execution, and where executions carry it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, TextField
from django.db.models.expressions import Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, NullIf

from experiments.bucketing import MAX_UNIT_LENGTH
from experiments.models import Unit
from organizations.errors import Refused
from organizations.identifiers import UNSTORABLE


@dataclass(frozen=True, slots=True)
class Names:
    """What an application tells of whoever asks; an experiment takes the one that is its unit. "" is unknown.

    Raises Refused for what can be no unit.
    """

    user: str = ""
    session: str = ""
    execution: str = ""

    def __post_init__(self) -> None:
        for kind in Unit.values:
            check_unit(getattr(self, kind), f"{kind}_id", kind)

    def __bool__(self) -> bool:
        return bool(self.user or self.session or self.execution)

    def of(self, unit: str) -> str:
        return str(getattr(self, unit))

    def named(self, prefix: str = "experiment__") -> Q:
        """Rows whose `unit` is the one of these that their experiment assigns."""
        found = Q()
        for kind in Unit.values:
            if getattr(self, kind):
                found |= Q((f"{prefix}unit", kind), unit=getattr(self, kind))
        return found


def check_unit(unit: str, field: str, called: str = "unit") -> None:
    """Raises Refused for what is too long or cannot be stored."""
    if len(unit) > MAX_UNIT_LENGTH:
        raise Refused(
            f"Impossible {called}: an identifier has at most {MAX_UNIT_LENGTH} characters, this has {len(unit):,}.",
            field,
        )
    if UNSTORABLE.search(unit):
        raise Refused(f"Impossible {called}: it holds a NUL or half of a surrogate pair.", field)


def unit_of(unit: str, prefix: str = "") -> Any:
    """The unit of an execution (behind `prefix`) as an expression; NULL where the execution names none.

    A session is `context.session_id` or `metadata.session_id`; an execution is the name that the application gave it.
    """
    if unit == Unit.EXECUTION:
        return NullIf(F(f"{prefix}external_id"), Value(""))
    if unit == Unit.USER:
        return NullIf(F(f"{prefix}user"), Value(""))
    given = [KeyTextTransform("session_id", f"{prefix}{column}") for column in ("context", "metadata")]
    return NullIf(Coalesce(*given, output_field=TextField()), Value("", output_field=TextField()))
